"""Slices of a selection, from the solution to the outcome, against loops and replicas."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import METRICS as REGISTRY
from fivesigma_scoring import (
    Outcome,
    PhaseScoring,
    SolutionError,
    TestSetSpec,
    compile_solution,
    score_challenge,
    score_file,
    score_offline,
)
from fivesigma_scoring.selection.cells import Cells, Sample
from fivesigma_scoring.selection.sliced import Slice

REPLICAS = 2500
OF_200_REPLICAS = 4 / math.sqrt(2 * 200)
TOTALS = {"s": 692.0, "b": 411_000.0}
METRICS = ("ams", "signal_efficiency", "background_rejection", "purity", "accuracy", "auc")
PHASE = PhaseScoring("main", METRICS[0], METRICS, {}, TOTALS)
SPEC = TestSetSpec(slices=("process", "jets"))
SLICES = [
    *(f"process={name}" for name in ("ggH", "tt", "vbf H", "z")),
    *(f"jets={name}" for name in ("0", "1", "2+")),
]


class Folder:
    """8,000 events of four processes, two of them signal, with 0, 1 or more jets."""

    def __init__(self, path: Path) -> None:
        random = np.random.default_rng(11)
        n = 8000
        process = random.choice(["ggH", "tt", "vbf H", "z"], n, p=[0.2, 0.2, 0.15, 0.45])
        label = np.isin(process, ["ggH", "vbf H"])
        score = label * 1.4 + random.normal(size=n) + 0.3 * (process == "tt")
        self.path = path
        self.rows = pl.DataFrame(
            {
                "EventId": random.permutation(n) * 3,
                "Label": np.where(label, "s", "b"),
                "Weight": np.where(label, 0.3, 150.0) * random.uniform(0.2, 1.8, n),
                "usage": random.choice(["public", "private", "ignored"], n, p=[0.4, 0.5, 0.1]),
                "process": process,
                "jets": random.choice(["0", "1", "2+"], n, p=[0.5, 0.3, 0.2]),
                "event": np.arange(n) // 2,
                "Score": np.round(score, 6),
            }
        )

    def write(self) -> tuple[Path, Path]:
        chosen = pl.when(pl.col("Score") > 1).then(pl.lit("s")).otherwise(pl.lit("b"))
        mine = self.rows.select("EventId", chosen.alias("Class"), "Score")
        mine.write_csv(self.path / "mine.csv")
        self.rows.drop("Score").write_csv(self.path / "s.csv")
        return self.path / "s.csv", self.path / "mine.csv"

    def score(self, test_set: TestSetSpec = SPEC, phase: PhaseScoring = PHASE) -> Outcome:
        solution, mine = self.write()
        arguments: dict[str, Any] = {"test_set": test_set, "phases": [phase]}
        compile_solution(solution, mine, self.path / "c", **arguments)
        return score_file(mine, "mine.csv", self.path / "c", "main")

    def split(self, name: str) -> dict[str, np.ndarray[Any, Any]]:
        rows = self.rows.filter(usage=name).sort("EventId")
        return {column: rows[column].to_numpy() for column in rows.columns}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def inside(events: dict[str, Any], name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    column, _, value = name.partition("=")
    return np.asarray(events[column] == value)


def oracle(
    events: dict[str, Any], name: str, draws: Any = 1.0, totals: dict[str, float] | None = TOTALS
) -> dict[str, float]:
    """Every metric by its definition, rows filtered by hand; an event counts `draws` times."""
    weight, signal = events["Weight"] * draws, events["Label"] == "s"
    for label, total in (totals or {}).items():
        of_class = events["Label"] == label
        weight = np.where(of_class, weight * total / weight[of_class].sum(), weight)
    here, chosen = inside(events, name), events["Score"] > 1
    s, b = (weight[here & chosen & one].sum() for one in (signal, ~signal))
    of_signal, of_background = (weight[here & one].sum() for one in (signal, ~signal))
    times = np.broadcast_to(draws, weight.shape)
    found = {"accuracy": float(np.average((chosen == signal)[here], weights=times[here]))}
    if of_signal > 0:
        found["signal_efficiency"] = s / of_signal
    if of_background > 0 and b > 0:
        found["background_rejection"] = of_background / b
    if of_signal > 0 and of_background > 0:
        found["ams"] = math.sqrt(2 * ((s + b + 10) * math.log1p(s / (b + 10)) - s))
        found["purity"] = s / (s + b)
        scores = events["Score"]
        wins = scores[here & signal][:, None] > scores[here & ~signal]
        of_pairs = np.outer(times[here & signal], times[here & ~signal])
        found["auc"] = float((wins * of_pairs).sum() / of_pairs.sum())
    return {metric: float(value) for metric, value in found.items()}


@pytest.mark.parametrize("split", ["public", "private"])
@pytest.mark.parametrize("totals", [TOTALS, None], ids=["declared", "free"])
def test_every_slice_is_scored_on_its_own_rows(
    folder: Folder, split: str, totals: dict[str, float] | None
) -> None:
    found = folder.score(phase=replace(PHASE, normalise=totals)).slices[split]
    assert list(found) == SLICES
    events = folder.split(split)
    for name, scores in found.items():
        assert list(scores) == list(METRICS)
        expected = oracle(events, name, totals=totals)
        for metric, estimate in scores.items():
            assert (estimate is None) == (metric not in expected), (name, metric)
            if estimate is not None:
                assert estimate.value == pytest.approx(expected[metric], rel=1e-9), (name, metric)
                assert estimate.n == inside(events, name).sum()


def test_what_compares_both_classes_is_null_where_one_is_missing(folder: Folder) -> None:
    slices = folder.score().slices["public"]
    have = {name: [m for m, one in scores.items() if one] for name, scores in slices.items()}
    assert have["process=z"] == ["background_rejection", "accuracy"]
    assert have["process=vbf H"] == ["signal_efficiency", "accuracy"]
    assert have["jets=2+"] == list(METRICS)


@pytest.mark.parametrize("group", [None, "event"])
@pytest.mark.parametrize("totals", [TOTALS, None], ids=["declared", "free"])
def test_sigma_is_that_of_replicas_that_restore_the_totals(
    folder: Folder, group: str | None, totals: dict[str, float] | None
) -> None:
    phase, test_set = replace(PHASE, normalise=totals), replace(SPEC, group=group)
    slices = folder.score(test_set, phase).slices["private"]
    events = folder.split("private")
    random = np.random.default_rng(3)
    units = np.unique(events["event"], return_inverse=True)[1] if group else None
    n = events["event"].size if units is None else int(units.max()) + 1
    values: dict[tuple[str, str], list[float]] = {}
    shown = ["process=tt", "process=ggH", "jets=1", "jets=2+"]
    for _ in range(REPLICAS):
        draws = random.poisson(1.0, n)
        draws = draws if units is None else draws[units]
        for name in shown:
            for metric, value in cells_by_hand(events, name, draws, totals).items():
                values.setdefault((name, metric), []).append(value)
    for (name, metric), drawn in values.items():
        estimate = slices[name][metric]
        assert estimate is not None
        assert estimate.sigma is not None
        tolerance = 0.06 + (OF_200_REPLICAS if estimate.bootstrap else 0)
        assert estimate.sigma == pytest.approx(np.std(drawn), rel=tolerance), (name, metric)


def cells_by_hand(
    events: dict[str, Any], name: str, draws: Any, totals: dict[str, float] | None
) -> dict[str, float]:
    """`oracle` from sums over cells, quick enough for replicas; without the AUC."""
    signal, chosen, here = events["Label"] == "s", events["Score"] > 1, inside(events, name)
    weight = events["Weight"] * draws
    code = 4 * here + 2 * signal + chosen
    sums, counts = (np.bincount(code, one, 8).reshape(2, 2, 2) for one in (weight, draws))
    factor = np.array([1.0, 1.0])
    for at, label in enumerate("bs"):
        if totals:
            factor[at] = totals[label] / sums[:, at].sum()
    (_, b), (_, s) = cells = sums[1] * factor[:, None]
    found = {"accuracy": (counts[1, 0, 0] + counts[1, 1, 1]) / counts[1].sum()}
    if signal[here].any():
        found["signal_efficiency"] = s / cells[1].sum()
    if not signal[here].all():
        found["background_rejection"] = cells[0].sum() / b
    if len(found) == 3:
        found["purity"] = s / (s + b)
        found["ams"] = math.sqrt(2 * ((s + b + 10) * math.log1p(s / (b + 10)) - s))
    return found


def test_a_slice_of_everything_is_the_whole_split(folder: Folder) -> None:
    folder.rows = folder.rows.with_columns(all=pl.lit("yes"))
    outcome = folder.score(TestSetSpec(slices=("all",)))
    for split, scores in outcome.scores.items():
        for metric, whole in scores.items():
            one = outcome.slices[split]["all=yes"][metric]
            assert one is not None
            assert one.value == pytest.approx(whole.value, rel=1e-12)
            assert one.sigma == pytest.approx(whole.sigma, rel=1e-9), metric


def few_pass(n: int, passing: int, fixed: tuple[bool, bool]) -> Sample:
    """Hardly any background passes: sigma has to come from replicas."""
    random = np.random.default_rng(5)
    truth = random.random(n) < 0.3
    selected = truth & (random.random(n) < 0.6)
    selected[np.flatnonzero(~truth)[:passing]] = True
    return Sample.of(truth, selected, random.uniform(0.5, 1.5, n), fixed)


@pytest.mark.parametrize("fixed", [(True, True), (False, False)])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ams", {"regularisation": 10.0}),
        ("signal_efficiency", {}),
        (
            "ams_systematic",
            {
                "regularisation": 10.0,
                "background_systematic": 0.1,
                "sum_of_squared_weights": True,
            },
        ),
    ],
)
def test_few_passing_events_are_drawn_with_the_others(
    name: str, options: dict[str, Any], fixed: tuple[bool, bool]
) -> None:
    whole = few_pass(3000, 30, fixed)
    places = np.arange(0, 3000, 2)
    metric = REGISTRY[name]
    estimate = Slice.of(whole, places).row([(metric, options)])[0]
    assert estimate is not None
    assert estimate.bootstrap
    random, values = np.random.default_rng(6), []
    for _ in range(REPLICAS):
        draws = random.poisson(1.0, whole.n)
        weight, square = whole.weight * draws, whole.weight**2 * draws
        for at, is_fixed in enumerate(fixed):
            if is_fixed:
                of_class = whole.truth == bool(at)
                scale = whole.weight[of_class].sum() / weight[of_class].sum()
                weight[of_class] *= scale
                square[of_class] *= scale**2
        cell = (whole.truth * 2 + whole.selected)[places]
        sums = [np.bincount(cell, one[places], 4).reshape(2, 2) for one in (draws, weight, square)]
        values.append(metric.function(_with_sums(whole, places, sums), options))
    assert estimate.sigma == pytest.approx(np.std(values), rel=0.06 + OF_200_REPLICAS)


def _with_sums(whole: Sample, places: Any, sums: list[Any]) -> Sample:
    return Slice.of(whole, places).sample.with_cells(Cells(*sums))


def test_rows_without_a_value_are_in_no_slice_and_do_count(folder: Folder) -> None:
    before = folder.score().scores
    folder.rows = folder.rows.with_columns(
        process=pl.when(pl.col("process") == "tt").then(pl.lit("")).otherwise(pl.col("process"))
    )
    after = folder.score()
    assert after.scores == before
    assert [one for one in after.slices["public"] if "process" in one] == [
        "process=ggH",
        "process=vbf H",
        "process=z",
    ]


def test_a_slice_that_only_one_split_has_is_null_in_the_other(folder: Folder) -> None:
    usage = pl.when(pl.col("process") == "tt").then(pl.lit("public")).otherwise(pl.col("usage"))
    folder.rows = folder.rows.with_columns(usage=usage)
    slices = folder.score().slices
    assert slices["public"]["process=tt"]["accuracy"] is not None
    assert set(slices["private"]["process=tt"].values()) == {None}


def test_slices_of_ignored_rows_do_not_exist(folder: Folder) -> None:
    usage = pl.when(pl.col("process") == "tt").then(pl.lit("ignored")).otherwise(pl.col("usage"))
    folder.rows = folder.rows.with_columns(usage=usage)
    assert "process=tt" not in folder.score().slices["public"]


def test_slices_are_of_the_nominal_rows(folder: Folder) -> None:
    alone = folder.score()
    shifted = folder.rows.with_columns(
        variant=pl.lit("up"), EventId=pl.col("EventId") + 1, jets=pl.lit("many")
    )
    nominal = folder.rows.with_columns(variant=pl.lit("nominal"))
    folder.rows = pl.concat([nominal, shifted])
    both = folder.score(replace(SPEC, variants="variant"))
    assert both.slices == alone.slices
    assert list(both.variants["public"]) == ["nominal", "up"]


def test_the_outcome_survives_json_and_says_nothing_without_slices(folder: Folder) -> None:
    outcome = folder.score()
    assert Outcome.from_json(json.loads(json.dumps(outcome.as_json()))) == outcome
    assert "slices" not in folder.score(TestSetSpec()).as_json()
    assert folder.score(TestSetSpec()).scores == outcome.scores


def test_a_laptop_shows_the_same_slices(folder: Folder) -> None:
    outcome = folder.score()
    solution, mine = folder.write()
    again = score_challenge(solution, mine, mine, test_set=SPEC, phase=PHASE)
    assert again.slices == outcome.slices
    own = score_offline("ams", {}, None, solution, mine, test_set=SPEC)
    assert own.slices == {}


Change = Callable[[pl.DataFrame], pl.DataFrame]
WRONG: dict[str, tuple[Change, TestSetSpec, str]] = {
    "no such column": (
        lambda rows: rows,
        TestSetSpec(slices=("proces",)),
        "s.csv: the column 'proces' is missing; it has",
    ),
    "a number": (
        lambda rows: rows,
        TestSetSpec(slices=("event",)),
        "s.csv: the column 'event' has 4,000 different values, more than the 50 slices of a "
        "column; put the values into ranges first.",
    ),
    "empty": (
        lambda rows: rows.with_columns(jets=pl.lit(" ")),
        SPEC,
        "s.csv: the column 'jets' has no value in any row, so there is nothing to slice by.",
    ),
    "not printable": (
        lambda rows: rows.with_columns(jets=pl.lit("a\u200eb")),
        SPEC,
        "the column 'jets' holds no name of a slice (up to 40 printable characters) in 8,000 rows",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_solution_that_cannot_be_sliced_says_why(folder: Folder, name: str) -> None:
    change, test_set, message = WRONG[name]
    folder.rows = change(folder.rows)
    with pytest.raises(SolutionError) as refused:
        folder.score(test_set)
    assert message in str(refused.value)
