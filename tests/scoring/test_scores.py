"""Metrics of the score column: plain loops, shared properties, sigma, and real top taggers."""

import csv
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import (
    METRICS,
    InputRefusedError,
    PhaseScoring,
    TestSetSpec,
    compare,
    compile_solution,
    score,
    score_file,
    score_offline,
)
from fivesigma_scoring.selection.bootstrap import compare_samples, estimates
from fivesigma_scoring.selection.cells import Sample
from fivesigma_scoring.selection.ranking import ascending
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "toptag-reference"
TOTALS = {"s": 692.0, "b": 411_000.0}
TOLERANCE = 0.05
REPLICAS = 2000

Event = tuple[bool, float, float]
Array = NDArray[np.float64]

examples = settings(deadline=None, max_examples=30)
names = st.sampled_from(sorted(name for name, metric in METRICS.items() if metric.needs_score))
weights = st.floats(0.01, 100)
values = st.sampled_from([-1.5, -0.0, 0.0, 0.25, 1.0, 1e300]) | st.floats(0, 1)
samples = st.lists(st.tuples(st.booleans(), values, weights), max_size=60).flatmap(
    lambda events: st.tuples(
        st.just(events),
        st.tuples(st.just(True), values, weights),
        st.tuples(st.just(False), values, weights),
    ).map(lambda parts: [*parts[0], parts[1], parts[2]])
)


def loop_auc(events: Sequence[Event]) -> float:
    wins = pairs = 0.0
    for truth, value, _ in events:
        for other, beaten, _ in events:
            if truth and not other:
                pairs += 1
                wins += 1.0 if value > beaten else 0.5 if value == beaten else 0.0
    return wins / pairs


def loop_rejection(percent: int) -> Callable[[Sequence[Event]], float]:
    def rejection(events: Sequence[Event]) -> float:
        signal = sorted((value for truth, value, _ in events if truth), reverse=True)
        k = next(k for k in range(1, len(signal) + 1) if 100 * k >= percent * len(signal))
        background = [(value, weight) for truth, value, weight in events if not truth]
        total = sum(weight for _, weight in background)
        passing = sum(weight for value, weight in background if value >= signal[k - 1])
        if passing == 0:
            return total**2 / sum(weight**2 for _, weight in background)
        return total / passing

    return rejection


def loop_max_sic(events: Sequence[Event]) -> float:
    total_s = sum(weight for truth, _, weight in events if truth)
    total_b = sum(weight for truth, _, weight in events if not truth)
    best = None
    for threshold in {value for _, value, _ in events}:
        passing = [weight for truth, value, weight in events if not truth and value >= threshold]
        if passing and sum(passing) ** 2 / sum(w * w for w in passing) >= 25 - 1e-7:
            s = sum(weight for truth, value, weight in events if truth and value >= threshold)
            best = max(best or 0.0, s / total_s / math.sqrt(sum(passing) / total_b))
    return 1.0 if best is None else best


ORACLES: dict[str, Callable[[Sequence[Event]], float]] = {
    "auc": loop_auc,
    "max_sic": loop_max_sic,
    "rejection_at_30": loop_rejection(30),
    "rejection_at_50": loop_rejection(50),
}


def value(name: str, events: Sequence[Event], **options: Any) -> float:
    truth, scores, weight = zip(*events, strict=True)
    return score(name, truth, scores, weight, **options).value


def padded(events: list[Event]) -> list[Event]:
    """Forty background events more, so that thresholds of the maximal SIC exist."""
    return [*events, *((False, number / 40, 1.0) for number in range(40))]


def test_every_metric_of_scores_has_an_oracle() -> None:
    assert set(ORACLES) == {name for name, metric in METRICS.items() if metric.needs_score}


@examples
@given(names, samples)
def test_plain_loop_agrees(name: str, events: list[Event]) -> None:
    for some in (events, padded(events)):
        assert value(name, some) == pytest.approx(ORACLES[name](some), rel=1e-9)


@examples
@given(names, samples, st.randoms())
def test_order_of_events_is_irrelevant(name: str, events: list[Event], random: object) -> None:
    events = padded(events)
    shuffled = sorted(events, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis hides its Random
    assert value(name, shuffled) == pytest.approx(value(name, events), rel=1e-9)


@examples
@given(samples)
def test_weighted_auc_counts_an_event_of_weight_two_twice(events: list[Event]) -> None:
    doubled = [(truth, number, 2.0) for truth, number, _ in events]
    assert value("auc", doubled, weighted=True) == pytest.approx(loop_auc(events))
    uneven = [(truth, number, 2.0 if truth else 1.0) for truth, number, _ in events]
    twice = [*events, *(event for event in events if event[0])]
    assert value("auc", uneven, weighted=True) == pytest.approx(loop_auc(twice))


@examples
@given(names, samples)
def test_only_the_order_of_scores_matters(name: str, events: list[Event]) -> None:
    order = sorted({number for _, number, _ in events})
    ranked = [(truth, float(order.index(number)), weight) for truth, number, weight in events]
    assert value(name, ranked) == value(name, events)


@examples
@given(names, samples)
def test_weights_of_one_are_no_weights(name: str, events: list[Event]) -> None:
    truth, scores, _ = zip(*events, strict=True)
    assert score(name, truth, scores, np.ones(len(events))) == score(name, truth, scores)


@examples
@given(names, samples)
def test_declared_totals_change_nothing(name: str, events: list[Event]) -> None:
    events = padded(events)
    assert value(name, events, normalise=TOTALS) == pytest.approx(value(name, events), rel=1e-9)


@examples
@given(names, samples)
def test_perfect_is_the_best_or_a_bound(name: str, events: list[Event]) -> None:
    truth, _, weight = zip(*events, strict=True)
    perfect = score(name, truth, [float(one) for one in truth], weight)
    assert math.isfinite(perfect.value)
    assert perfect.lower_bound or perfect.value == METRICS[name].best


@examples
@given(names, samples)
def test_finite_and_within_bounds(name: str, events: list[Event]) -> None:
    truth, scores, weight = zip(*events, strict=True)
    estimate = score(name, truth, scores, weight)
    metric = METRICS[name]
    assert math.isfinite(estimate.value)
    assert estimate.n == len(events)
    assert metric.best is None or estimate.value <= metric.best
    assert metric.worst is None or estimate.value >= metric.worst
    assert estimate.sigma is None or (math.isfinite(estimate.sigma) and estimate.sigma >= 0)
    assert not estimate.lower_bound or estimate.sigma is None


@examples
@given(
    names,
    st.lists(
        st.tuples(
            st.booleans(), values, st.floats(-5, 9) | st.sampled_from([5e-324, -1e-160, 1e-20])
        ),
        max_size=20,
    ),
    st.booleans(),
)
def test_negative_weights_stay_finite(name: str, events: list[Event], weighted: bool) -> None:
    events = [*padded(events), (True, 0.5, 200.0), (False, 0.5, 200.0)]
    truth, scores, weight = zip(*events, strict=True)
    options: dict[str, Any] = {"weighted": weighted} if name == "auc" else {}
    estimate = score(name, truth, scores, weight, **options)
    assert math.isfinite(estimate.value)
    assert estimate.sigma is None or math.isfinite(estimate.sigma)


def test_no_background_passing_is_a_lower_bound() -> None:
    estimate = score("rejection_at_50", [1, 1, 0, 0], [0.9, 0.1, 0.5, 0.4], [1, 1, 1, 2])
    assert (estimate.value, estimate.sigma, estimate.lower_bound) == (9 / 5, None, True)
    tied = score("rejection_at_50", [1, 1, 0, 0], [0.9, 0.1, 0.9, 0.4])
    assert (tied.value, tied.lower_bound) == (2, False)


def test_perfect_separation_leaves_a_bound_on_the_sic() -> None:
    truth = np.arange(130) < 30
    estimate = score("max_sic", truth, -np.arange(130))
    assert (estimate.value, estimate.sigma, estimate.lower_bound) == (2, None, True)


@pytest.mark.parametrize(
    ("prediction", "code"),
    [
        (["s", "b"], "wrong_dtype"),
        ([0.1, np.nan], "not_finite"),
        ([[0.1], [0.2]], "wrong_shape"),
        ([0.1, 0.2, 0.3], "wrong_row_count"),
    ],
)
def test_scores_that_do_not_fit(prediction: Any, code: str) -> None:
    with pytest.raises(InputRefusedError) as refused:
        score("auc", [1, 0], prediction)
    assert [finding.code for finding in refused.value.findings] == [code]


def test_decisions_alone_have_no_order() -> None:
    truth = np.array([True, False])
    sample = Sample.of(truth, truth, np.ones(2))
    with pytest.raises(ValueError, match="add a column Score"):
        estimates(sample, [(METRICS["auc"], {"weighted": False})])


def events(n: int = 20_000) -> tuple[NDArray[np.bool_], Array, Array]:
    """A sample with 30 % signal, a mediocre score, and uneven weights."""
    random = np.random.default_rng(3)
    truth = random.random(n) < 0.3
    weight = np.where(truth, 0.02, 20.0) * random.uniform(0.2, 1.8, n)
    return truth, random.normal(1.0 * truth, 1.0), weight


def replica_values(
    name: str, truth: NDArray[np.bool_], scores: Array, weight: Array, *, weighted: bool = False
) -> Array:
    """The metrics once more, from sorted rows; every event counts Poisson(1) times, seeded."""
    random = np.random.default_rng(11)
    order = np.argsort(-scores)
    signal = truth[order]
    found = []
    for _ in range(REPLICAS):
        draws = random.poisson(1.0, truth.size)[order]
        count, sums = draws * signal, draws * weight[order]
        b = np.cumsum(sums * ~signal)
        if name == "auc":
            drawn = sums if weighted else draws.astype(np.float64)
            above, s = np.cumsum(drawn * ~signal), drawn * signal
            found.append(1 - (s * above).sum() / (s.sum() * above[-1]))
        elif name == "max_sic":
            enough = b**2 >= 25 * np.maximum(np.cumsum(sums * weight[order] * ~signal), 1e-9)
            s = np.cumsum(sums * signal)
            found.append((s[enough] / s[-1] / np.sqrt(b[enough] / b[-1])).max())
        else:
            passed = np.cumsum(count)
            wanted = math.ceil(int(name[-2:]) * int(passed[-1]) / 100)
            found.append(b[-1] / max(b[np.searchsorted(passed, wanted)], 1e-9))
    return np.array(found)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(
    ("name", "weighted"),
    [("auc", False), ("auc", True), ("rejection_at_30", False), ("rejection_at_50", False)],
)
def test_sigma_agrees_with_replicas(name: str, weighted: bool, fixed: bool) -> None:
    options = {"weighted": True} if weighted else {}
    result = score(name, *events(), normalise=TOTALS if fixed else None, **options)
    found = replica_values(name, *events(), weighted=weighted)
    assert not result.bootstrap
    assert result.sigma == pytest.approx(np.std(found, ddof=1), rel=TOLERANCE)
    assert result.value == pytest.approx(found.mean(), rel=0.01)


def test_paired_comparison_agrees_with_replicas() -> None:
    truth, first, weight = events(10_000)
    second = first + np.random.default_rng(5).normal(0, 0.3, truth.size)
    for name in ("auc", "rejection_at_50"):
        result = compare(name, truth, first, second, weight)
        found = [replica_values(name, truth, one, weight) for one in (first, second)]
        spread = np.std(found[0] - found[1], ddof=1)
        # A difference of two staircases is rougher than either.
        assert result.sigma == pytest.approx(spread, rel=TOLERANCE if name == "auc" else 0.1)
        assert compare(name, truth, first, first, weight).sigma == 0


def test_the_maximal_sic_takes_replicas() -> None:
    truth, first, weight = events(4000)
    result = score("max_sic", truth, first, weight)
    found = replica_values("max_sic", truth, first, weight)
    assert result.bootstrap
    assert result == score("max_sic", truth, first, weight)
    assert result.sigma == pytest.approx(np.std(found, ddof=1), rel=4 / math.sqrt(2 * 200))
    same = compare("max_sic", truth, first, first, weight)
    assert (same.difference, same.sigma) == (0, 0)


@pytest.mark.parametrize("name", ["auc", "rejection_at_30"])
def test_few_background_events_take_replicas(name: str) -> None:
    random = np.random.default_rng(8)
    truth = np.arange(1020 if name == "auc" else 2000) < 1000
    scores = random.normal(np.where(truth, 1.0 if name == "auc" else 1.7, 0.0), 1.0)
    result = score(name, truth, scores)
    found = replica_values(name, truth, scores, np.ones(truth.size))
    assert result.bootstrap
    assert result.sigma == pytest.approx(np.std(found, ddof=1), rel=4 / math.sqrt(2 * 200))


@pytest.mark.parametrize("name", ["auc", "max_sic"])
def test_rows_of_one_event_fluctuate_together(name: str) -> None:
    truth, scores, _ = events(4000)
    ones = np.ones(truth.size)
    group = np.tile(np.arange(truth.size), 2)
    doubled = (np.tile(truth, 2), np.tile(scores, 2), np.ones(2 * truth.size))
    metric = METRICS[name]
    options = metric.settings({})
    cases = [
        Sample.of(truth, truth, ones, score=scores),
        Sample.of(doubled[0], doubled[0], doubled[2], group=group, score=doubled[1]),
        Sample.of(doubled[0], doubled[0], doubled[2], score=doubled[1]),
    ]
    found = [estimates(sample, [(metric, options)])[0].sigma for sample in cases]
    assert None not in found
    sigmas = [one or 0.0 for one in found]
    tolerance = 1e-9 if name == "auc" else 0.2
    assert sigmas[1] == pytest.approx(sigmas[0], rel=tolerance)
    assert sigmas[2] == pytest.approx(sigmas[0] / math.sqrt(2), rel=tolerance)


def test_grouped_comparison_of_replicas() -> None:
    truth, first, weight = events(2000)
    group = np.arange(truth.size) // 2
    one, other = (Sample.of(truth, truth, weight, group=group, score=s) for s in (first, first**3))
    result = compare_samples(METRICS["max_sic"], one, other, {})
    assert (result.difference, result.sigma, result.p_value) == (0, 0, 1)


@pytest.mark.parametrize("form", ["csv", "npy"])
def test_scores_come_from_files_row_by_row(tmp_path: Path, form: str) -> None:
    truth, scores, weight = events(2000)
    scores = 1 / (1 + np.exp(-scores))
    random = np.random.default_rng(4)
    ids = random.permutation(20_000)[:2000] * 7
    usage = random.choice(["public", "private", "ignored"], 2000)
    words = np.where(truth, "s", "b")
    solution = {"EventId": ids, "Label": words, "Weight": weight, "usage": usage}
    pl.DataFrame(solution).write_csv(tmp_path / "solution.csv")
    decisions = pl.DataFrame({"EventId": ids, "Class": np.where(scores >= 0.5, "s", "b")})
    decisions.write_csv(tmp_path / "sample.csv")
    mine = tmp_path / f"mine.{form}"
    if form == "npy":
        np.save(mine, scores)
    else:
        shuffled = decisions.with_columns(Score=scores).sample(fraction=1.0, shuffle=True, seed=1)
        shuffled.write_csv(mine)
    phase = PhaseScoring("main", "auc", ["rejection_at_30", "max_sic", "accuracy"])
    compiled = tmp_path / "compiled"
    sample = tmp_path / "mine.csv" if form == "csv" else tmp_path / "scored.csv"
    decisions.with_columns(Score=scores).write_csv(tmp_path / "scored.csv")
    compile_solution(
        tmp_path / "solution.csv", sample, compiled, test_set=TestSetSpec(), phases=[phase]
    )
    if form == "csv":
        refused = score_file(tmp_path / "sample.csv", "sample.csv", compiled, "main")
        assert [finding.code for finding in refused.report.findings] == ["missing_column"]
    outcome = score_file(mine, mine.name, compiled, "main")
    assert outcome.report.ok
    for split in ("public", "private"):
        rows = usage == split
        for name in ("auc", "rejection_at_30", "max_sic"):
            expected = score(name, truth[rows], scores[rows], weight[rows]).value
            assert outcome.scores[split][name].value == pytest.approx(expected, rel=1e-12)


def test_offline_scoring_of_ones_own_truth(tmp_path: Path) -> None:
    truth, scores, _ = events(500)
    words, ids = np.where(truth, "s", "b"), np.arange(500)
    pl.DataFrame({"id": ids[::-1], "label": words[::-1]}).write_csv(tmp_path / "truth.csv")
    frame = pl.DataFrame({"id": ids, "Class": words, "Score": scores})
    frame.write_csv(tmp_path / "mine.csv")
    outcome = score_offline("auc", {}, None, tmp_path / "truth.csv", tmp_path / "mine.csv")
    assert outcome.scores["all"]["auc"].value == score("auc", truth, scores).value


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference test set is not here")
def test_real_top_taggers() -> None:
    with np.load(REFERENCE / "labels_pt_scores_4.npz", allow_pickle=False) as arrays:
        label = arrays["label"]
        runs = {name: arrays[name] for name in arrays.files}
    with (REFERENCE / "metrics_4_runs.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 4
    for row in rows:
        scores = runs[f"{row['tagger']}_run{row['run']}"]
        area = score("auc", label, scores)
        assert area.value == pytest.approx(float(row["auc"]), abs=1e-9)
        right = score("accuracy", label, scores >= 0.5)
        assert right.value == pytest.approx(float(row["accuracy"]), abs=1e-12)
        rejection = score("rejection_at_30", label, scores)
        assert rejection.value == pytest.approx(float(row["bkg_rejection_at_30"]), rel=1e-12)
        assert rejection.sigma is not None
        assert area.sigma is not None
        assert 0.02 < rejection.sigma / rejection.value < 0.12
        assert 1e-4 < area.sigma < 3e-4


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False)
        | st.sampled_from([0.0, -0.0, 1.0, math.nextafter(1, 2), 5e-324, -5e-324]),
        max_size=40,
    )
)
def test_the_quick_order_sorts_as_any_other(values: list[float]) -> None:
    array = np.array(values, np.float64)
    order = ascending(array)
    assert sorted(order.tolist()) == list(range(len(values)))
    assert array[order].tolist() == sorted(values)
