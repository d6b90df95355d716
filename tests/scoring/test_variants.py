"""Nominal and shifted variants of a selection, from the solution to the outcome."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import (
    METRICS,
    Estimate,
    Outcome,
    PhaseScoring,
    SolutionError,
    TestSetSpec,
    compile_solution,
    score_challenge,
    score_file,
    score_job,
    score_offline,
)
from fivesigma_scoring.variants import MOST_VARIANTS, Apart, VariantEvents, Variants, common_units

TOTALS = {"s": 692.0, "b": 411_000.0}
PHASE = PhaseScoring("main", "ams", ("signal_efficiency", "auc"), {}, TOTALS)
SPEC = TestSetSpec(variants="variant", group="event")
NOT_NOMINAL = ("smeared", "tes up")


class Folder:
    """1,500 events, each nominal and with a shifted score, and most of them smeared."""

    def __init__(self, path: Path) -> None:
        random = np.random.default_rng(4)
        n = 1500
        label = random.random(n) < 0.3
        columns = {
            "event": np.arange(n),
            "Label": np.where(label, "s", "b"),
            "Weight": np.where(label, 0.02, 20.0) * random.uniform(0.2, 1.8, n),
            "usage": random.choice(["public", "private", "ignored"], n, p=[0.4, 0.5, 0.1]),
        }
        score = label * 1.5 + random.normal(size=n)
        copies = [
            pl.DataFrame(columns | {"variant": name, "Score": score + shift}).filter(
                pl.Series(kept)
            )
            for name, shift, kept in (
                ("tes up", 0.4, np.ones(n, bool)),
                ("nominal", 0.0, np.ones(n, bool)),
                ("smeared", 0.1, random.random(n) < 0.8),
            )
        ]
        rows = pl.concat(copies).with_columns(Score=pl.col("Score").round(6))
        rows = rows.sample(fraction=1.0, shuffle=True, seed=8)
        self.path = path
        self.rows = rows.with_columns(EventId=random.permutation(rows.height) * 3)
        self.mine = self.write_prediction()

    def write_prediction(self) -> Path:
        chosen = pl.when(pl.col("Score") > 1).then(pl.lit("s")).otherwise(pl.lit("b"))
        self.rows.select("EventId", chosen.alias("Class"), "Score").write_csv(
            self.path / "mine.csv"
        )
        return self.path / "mine.csv"

    def compile(
        self, test_set: TestSetSpec = SPEC, *phases: PhaseScoring, out: str = "out"
    ) -> Path:
        self.rows.drop("Score").write_csv(self.path / "s.csv")
        compiled = self.path / out
        arguments = {"test_set": test_set, "phases": phases or [PHASE]}
        self.summary = compile_solution(self.path / "s.csv", self.mine, compiled, **arguments)
        return compiled

    def score(self, test_set: TestSetSpec = SPEC, phase: PhaseScoring = PHASE) -> Outcome:
        return score_file(self.mine, "mine.csv", self.compile(test_set, phase), phase.slug)

    def only(self, *variants: str) -> "Folder":
        self.rows = self.rows.filter(pl.col("variant").is_in(variants))
        self.mine = self.write_prediction()
        return self


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def ams_by_loops(rows: pl.DataFrame, split: str, variant: str) -> float:
    """The definition once more: factors of the nominal rows, sums of the variant's own."""
    sums = {"s": 0.0, "b": 0.0}
    chosen = {"s": 0.0, "b": 0.0}
    for row in rows.iter_rows(named=True):
        if row["usage"] == split and row["variant"] == "nominal":
            sums[row["Label"]] += row["Weight"]
        if row["usage"] == split and row["variant"] == variant and row["Score"] > 1:
            chosen[row["Label"]] += row["Weight"]
    s, b = (chosen[name] * TOTALS[name] / sums[name] for name in ("s", "b"))
    return math.sqrt(2 * ((s + b + 10) * math.log(1 + s / (b + 10)) - s))


def efficiency_by_loops(rows: pl.DataFrame, split: str, variant: str) -> float:
    """S is the variant's own, so that this is a share of what it has."""
    passed, total = 0.0, 0.0
    for row in rows.iter_rows(named=True):
        if (row["usage"], row["variant"], row["Label"]) == (split, variant, "s"):
            total += row["Weight"]
            passed += row["Weight"] * (row["Score"] > 1)
    return passed / total


@pytest.mark.parametrize("split", ["public", "private"])
def test_every_variant_is_scored_on_its_own_rows(folder: Folder, split: str) -> None:
    outcome = folder.score()
    assert list(outcome.variants[split]) == ["nominal", *NOT_NOMINAL]
    for variant, scores in outcome.variants[split].items():
        at = (pl.col("usage") == split) & (pl.col("variant") == variant)
        assert list(scores) == PHASE.names()
        assert scores["ams"].n == folder.rows.filter(at).height
        expected = ams_by_loops(folder.rows, split, variant)
        assert scores["ams"].value == pytest.approx(expected, rel=1e-9)
        expected = efficiency_by_loops(folder.rows, split, variant)
        assert scores["signal_efficiency"].value == pytest.approx(expected, rel=1e-12)


def sigma_by_loops(rows: pl.DataFrame, split: str, variant: str, group: bool) -> float:
    """phi of the variant's rows, not centred, and of the nominal rows that give its factors."""
    sums, chosen = {"s": 0.0, "b": 0.0}, {"s": 0.0, "b": 0.0}
    of_split = rows.filter(usage=split).sort("EventId").to_dicts()
    for row in of_split:
        if row["variant"] == "nominal":
            sums[row["Label"]] += row["Weight"]
        if row["variant"] == variant and row["Score"] > 1:
            chosen[row["Label"]] += row["Weight"]
    factor = {name: TOTALS[name] / sums[name] for name in sums}
    s, b = (chosen[name] * factor[name] for name in ("s", "b"))
    x = s / (b + 10)
    ams = math.sqrt(2 * ((s + b + 10) * math.log1p(x) - s))
    slope = {"s": math.log1p(x) / ams, "b": (math.log1p(x) - x) / ams}
    by_factor = {"s": s * slope["s"], "b": b * slope["b"]}
    effects: dict[int, float] = {}
    for row in of_split:
        name, unit = row["Label"], row["event"] if group else row["EventId"]
        effects.setdefault(unit, 0.0)
        if row["variant"] == variant:
            effects[unit] += row["Weight"] * factor[name] * (row["Score"] > 1) * slope[name]
        if row["variant"] == "nominal":
            effects[unit] -= row["Weight"] / sums[name] * by_factor[name]
    return math.sqrt(sum(effect**2 for effect in effects.values()))


@pytest.mark.parametrize("group", [None, "event"])
def test_sigma_is_that_of_the_variant_and_its_factors(folder: Folder, group: str | None) -> None:
    found = folder.score(replace(SPEC, group=group)).variants
    for split, variants in found.items():
        for name in NOT_NOMINAL:
            estimate = variants[name]["ams"]
            expected = sigma_by_loops(folder.rows, split, name, group is not None)
            assert not estimate.bootstrap
            assert estimate.sigma == pytest.approx(expected, rel=1e-8)


def test_a_loss_of_acceptance_stays_visible(folder: Folder) -> None:
    """A variant that is nominal but for half of its signal, by weight: s is halved, b is not."""
    nominal = folder.only("nominal").rows
    twice = nominal.with_columns(Weight=pl.col("Weight") / 2)
    half = twice.with_columns(
        variant=pl.lit("lost"),
        Weight=pl.when(pl.col("Label") == "s")
        .then(pl.col("Weight"))
        .otherwise(2 * pl.col("Weight")),
        EventId=pl.col("EventId") + 1,
    )
    folder.rows = pl.concat([nominal, half])
    folder.mine = folder.write_prediction()
    scores = folder.score().variants["private"]
    s, b = (
        sum(
            row["Weight"] * (row["Score"] > 1)
            for row in nominal.iter_rows(named=True)
            if row["usage"] == "private" and row["Label"] == name
        )
        * TOTALS[name]
        / nominal.filter(usage="private", Label=name)["Weight"].sum()
        for name in ("s", "b")
    )
    for name, signal in (("nominal", s), ("lost", s / 2)):
        expected = math.sqrt(2 * ((signal + b + 10) * math.log1p(signal / (b + 10)) - signal))
        assert scores[name]["ams"].value == pytest.approx(expected, rel=1e-12)
    assert scores["lost"]["ams"].value < 0.51 * scores["nominal"]["ams"].value
    efficiency = [one["signal_efficiency"].value for one in scores.values()]
    assert efficiency[0] == pytest.approx(efficiency[1])


def test_nominal_rows_score_as_if_there_were_no_others(folder: Folder) -> None:
    shown = folder.score()
    alone = folder.only("nominal").score(replace(SPEC, variants=None))
    assert shown.scores == alone.scores
    assert {split: one["nominal"] for split, one in shown.variants.items()} == alone.scores
    assert alone.variants == {}


@pytest.mark.parametrize("group", [None, "event"])
def test_columns_show_what_the_phase_ranks_by(folder: Folder, group: str | None) -> None:
    spec = replace(SPEC, group=group)
    by_rank = {
        rank: folder.score(spec, replace(PHASE, variant_rank=rank))
        for rank in ("nominal", "mean", "worst")
    }
    apart = by_rank["nominal"].variants
    for rank, outcome in by_rank.items():
        assert outcome.variants == apart
        for split, scores in outcome.scores.items():
            for name, shown in scores.items():
                column = [variant[name] for variant in apart[split].values()]
                check_column(rank, shown, column)


def check_column(rank: str, shown: Estimate, column: list[Estimate]) -> None:
    if rank == "mean":
        assert shown.value == pytest.approx(sum(one.value for one in column) / 3)
        assert shown.n == sum(one.n for one in column)
        assert shown.sigma is not None
        sigmas = [one.sigma or 0 for one in column]
        assert 0.3 * max(sigmas) < shown.sigma < max(sigmas)
    else:
        expected = column[0] if rank == "nominal" else min(column, key=lambda one: one.value)
        assert shown == expected


def test_the_worst_variant_is_not_always_the_same(folder: Folder) -> None:
    """So the test above can tell the worst from any fixed one."""
    outcome = folder.score(SPEC, replace(PHASE, variant_rank="worst"))
    worst = {
        min(variants, key=lambda name: variants[name][metric].value)
        for variants in outcome.variants.values()
        for metric in PHASE.names()
    }
    assert len(worst) > 1


def test_variants_apart_fluctuate_apart_and_those_of_one_event_together() -> None:
    """A variant that repeats the nominal rows: twice the events, or the same ones again."""
    random = np.random.default_rng(2)
    mae = (METRICS["mae"], METRICS["mae"].settings({}))
    from fivesigma_scoring.regression.sample import Sample

    truth = random.normal(size=400)
    sample = Sample.of(truth, truth + random.normal(size=400), np.ones(400))
    alone = METRICS["mae"].influence
    assert alone is not None
    sigma = math.sqrt(alone(sample, {}).variance(sample))
    nominal = Estimate(METRICS["mae"].function(sample, {}), sigma, 400)
    event = np.arange(400)
    for groups, factor in (([None, None], math.sqrt(1 / 2)), ([event, event], 1.0)):
        events = VariantEvents.of([Apart(sample), Apart(sample)], groups)
        (mean,), ((_, again),) = events.estimates([mae], [nominal], "mean")
        assert mean.sigma == pytest.approx(sigma * factor)
        assert mean == replace(nominal, sigma=mean.sigma, n=800)
        assert again.sigma == pytest.approx(sigma)


def test_a_mean_over_a_bound_is_a_bound(folder: Folder) -> None:
    """No background passes in one variant: its rejection, and so the mean, is at least that."""
    none = (pl.col("variant") == "smeared") & (pl.col("Label") == "b")
    folder.rows = folder.rows.with_columns(
        Score=pl.when(none).then(-1.0).otherwise(pl.col("Score"))
    )
    folder.mine = folder.write_prediction()
    phase = PhaseScoring("main", "background_rejection", variant_rank="mean")
    outcome = folder.score(SPEC, phase)
    column = [one["background_rejection"] for one in outcome.variants["public"].values()]
    assert [one.lower_bound for one in column] == [False, True, False]
    assert [one.sigma is None for one in column] == [False, True, False]
    mean = outcome.scores["public"]["background_rejection"]
    assert (mean.lower_bound, mean.sigma, mean.bootstrap) == (True, None, False)
    assert mean.value == pytest.approx(sum(one.value for one in column) / 3)


def test_jobs_and_offline_scoring_say_the_same(folder: Folder) -> None:
    phase = replace(PHASE, variant_rank="worst")
    compiled = folder.compile(SPEC, phase)
    arguments = {"file": str(folder.mine), "filename": "mine.csv", "phase": "main"}
    answer = json.loads(json.dumps(score_job(arguments | {"compiled": str(compiled)})))
    further = ["variants", "columns"]
    assert list(answer) == ["ok", "findings", "scores", "scorer_version", "diagnoses", *further]
    assert list(answer["variants"]["public"]["tes up"]) == PHASE.names()
    of_variants = answer["variants"]["public"].items()
    assert answer["columns"]["public"] == {f"ams@{name}": one["ams"] for name, one in of_variants}
    outcome = Outcome.from_json(answer)
    assert outcome == score_file(folder.mine, "mine.csv", compiled, "main")
    solution = folder.path / "s.csv"
    local = score_challenge(solution, folder.mine, folder.mine, test_set=SPEC, phase=phase)
    assert local == outcome


def test_a_refused_file_has_no_variants(folder: Folder) -> None:
    compiled = folder.compile()
    bad = folder.path / "bad.csv"
    bad.write_text("EventId,Class,Score\n")
    answer = score_file(bad, "bad.csv", compiled, "main").as_json()
    assert (answer["scores"], "variants" in answer) == (None, False)


def test_ones_own_truth_is_scored_as_a_whole(folder: Folder) -> None:
    """A truth of one's own need not have the column that tells variants."""
    own = folder.path / "own.csv"
    folder.rows.select("EventId", "Label", "Weight").write_csv(own)
    arguments = ("ams", {}, TOTALS, own, folder.mine)
    outcome = score_offline(*arguments, test_set=replace(SPEC, group=None))
    assert outcome == score_offline(*arguments)
    assert outcome.scores["all"]["ams"].n == folder.rows.height
    assert outcome.variants == {}


def test_the_summary_tells_the_variants(folder: Folder) -> None:
    folder.compile()
    summary = folder.summary.phases["main"]["public"]
    lines = summary.text.split("\n")
    assert [line.split(":")[0] for line in lines[1:]] == [
        "    variant smeared",
        "    variant tes up",
    ]
    public = folder.rows.filter(usage="public")
    for name, line in zip(("nominal", *NOT_NOMINAL), lines, strict=True):
        assert f"{public.filter(variant=name).height:,} events" in line
        assert line.endswith(lines[0][lines[0].index("factors") :])
    assert summary.n == public.filter(variant="nominal").height


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_nominal_rows_are_compiled_as_without_variants(folder: Folder) -> None:
    """Byte for byte but for their places; further variants stand in folders of their own."""
    compiled = files(folder.compile(SPEC, PHASE, replace(PHASE, slug="final")))
    folder.only("nominal")
    spec = replace(SPEC, variants=None)
    alone = files(folder.compile(spec, PHASE, replace(PHASE, slug="final"), out="alone"))
    names = ("group", "label", "place", "weight")
    per_split = [*(f"{name}.npy" for name in names), "split.json"]
    expected = [
        f"truth/{p}/{s}/{n}"
        for p in ("final", "main")
        for s in ("private", "public")
        for n in per_split
    ]
    assert [name for name in alone if name.count("/") == 3] == sorted(expected)
    for name in expected:
        if "place" not in name:
            assert compiled[name] == alone[name]
    assert alone["truth/main/phase.json"] == (
        b'{\n "metrics": [\n  "ams",\n  "signal_efficiency",\n  "auc"\n ],\n "options": {}\n}\n'
    )
    further = {name for name in compiled if "/variants/" in name}
    assert further == {
        f"truth/{phase}/{split}/variants/{at}/{name}"
        for phase in ("main", "final")
        for split in ("public", "private")
        for at in (1, 2)
        for name in (*per_split, "unit.npy")
    }
    assert set(compiled) - further == set(alone)
    settings = json.loads(compiled["truth/main/phase.json"])
    assert settings["variants"] == ["nominal", *NOT_NOMINAL]


def test_without_variants_the_answer_is_as_it_was(folder: Folder) -> None:
    answer = folder.only("nominal").score(replace(SPEC, variants=None)).as_json()
    assert list(answer) == ["ok", "findings", "scores", "scorer_version", "diagnoses"]


def test_a_phase_that_ignores_a_variant_does_without_it(folder: Folder) -> None:
    gone = pl.when(pl.col("variant") == "tes up").then(pl.lit("ignored")).otherwise(pl.col("usage"))
    folder.rows = folder.rows.with_columns(first=gone)
    phases = (replace(PHASE, slug="first", usage="first"), PHASE)
    compiled = folder.compile(SPEC, *phases)
    found = {
        one.slug: list(score_file(folder.mine, "m", compiled, one.slug).variants["public"])
        for one in phases
    }
    assert found == {"first": ["nominal", "smeared"], "main": ["nominal", *NOT_NOMINAL]}


def test_nominal_rows_alone_are_a_variant_too(folder: Folder) -> None:
    folder.only("nominal")
    outcomes = [folder.score(SPEC, replace(PHASE, variant_rank=r)) for r in ("nominal", "mean")]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].variants["public"] == {"nominal": outcomes[0].scores["public"]}


Change = Callable[[pl.DataFrame], pl.DataFrame]


def renamed(old: str, new: str) -> Change:
    return lambda rows: rows.with_columns(pl.col("variant").replace(old, new))


def moved(variant: str, split: str, label: str = "sb") -> Change:
    """Rows of a variant that are ignored."""
    which = (pl.col("variant") == variant) & (pl.col("usage") == split)
    which &= pl.col("Label").is_in(list(label))
    usage = pl.when(which).then(pl.lit("ignored")).otherwise(pl.col("usage"))
    return lambda rows: rows.with_columns(usage=usage)


WRONG: dict[str, tuple[Change, dict[str, Any], str]] = {
    "no nominal": (
        renamed("nominal", "Nominal"),
        {},
        "s.csv: the column 'variant' has no row of the variant 'nominal', it has Nominal, smeared, "
        "tes up; call the rows without a shift so.",
    ),
    "no column": (
        lambda rows: rows.drop("variant"),
        {},
        "s.csv: the column 'variant' is missing",
    ),
    "no name": (
        renamed("smeared", ""),
        {},
        "s.csv: the column 'variant' holds no name of a variant (1 to 40 printable characters) in",
    ),
    "a name too long": (renamed("smeared", "x" * 41), {}, f'("{"x" * 37}'),
    "a control character": (renamed("smeared", "a\tb"), {}, "1 to 40 printable characters"),
    "too many": (
        lambda rows: rows.with_columns(
            variant=pl.when(pl.col("variant") == "nominal")
            .then(pl.col("variant"))
            .otherwise(pl.col("EventId").cast(pl.String))
        ),
        {},
        f"variants, more than {MOST_VARIANTS}; is it the right column?",
    ),
    "no events in a split": (
        moved("tes up", "private"),
        {},
        "Phase main, private split: variant tes up: There is no event of it; both splits need "
        "some.",
    ),
    "no signal in a split": (
        moved("smeared", "public", "s"),
        {},
        "Phase main, public split: variant smeared: There is no event of class s; both classes are "
        "needed.",
    ),
    "no nominal rows in a split": (
        moved("nominal", "public"),
        {},
        "Phase main, public split: variant nominal: There is no event of it",
    ),
    "no nominal background": (
        moved("nominal", "private", "b"),
        {},
        "Phase main, private split: variant nominal: There is no event of class b",
    ),
    "weightless signal": (
        lambda rows: rows.with_columns(
            Weight=pl.when((pl.col("variant") == "smeared") & (pl.col("Label") == "s"))
            .then(0.0)
            .otherwise(pl.col("Weight"))
        ),
        {},
        "Phase main, public split: variant smeared: The weights of class s sum to 0, not above 0.",
    ),
    "weights beyond all bounds": (
        lambda rows: rows.with_columns(
            Weight=pl.when((pl.col("variant") == "smeared") & (pl.col("Label") == "s"))
            .then(6e47)
            .otherwise(pl.col("Weight"))
        ),
        {},
        "variant smeared: There are weights beyond 1e+50; scale them down.",
    ),
    "unknown rank": (
        lambda rows: rows,
        {"variant_rank": "best"},
        "Phase main: variant_rank must be one of nominal, mean, worst.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_variants_say_where(folder: Folder, name: str) -> None:
    change, phase, text = WRONG[name]
    folder.rows = change(folder.rows)
    with pytest.raises(SolutionError) as error:
        folder.compile(SPEC, replace(PHASE, **phase))
    assert text in str(error.value)
    assert not (folder.path / "out").exists()


def test_names_are_in_order_with_nominal_first() -> None:
    variants = Variants.of(pl.Series(["z", "nominal", "a", "z", "nominal"]))
    assert variants.names == ("nominal", "a", "z")
    assert variants.code.tolist() == [2, 0, 1, 2, 0]
    assert variants[np.array([4, 2])].code.tolist() == [0, 1]


def test_units_go_on_where_the_nominal_groups_end() -> None:
    nominal = np.array([40, 10, 40, 30])
    shifted = [np.array([30, 50, 10]), np.array([20, 50]), np.array([], np.int64)]
    assert [one.tolist() for one in common_units(nominal, shifted)] == [[1, 4, 0], [3, 4], []]
    assert common_units(nominal, []) == []
