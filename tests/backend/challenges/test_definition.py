"""challenge.toml: what is read, what is refused, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from challenge_folder import tiny_toml
from fivesigma_backend.challenges.definition import (
    Definition,
    DefinitionError,
    PhaseDefinition,
    as_toml,
    parse_definition,
    read_definition,
)

EXAMPLE = """
slug = "higgsml"
title = "HiggsML: find the Higgs boson in tau pairs"
summary = "Select signal events to maximise the AMS."
kind = "selection"
hardware = "cpu"
truth_public = true

[teams]
max_size = 4

[files.train]
path = "train.parquet"
title = "Training events with labels and weights"

[test_sets.main]
solution = "solution.parquet"
sample = "sample_submission.csv"
min_selected = 50

[[phases]]
slug = "challenge"
title = "Challenge"
opens = 2026-12-01T00:00:00Z
closes = 2026-12-21T00:00:00Z
metric = "ams"
metrics = ["signal_efficiency", "purity"]
options = { regularisation = 10 }
normalise = { s = 691.988607712, b = 410999.847322 }
limits = { per_day = 5, total = 200, concurrent = 2 }
finals = 2
unblind = "at-close"
"""


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(DefinitionError) as caught:
        parse_definition(text)
    return caught.value.problems


def broken(**changes: Any) -> tuple[str, ...]:
    """What is wrong with the tiny challenge after top-level changes."""
    return problems(tomli_w.dumps({**tiny_toml(), **changes}))


def broken_phase(**changes: Any) -> tuple[str, ...]:
    """What is wrong with the tiny challenge after changes to its phase."""
    return broken(phases=[phase(**changes)])


def phase(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {**tiny_toml()["phases"][0], **changes}
    return {key: value for key, value in plain.items() if value is not None}


def main_set(**changes: Any) -> dict[str, Any]:
    return {"main": {**tiny_toml()["test_sets"]["main"], **changes}}


def test_the_example_of_the_key_table_is_read_with_its_defaults() -> None:
    definition = parse_definition(EXAMPLE)
    assert definition.teams.max_size == 4
    assert definition.card == "README.md"
    assert definition.test_sets["main"].max_bytes == 256 * 2**20
    (only,) = definition.phases
    assert only.opens == datetime(2026, 12, 1, tzinfo=UTC)
    assert only.normalise == {"s": 691.988607712, "b": 410999.847322}
    assert only.options == {"regularisation": 10}
    assert (only.finals, only.board, only.uploads, only.limits.window) == (
        2,
        "live",
        True,
        "rolling",
    )


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    assert broken(titel="x") == ('titel: unknown key; the nearest known one is "title"',)
    assert broken_phase(opnes=1) == (
        'phases[0].opnes: unknown key; the nearest known one is "opens"',
    )
    assert broken_phase(limits={"perday": 5}) == (
        'phases[0].limits.perday: unknown key; the nearest known one is "per_day"',
    )
    assert broken(test_sets=main_set(solutoin="x")) == (
        'test_sets.main.solutoin: unknown key; the nearest known one is "solution"',
    )
    assert broken(files={"train": {"path": "train.csv", "form": 1}}) == (
        'files.train.form: unknown key; the nearest known one is "from"',
    )
    assert broken(files={"train": {"path": "train.csv", "visible_from": 1}}) == (
        'files.train.visible_from: unknown key; the nearest known one is "from"',
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title": 5}, "title = 5: expected a text in quotes"),
        ({"title": " "}, 'title = " ": expected one line of text'),
        (
            {"slug": "Tiny!"},
            'slug = "Tiny!": expected 2 to 40 of the characters a-z, 0-9 and -, not - first',
        ),
        ({"truth_public": "yes"}, 'truth_public = "yes": expected true or false'),
        ({"visibility": "all"}, "visibility = \"all\": expected one of 'public' or 'members'"),
        ({"organisers": "ada"}, 'organisers = "ada": expected an array'),
        ({"teams": {"max_size": 0}}, "teams.max_size = 0: expected a number of at least 1"),
        ({"teams": 4}, "teams = 4: expected a table"),
        ({"phases": []}, "phases = []: expected at least 1"),
        ({"files": {"a b": {"path": "x"}}}, None),
        (
            {"card": "../secret.md"},
            'card = "../secret.md": expected a path inside the challenge\'s folder, such as '
            "data/test.csv",
        ),
        (
            {"help_url": "javascript:alert(1)"},
            'help_url = "javascript:alert(1)": expected an address with https:// or mailto:',
        ),
        (
            {"timezone": "Europe/Zürich"},
            'timezone = "Europe/Zürich": expected an IANA name, such as "Europe/Zurich"',
        ),
        ({"timezone": 1}, 'timezone = 1: expected an IANA name, such as "Europe/Zurich"'),
        (
            {"kind": "selektion"},
            'kind = "selektion": unknown; the nearest known one is "selection"',
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    changes: dict[str, Any], sentence: str | None
) -> None:
    expected = sentence or "files.a b: expected a name of up to 40 letters, digits, dots, - and _"
    assert broken(**changes)[0] == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"finals": "two"}, 'phases[0].finals = "two": expected a whole number'),
        ({"finals": True}, "phases[0].finals = true: expected a whole number"),
        ({"finals": -1}, "phases[0].finals = -1: expected a number of at least 0"),
        (
            {"opens": "2026-12-01"},
            'phases[0].opens = "2026-12-01": expected a date and time, such as '
            "2026-12-01T00:00:00Z",
        ),
        ({"metric": None}, "phases[0].metric: this key is missing"),
        (
            {"limits": {"per_day": 0}},
            "phases[0].limits.per_day = 0: expected a number of at least 1",
        ),
        (
            {"normalise": {"s": -1.0, "b": 2.0}},
            "phases[0].normalise.s = -1.0: expected a number above 0",
        ),
        ({"normalise": {"s": float("inf"), "b": 2.0}}, None),
        (
            {"options": {"regularisation": [1]}},
            "phases[0].options.regularisation = [1]: expected a number, a text, true or false",
        ),
        (
            {"closes": datetime(2026, 12, 1, tzinfo=UTC)},
            "phases[0].closes = 2026-12-01T00:00:00+00:00: must be later than opens",
        ),
        (
            {"test_set": "mian"},
            'phases[0].test_set = "mian": no such test set; the nearest known one is "main"',
        ),
        (
            {"metric": "asm"},
            'phases[0].metric: unknown metric "asm"; the nearest known one is "ams"',
        ),
        (
            {"metrics": ["puritty"]},
            'phases[0].metrics: unknown metric "puritty"; the nearest known one is "purity"',
        ),
        (
            {"options": {"regularization": 10}},
            "phases[0].options.regularization: none of the phase's metrics has it; the nearest "
            'known one is "regularisation"',
        ),
        (
            {"normalise": {"s": 1.0}},
            'phases[0].normalise: expected totals of the classes s and b, got ["s"]',
        ),
        (
            {"board": "frozen"},
            'phases[0].freeze_at: board = "frozen" and freeze_at belong together',
        ),
        ({"unblind": "at"}, 'phases[0].unblind_at: unblind = "at" and unblind_at belong together'),
        (
            {"unblind": "at", "unblind_at": datetime(2026, 12, 2, tzinfo=UTC)},
            "phases[0].unblind_at = 2026-12-02T00:00:00+00:00: must not be before the close",
        ),
        (
            {"carry_over": "best"},
            "phases[0].carry_from: carry_over and carry_from belong together",
        ),
        (
            {"carry_over": "best", "carry_from": "phase-0"},
            'phases[0].carry_from = "phase-0": no such other phase; there is none',
        ),
        (
            {"uploads": False},
            "phases[0].uploads = false: nothing would ever arrive; set carry_over and carry_from",
        ),
    ],
)
def test_a_wrong_phase_is_explained(changes: dict[str, Any], sentence: str | None) -> None:
    # tomllib reads inf; json shows it as Infinity.
    expected = sentence or "phases[0].normalise.s = Infinity: expected a finite number"
    assert expected in broken_phase(**changes)


def test_a_bad_option_value_is_refused_by_the_metric_itself() -> None:
    (sentence,) = broken_phase(options={"regularisation": "ten"})
    assert sentence.startswith('phases[0].options.regularisation = "ten": Option regularisation')


def test_all_problems_are_listed_at_once() -> None:
    found = broken(titel="x", truth_public=1, phases=[phase(finals="two", opnes=1)])
    assert len(found) == 4
    crossed = broken(
        help_url="ftp://x", phases=[phase(metric="asm", test_set="mian", normalise={"s": 1.0})]
    )
    assert len(crossed) == 5  # the test set `main` is then used by no phase


def test_phases_need_slugs_of_their_own() -> None:
    assert broken(phases=[phase(), phase()]) == (
        'phases: 2 phases have the slug "final"; each needs its own',
    )


def test_a_link_between_different_test_sets_is_refused() -> None:
    second = phase(
        slug="second", test_set="other", carry_over="best", carry_from="final", uploads=False
    )
    other = {"solution": "solution2.csv", "sample": "sample2.csv"}
    assert broken(phases=[phase(), second], test_sets={**main_set(), "other": other}) == (
        'phases[1].carry_from: "final" has another test set; both must share one',
    )


def test_a_circle_of_phases_is_refused() -> None:
    first = phase(slug="first", carry_over="best", carry_from="second")
    second = phase(slug="second", carry_over="best", carry_from="first")
    assert "phases[0].carry_from: the phases are carried over in a circle" in broken(
        phases=[first, second]
    )


def test_usage_columns_cover_the_phases() -> None:
    two = [phase(), phase(slug="late")]
    assert broken(phases=two, test_sets=main_set(usage={"final": "u1", "finale": "u2"})) == (
        "test_sets.main.usage.finale: no such phase of this test set; the nearest known one is "
        '"final"',
        'test_sets.main.usage: the phase "late" has no column; name one for each phase',
    )
    assert broken(test_sets=main_set(usage={"final": "u"}, split={"public": 0.5})) == (
        "test_sets.main.usage: give either usage columns or a split, not both",
    )


def test_the_solution_can_not_be_published_by_mistake() -> None:
    files = {"truth": {"path": "solution.csv"}}
    assert broken(files=files) == (
        'files.truth.path = "solution.csv": this is a solution; it must not be published unless '
        "truth_public = true",
    )
    text = tomli_w.dumps({**tiny_toml(), "files": files, "truth_public": True})
    assert parse_definition(text).files["truth"].path == "solution.csv"
    assert broken(files={"toml": {"path": "challenge.toml"}}) == (
        "files.toml.path: challenge.toml can't be published, it may tell the split",
    )


def test_the_same_path_can_not_be_spelt_around_the_check() -> None:
    (sentence,) = broken(files={"truth": {"path": "./solution.csv"}})
    assert "this is a solution" in sentence


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "..", "a/../../b", "C:\\x", "a\\..\\b", "", ".", "a\x07b", "a" * 201]
)
def test_paths_stay_inside_the_folder(path: str) -> None:
    (sentence,) = broken(card=path)
    assert sentence.startswith("card = ")
    assert "expected a path" in sentence


def test_samples_are_published_under_a_name_of_their_own() -> None:
    definition = parse_definition(tomli_w.dumps(tiny_toml()))
    assert list(definition.published()) == ["train", "test", "sample"]
    assert broken(files={"sample": {"path": "train.csv"}}) == (
        'files.sample: this name is kept for the sample "sample_submission.csv"; choose another',
    )
    named = tomli_w.dumps({**tiny_toml(), "files": {"example": {"path": "sample_submission.csv"}}})
    assert list(parse_definition(named).published()) == ["example"]
    assert broken(files={"a": {"path": "x/data.csv"}, "b": {"path": "y/data.csv"}}) == (
        'files: 2 published files are called "data.csv"; give each its own name',
    )


def test_times_without_offset_are_local_to_the_timezone() -> None:
    local = {"opens": datetime(2026, 7, 1), "closes": datetime(2026, 12, 1)}
    zurich = tomli_w.dumps({**tiny_toml(), "timezone": "Europe/Zurich", "phases": [phase(**local)]})
    (only,) = parse_definition(zurich).phases
    assert only.opens.astimezone(UTC) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert only.closes == datetime(2026, 11, 30, 23, tzinfo=UTC)
    everywhere = tomli_w.dumps(
        {**tiny_toml(), "timezone": "Etc/GMT+12", "phases": [phase(**local)]}
    )
    assert parse_definition(everywhere).phases[0].opens == datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 3, 29, 2, 30), "is skipped by the clocks in Europe/Zurich"),
        (datetime(2026, 10, 25, 2, 30), "comes twice in Europe/Zurich"),
    ],
)
def test_local_times_that_the_clocks_skip_or_repeat_are_refused(
    moment: datetime, words: str
) -> None:
    (sentence,) = broken(timezone="Europe/Zurich", phases=[phase(opens=moment, closes=None)])
    assert words in sentence


def test_a_definition_survives_being_written_and_stored() -> None:
    full = parse_definition(
        tomli_w.dumps(
            {
                **tiny_toml(),
                "timezone": "America/New_York",
                "organisers": ["ada"],
                "help_url": "https://example.org/forum",
                "visibility": "members",
                "teams": {"max_size": 3, "lock_at": datetime(2026, 12, 20)},
                "files": {
                    "train": {
                        "path": "train.csv",
                        "from": datetime(2026, 12, 2, tzinfo=UTC),
                        "members_only": False,
                    }
                },
                "test_sets": main_set(
                    split={"public": 0.3, "seed": 7, "stratify": "process"},
                    slices=["process"],
                    plausible={"metric": "ams", "bound": 30.0},
                ),
                "phases": [
                    phase(),
                    phase(
                        slug="last",
                        closes=None,
                        gates=[{"metric": "purity", "op": ">=", "bound": 0.1}],
                        tie_break=["purity"],
                        carry_over="selected",
                        carry_from="final",
                        uploads=False,
                        late=True,
                    ),
                ],
            }
        )
    )
    assert parse_definition(as_toml(full)) == full
    assert Definition.model_validate(full.model_dump(mode="json")) == full
    assert as_toml(parse_definition(as_toml(full))) == as_toml(full)
    stored = full.phases[1].model_dump(mode="json")
    assert PhaseDefinition.model_validate(stored) == full.phases[1]


def test_columns_and_gates_may_be_of_variants_and_slices() -> None:
    gates = [{"metric": "purity@process=z", "op": ">=", "bound": 0.1}]
    definition = parse_definition(
        tomli_w.dumps(
            {
                **tiny_toml(),
                "test_sets": main_set(slices=["process"], variants="shift"),
                "phases": [phase(metrics=["ams@es=up", "purity"], gates=gates)],
            }
        )
    )
    (only,) = definition.phases
    assert only.columns == ["ams", "ams@es=up", "purity", "purity@process=z"]
    assert only.all_metrics == ["ams", "purity"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"metrics": ["amps@process=z"]},
            'phases[0].metrics: unknown metric "amps"; the nearest known one is "ams"',
        ),
        (
            {"gates": [{"metric": "ams@proces=z", "op": ">", "bound": 1.0}]},
            'phases[0].gates: "ams@proces=z": the test set has no slices by "proces"; the nearest '
            'known one is "process"',
        ),
        (
            {"metrics": ["ams@up"]},
            'phases[0].metrics: "ams@up": the test set has no variants; a slice is written '
            "metric@column=value",
        ),
        (
            {"metric": "ams@process=z"},
            'phases[0].metric: "ams@process=z": variants and slices can be columns and gates only',
        ),
        (
            {"tie_break": ["ams@process=z"]},
            'phases[0].tie_break: "ams@process=z": variants and slices can be columns and gates '
            "only",
        ),
    ],
)
def test_a_column_that_cannot_be_meant_is_explained(changes: dict[str, Any], sentence: str) -> None:
    sliced = {
        **tiny_toml(),
        "test_sets": main_set(slices=["process"]),
        "phases": [phase(**changes)],
    }
    assert problems(tomli_w.dumps(sliced)) == (sentence,)


def test_masks_need_the_names_of_their_classes() -> None:
    masks = {**tiny_toml(), "kind": "segmentation"}
    masks["phases"] = [phase(metric="event_accuracy_mean", metrics=[], options={}, normalise=None)]
    with pytest.raises(DefinitionError) as caught:
        parse_definition(tomli_w.dumps(masks))
    assert list(caught.value.problems) == [
        "test_sets.main.classes: name 2 to 256 classes; class 0, nothing, comes first"
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"slug = ", "challenge.toml is not valid TOML: Invalid value (at end of document)"),
        (b'slug = "\xff"', "challenge.toml is not UTF-8 text; save it as UTF-8"),
        (b"#" * (2**20 + 1), "challenge.toml is larger than 1 MiB; it holds settings only"),
        (None, "challenge.toml can't be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_toml_is_explained(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / "challenge.toml").write_bytes(content)
    with pytest.raises(DefinitionError) as caught:
        read_definition(tmp_path)
    assert caught.value.problems == (sentence,)


def test_deep_nesting_and_a_byte_order_mark_do_no_harm() -> None:
    assert "not valid TOML" in problems("a = " + "[" * 100_000)[0]
    assert parse_definition("\ufeff" + tomli_w.dumps(tiny_toml())).slug == "tiny"


def test_an_empty_file_names_every_missing_key() -> None:
    assert problems("") == tuple(
        f"{key}: this key is missing"
        for key in ("slug", "title", "summary", "kind", "test_sets", "phases")
    )
