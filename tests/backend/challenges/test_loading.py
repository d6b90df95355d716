"""Loading, updating and exporting challenges, on both databases."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import polars as pl
import pytest
from challenge_folder import CLOSES, tiny_toml, write_tiny_challenge
from fivesigma_backend.challenges import loading
from fivesigma_backend.challenges.definition import DefinitionError, read_definition
from fivesigma_backend.challenges.models import (
    Challenge,
    Organiser,
    Phase,
    PublishedFile,
    Solution,
    TestSet,
)
from fivesigma_backend.challenges.service import (
    LoadResult,
    all_test_sets,
    current_solution,
    export_challenge,
    load_challenge,
    phase_by_slug,
    phases_of,
)
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.errors import Conflict, NotFound
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions.models import Entry, Submission
from fivesigma_backend.teams.models import Team
from fivesigma_scoring import score_file
from people import make_user
from sqlalchemy import func, select

pytestmark = pytest.mark.stores

# What is refused before anything is stored is refused alike on every database.
ON_ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def quiet(_line: str) -> None: ...


def load(platform: Platform, folder: Path, **options: Any) -> LoadResult:
    return load_challenge(platform, folder, report=quiet, **options)


def count(platform: Platform, table: type[Any]) -> int:
    with platform.db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def with_phase(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {**tiny_toml()["phases"][0], **changes}
    return {"phases": [{key: value for key, value in plain.items() if value is not None}]}


def hand_in(platform: Platform, challenge_id: str) -> None:
    """What the first submission of a team leaves behind, as far as loading cares."""
    user = make_user(platform, "ada")
    with platform.db.transaction() as session:
        team = Team(
            id=new_id(),
            challenge_id=challenge_id,
            name="ada",
            name_key="ada",
            created_at=platform.clock(),
        )
        session.add(team)
        session.flush()
        phase = phases_of(session, challenge_id)[0]
        entry = Entry(id=new_id(), phase_id=phase.id, team_id=team.id)
        session.add(entry)
        session.flush()
        session.add(
            Submission(
                id=new_id(),
                entry_id=entry.id,
                challenge_id=challenge_id,
                user_id=user.id,
                sha256="0" * 64,
                size=1,
                filename="a.csv",
                declared=None,
                submitted_at=platform.clock(),
                evaluation_id=new_id(),
            )
        )


def test_a_folder_becomes_a_challenge(platform: Platform, tmp_path: Path) -> None:
    ada = make_user(platform, "ada")
    eve = make_user(platform, "eve")
    lines: list[str] = []
    folder = write_tiny_challenge(tmp_path / "tiny", organisers=["Ada", "nobody"])
    result = load_challenge(platform, folder, organiser_ids=[eve.id], report=lines.append)
    assert (result.slug, result.created, result.changes) == ("tiny", True, ())
    with platform.db.read() as session:
        challenge = session.get_one(Challenge, result.challenge_id)
        assert challenge.title == "Tiny: find the bump"
        assert challenge.rules_version is not None
        assert challenge.published
        phase = phase_by_slug(session, challenge.id, "final")
        assert phase.closes_at == CLOSES
        (test_set,) = all_test_sets(session, challenge.id)
        solution = current_solution(session, test_set.id)
        assert solution.version == 1
        assert set(session.scalars(select(Organiser.user_id))) == {ada.id, eve.id}
        files = session.scalars(select(PublishedFile).order_by(PublishedFile.position)).all()
        assert [file.name for file in files] == ["train", "test", "sample"]
        (event,) = session.scalars(select(AuditEvent))
        assert (event.action, event.target) == ("challenge.load", "tiny")
        with pytest.raises(NotFound, match="The phases are: final"):
            phase_by_slug(session, challenge.id, "finale")
    assert (
        platform.storage.local(files[0].sha256).read_bytes() == (folder / "train.csv").read_bytes()
    )
    compiled = platform.storage.local_folder(solution.compiled_sha256)
    sample = folder / "sample_submission.csv"
    assert score_file(sample, sample.name, compiled, "final").report.ok
    universe = platform.storage.local_folder(solution.universe_sha256)
    assert sorted(path.name for path in universe.iterdir()) == sorted(
        path.name for path in (compiled / "universe").iterdir()
    )
    text = "\n".join(lines)
    assert "phase final, public: 100 events, 25 s (25.0%) and 75 b" in text
    assert f"sha256 {files[0].sha256}" in text
    assert 'Nobody is called "nobody" here' in text


@ON_ONE_DATABASE
def test_nothing_of_the_truth_is_in_what_a_validation_sees(
    platform: Platform, tmp_path: Path
) -> None:
    """Two challenges that differ in their truth only have the same universe, byte for byte."""
    seen = []
    for slug in ("one", "two"):
        folder = write_tiny_challenge(tmp_path / slug, slug=slug)
        if slug == "two":
            solution = pl.read_csv(folder / "solution.csv")
            mixed = solution.with_columns(pl.col("label", "weight", "usage").reverse())
            mixed.write_csv(folder / "solution.csv")
        result = load(platform, folder)
        with platform.db.read() as session:
            (test_set,) = all_test_sets(session, result.challenge_id)
            stored = current_solution(session, test_set.id)
            root = platform.storage.local_folder(stored.universe_sha256)
            seen.append({path.name: path.read_bytes() for path in root.iterdir()})
    assert seen[0] == seen[1]


def test_loading_twice_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    folder = write_tiny_challenge(tmp_path / "tiny")
    first = load(platform, folder)
    again = load(platform, folder)
    assert again == LoadResult("tiny", first.challenge_id, created=False)
    assert count(platform, Solution) == 1
    assert count(platform, AuditEvent) == 1


def test_a_changed_folder_shows_its_changes_and_needs_update(
    platform: Platform, tmp_path: Path
) -> None:
    result = load(platform, write_tiny_challenge(tmp_path / "tiny"))
    lines: list[str] = []
    changed = write_tiny_challenge(
        tmp_path / "tiny", title="Tiny, the second", **with_phase(closes=None, finals=1)
    )
    plain = (changed / "challenge.toml").read_text()
    (changed / "README.md").write_text("# New card\n")
    with pytest.raises(Conflict, match="load it again with --update") as caught:
        load_challenge(platform, changed, report=lines.append)
    assert caught.value.code == "exists"
    assert lines == [
        'Changes of "tiny":',
        '  title: "Tiny: find the bump" → "Tiny, the second"',
        "  phases.final.closes: 2026-12-21T00:00:00+00:00 → (not set)",
        "  phases.final.finals: 2 → 1",
        f"  README.md: changed, now {len('# New card') + 1} bytes",
    ], plain
    updated = load(platform, changed, update=True)
    assert updated.challenge_id == result.challenge_id
    assert not updated.created
    with platform.db.read() as session:
        challenge = session.get_one(Challenge, result.challenge_id)
        assert (challenge.title, challenge.card) == ("Tiny, the second", "# New card\n")
        assert phase_by_slug(session, challenge.id, "final").closes_at is None
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
        assert [event.action for event in events] == ["challenge.load", "challenge.update"]
    assert count(platform, Solution) == 1


def test_before_the_first_submission_everything_may_change(
    platform: Platform, tmp_path: Path
) -> None:
    result = load(platform, write_tiny_challenge(tmp_path / "a"))
    second = {**tiny_toml()["phases"][0], "slug": "second", "metric": "accuracy", "options": {}}
    second["metrics"] = []
    changed = write_tiny_challenge(tmp_path / "b", seed=5, phases=[second], files={"train": None})
    load(platform, changed, update=True)
    with platform.db.read() as session:
        assert [phase.slug for phase in phases_of(session, result.challenge_id)] == ["second"]
        (test_set,) = all_test_sets(session, result.challenge_id)
        assert current_solution(session, test_set.id).version == 2
        names = session.scalars(select(PublishedFile.name).order_by(PublishedFile.position))
        assert list(names) == ["test", "sample"]


def test_a_test_set_may_be_renamed_before_the_first_submission(
    platform: Platform, tmp_path: Path
) -> None:
    load(platform, write_tiny_challenge(tmp_path / "a"))
    other = {"main": None, "other": tiny_toml()["test_sets"]["main"]}
    changed = write_tiny_challenge(tmp_path / "b", test_sets=other, **with_phase(test_set="other"))
    load(platform, changed, update=True)
    with platform.db.read() as session:
        assert list(session.scalars(select(TestSet.name))) == ["other"]


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            {"seed": 9},
            "test_sets.main: there are submissions, and no version of the solution can take over "
            "from the present one where it has other ids",
        ),
        (with_phase(slug="other"), "phases.final: it has submissions, so it can't be removed"),
        ({"test_sets": {"main": {"shape": [3]}}}, "test_sets.main.shape"),
    ],
)
def test_after_the_first_submission_what_predictions_were_made_for_is_frozen(
    platform: Platform, tmp_path: Path, overrides: dict[str, Any], sentence: str
) -> None:
    result = load(platform, write_tiny_challenge(tmp_path / "a"))
    hand_in(platform, result.challenge_id)
    changed = write_tiny_challenge(tmp_path / "b", **overrides)
    with pytest.raises((Conflict, DefinitionError)) as caught:
        load(platform, changed, update=True)
    assert sentence in str(caught.value)
    assert count(platform, Solution) == 1


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    "overrides",
    [
        with_phase(metric="ams3"),
        with_phase(options={"regularisation": 1.0}),
        with_phase(normalise={"s": 1.0, "b": 2.0}),
        with_phase(finals=1),
    ],
)
def test_what_decides_scores_and_ranks_needs_somebody_who_keeps_submissions(
    platform: Platform, tmp_path: Path, overrides: dict[str, Any]
) -> None:
    result = load(platform, write_tiny_challenge(tmp_path / "a"))
    hand_in(platform, result.challenge_id)
    changed = write_tiny_challenge(tmp_path / "b", **overrides)
    with pytest.raises(Conflict, match="would change their scores or ranks") as caught:
        load(platform, changed, update=True)
    assert caught.value.code == "frozen"


def test_after_the_first_submission_texts_files_times_limits_and_new_phases_may_change(
    platform: Platform, tmp_path: Path
) -> None:
    result = load(platform, write_tiny_challenge(tmp_path / "a"))
    hand_in(platform, result.challenge_id)
    phase = {**tiny_toml()["phases"][0], "title": "New", "limits": {"per_day": 9}}
    phase.pop("closes")
    changed = write_tiny_challenge(
        tmp_path / "b",
        phases=[phase, {**phase, "slug": "extra"}],
        files={"card": {"path": "README.md"}},
        test_sets={"main": {"max_bytes": 1_000_000}},
    )
    load(platform, changed, update=True)
    with platform.db.read() as session:
        assert [one.slug for one in phases_of(session, result.challenge_id)] == ["final", "extra"]
        (test_set,) = all_test_sets(session, result.challenge_id)
        solution = current_solution(session, test_set.id)
        assert set(solution.summary["phases"]) == {"final", "extra"}


def test_the_times_of_an_unblinded_phase_are_final(platform: Platform, tmp_path: Path) -> None:
    result = load(platform, write_tiny_challenge(tmp_path / "a"))
    with platform.db.transaction() as session:
        phases_of(session, result.challenge_id)[0].unblinded_at = platform.clock()
    changed = write_tiny_challenge(tmp_path / "b", **with_phase(closes=None))
    with pytest.raises(Conflict, match=r"phases.final.closes: the phase is unblinded"):
        load(platform, changed, update=True)


def test_a_close_that_was_moved_is_a_change_and_is_exported(
    platform: Platform, tmp_path: Path
) -> None:
    folder = write_tiny_challenge(tmp_path / "tiny")
    result = load(platform, folder)
    with platform.db.transaction() as session:
        phases_of(session, result.challenge_id)[0].closes_at = platform.clock()
    with pytest.raises(Conflict) as caught:
        load(platform, folder)
    assert caught.value.extra["changes"] == (
        "phases.final.closes: 2026-12-01T12:00:00+00:00 → 2026-12-21T00:00:00+00:00",
    )
    export_challenge(platform, "tiny", tmp_path / "out")
    assert read_definition(tmp_path / "out").phases[0].closes == platform.clock()
    assert not load(platform, tmp_path / "out").changes


def test_export_gives_the_folder_back(platform: Platform, tmp_path: Path) -> None:
    folder = write_tiny_challenge(tmp_path / "tiny")
    (folder / "plots" / "empty").mkdir(parents=True)
    (folder / "plots" / "mass.png").write_bytes(bytes(range(256)))
    with (folder / "challenge.toml").open("a") as file:
        file.write("\n# a remark of the organiser\n")
    load(platform, folder)
    export_challenge(platform, "tiny", tmp_path / "deep" / "out")
    assert_same_folder(folder, tmp_path / "deep" / "out")


def test_export_load_export_is_stable(platform: Platform, tmp_path: Path) -> None:
    split = {"main": {"split": {"public": 0.4}}}
    load(platform, write_tiny_challenge(tmp_path / "tiny", test_sets=split))
    export_challenge(platform, "tiny", tmp_path / "first")
    assert read_definition(tmp_path / "first").test_sets["main"].split is not None
    with platform.db.transaction() as session:
        session.delete(session.scalars(select(Challenge)).one())
    load(platform, tmp_path / "first")
    export_challenge(platform, "tiny", tmp_path / "second")
    assert_same_folder(tmp_path / "first", tmp_path / "second")


def assert_same_folder(one: Path, other: Path) -> None:
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*"))
    assert names == sorted(str(path.relative_to(other)) for path in other.rglob("*"))
    files = [name for name in names if (one / name).is_file()]
    assert filecmp.cmpfiles(one, other, files, shallow=False)[0] == files


def test_export_overwrites_nothing(platform: Platform, tmp_path: Path) -> None:
    load(platform, write_tiny_challenge(tmp_path / "tiny"))
    with pytest.raises(Conflict, match="exists already"):
        export_challenge(platform, "tiny", tmp_path / "tiny")
    with pytest.raises(NotFound, match="no challenge “other”"):
        export_challenge(platform, "other", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    export_challenge(platform, "tiny", tmp_path / "empty")
    assert (tmp_path / "empty" / "challenge.toml").is_file()


def test_a_split_without_seed_gets_one_and_keeps_it(platform: Platform, tmp_path: Path) -> None:
    split = {"main": {"split": {"public": 0.4}}}
    lines: list[str] = []
    folder = write_tiny_challenge(tmp_path / "tiny", test_sets=split)
    first = load_challenge(platform, folder, report=lines.append)
    with platform.db.read() as session:
        (test_set,) = all_test_sets(session, first.challenge_id)
        seed = test_set.definition["split"]["seed"]
        public = current_solution(session, test_set.id).summary["phases"]["final"]["public"]
    assert public["n"] == 80
    assert f"  split drawn with seed {seed}, 40.0% public" in lines
    assert load(platform, folder).changes == ()


@pytest.mark.parametrize("broken_at", ["put_folder", "store_challenge", "record_act"])
def test_a_load_that_dies_half_way_leaves_no_half_challenge(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_at: str
) -> None:
    def die(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    folder = write_tiny_challenge(tmp_path / "tiny")
    with monkeypatch.context() as patch:
        if broken_at == "put_folder":
            patch.setattr(type(platform.storage), "put_folder", die)
        else:
            patch.setattr(loading, broken_at, die)
        with pytest.raises(KeyboardInterrupt):
            load(platform, folder)
    for table in (Challenge, TestSet, Solution, Phase, PublishedFile, Organiser, AuditEvent):
        assert count(platform, table) == 0
    assert list(platform.storage.spool.iterdir()) == []
    assert load(platform, folder).created


def test_an_update_that_dies_half_way_changes_nothing(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    load(platform, write_tiny_challenge(tmp_path / "a"))
    changed = write_tiny_challenge(tmp_path / "b", seed=4, title="Other")
    with monkeypatch.context() as patch:
        patch.setattr(loading, "record_act", die)
        with pytest.raises(KeyboardInterrupt):
            load(platform, changed, update=True)
    with platform.db.read() as session:
        assert session.scalars(select(Challenge)).one().title == "Tiny: find the bump"
        assert session.scalars(select(Solution.version)).all() == [1]


def test_two_loads_at_once_make_one_challenge(platform: Platform, tmp_path: Path) -> None:
    folder = write_tiny_challenge(tmp_path / "tiny")
    outcomes: list[object] = []

    def run() -> None:
        try:
            outcomes.append(load(platform, folder).created)
        except Conflict as conflict:
            outcomes.append(conflict.code)

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(True) == 1
    assert set(outcomes) <= {True, False, "conflict"}
    assert count(platform, Challenge) == 1


def test_an_update_computed_from_an_older_version_is_refused(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(platform, write_tiny_challenge(tmp_path / "a"))
    mine = write_tiny_challenge(tmp_path / "mine", title="Mine")
    theirs = write_tiny_challenge(tmp_path / "theirs", title="Theirs")
    prepare = loading.prepare

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.setattr(loading, "prepare", prepare)
        load(platform, theirs, update=True)
        return prepare(*arguments)

    monkeypatch.setattr(loading, "prepare", overtaken)
    with pytest.raises(Conflict, match="Somebody else changed this"):
        load(platform, mine, update=True)
    with platform.db.read() as session:
        assert session.scalars(select(Challenge.title)).one() == "Theirs"


def link(folder: Path) -> None:
    (folder / "passwords").symlink_to("/etc/passwd")


def link_to_folder(folder: Path) -> None:
    (folder / "etc").symlink_to("/etc", target_is_directory=True)


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def strange_name(folder: Path) -> None:
    (folder / "a\nb").write_text("x")


def no_train(folder: Path) -> None:
    (folder / "train.csv").unlink()
    (folder / "solution.csv").unlink()


def empty_test(folder: Path) -> None:
    (folder / "test.csv").write_text("")


def binary_card(folder: Path) -> None:
    (folder / "README.md").write_bytes(b"\xff\xfe")


def nul_card(folder: Path) -> None:
    (folder / "README.md").write_bytes(b"a\0b")


def huge_rules(folder: Path) -> None:
    (folder / "rules.md").write_bytes(b"a" * (2**20 + 1))


def bad_label(folder: Path) -> None:
    text = (folder / "solution.csv").read_text()
    (folder / "solution.csv").write_text(text.replace(",s,", ",x,", 1))


def other_sample(folder: Path) -> None:
    text = (folder / "sample_submission.csv").read_text().splitlines()
    (folder / "sample_submission.csv").write_text("\n".join(text[:-1]) + "\n")


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("spoil", "sentences"),
    [
        (link, ['"passwords" is a link; a challenge\'s folder holds plain files']),
        (link_to_folder, ['"etc" is a link; a challenge\'s folder holds plain files']),
        (fifo, ['"pipe" is no plain file; remove it from the folder']),
        (strange_name, ["'a\\nb': the name of a file may hold printable characters only"]),
        (
            no_train,
            [
                'files.train.path: there is no file "train.csv" in the folder',
                'test_sets.main.solution: there is no file "solution.csv" in the folder',
            ],
        ),
        (empty_test, ['files.test.path: the file "test.csv" is empty']),
        (binary_card, ['"README.md" is not UTF-8 text; save it as UTF-8']),
        (nul_card, ['"README.md" contains NUL characters, so it is not a text']),
        (huge_rules, ['"rules.md" is larger than 1 MiB; it is a text to be read by people']),
        (bad_label, ["test_sets.main: solution.csv: the column 'label' holds other labels"]),
        (other_sample, ["test_sets.main: solution.csv: the column 'EventId' holds ids that are"]),
    ],
)
def test_a_folder_that_can_not_be_used_is_explained(
    platform: Platform, tmp_path: Path, spoil: Callable[[Path], None], sentences: list[str]
) -> None:
    folder = write_tiny_challenge(tmp_path / "tiny")
    spoil(folder)
    with pytest.raises(DefinitionError) as caught:
        load(platform, folder)
    assert len(caught.value.problems) == len(sentences)
    for problem, sentence in zip(caught.value.problems, sentences, strict=True):
        assert problem.startswith(sentence)
    assert count(platform, Challenge) == 0


@ON_ONE_DATABASE
def test_the_dry_run_needs_a_sample_that_is_accepted(platform: Platform, tmp_path: Path) -> None:
    folder = write_tiny_challenge(tmp_path / "tiny", test_sets={"main": {"min_selected": 199}})
    with pytest.raises(DefinitionError, match="the sample is refused in phase final: Only"):
        load(platform, folder)


@ON_ONE_DATABASE
def test_the_dry_run_needs_the_solution_to_be_the_best(platform: Platform, tmp_path: Path) -> None:
    """With all signal weighted negatively, except for one event, the truth is no good answer."""
    folder = write_tiny_challenge(tmp_path / "tiny", **with_phase(normalise=None))
    solution = pl.read_csv(folder / "solution.csv")
    first_in_split = pl.int_range(pl.len()).over("usage", "label") == 0
    weight = pl.when(pl.col("label") == "b").then(1.0).when(first_in_split).then(30.0).otherwise(-1)
    solution.with_columns(weight.alias("weight")).write_csv(folder / "solution.csv")
    ids = solution.filter((pl.col("label") == "s") & first_in_split)["EventId"]
    best = pl.when(pl.col("EventId").is_in(ids.implode())).then(pl.lit("s")).otherwise(pl.lit("b"))
    pl.read_csv(folder / "sample_submission.csv").with_columns(best.alias("Class")).write_csv(
        folder / "sample_submission.csv"
    )
    with pytest.raises(DefinitionError, match=r"gets ams = .* which is not the best"):
        load(platform, folder)


SLICED = {"test_sets": {"main": {"slices": ["label"]}}}


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (
            "accuracy@label=z",
            "test_sets.main: Phase final: 'accuracy@label=z' names no variant or slice of the "
            "solution; it has label=b, label=s.",
        ),
        (
            "ams@label=s",
            "test_sets.main: ams@label=s has no value on the public split of phase final: it "
            "lacks events, or a class of them; leave this column or gate out",
        ),
    ],
)
def test_a_slice_that_the_solution_cannot_give_is_refused(
    platform: Platform, tmp_path: Path, column: str, sentence: str
) -> None:
    gates = [{"metric": column, "op": ">", "bound": 0.0}]
    folder = write_tiny_challenge(tmp_path / "tiny", **SLICED, **with_phase(gates=gates))
    with pytest.raises(DefinitionError) as refused:
        load(platform, folder)
    assert sentence in refused.value.problems
