"""sigma against Poisson replicas that renormalise exactly as the metric does."""

import math
from functools import cache

import numpy as np
import pytest
from fivesigma_scoring import METRICS, compare, score
from fivesigma_scoring.selection.bootstrap import estimates
from fivesigma_scoring.selection.cells import Sample
from fivesigma_scoring.uncertainty import p_value
from numpy.typing import NDArray

REPLICAS = 4000
TOTALS = {"s": 692.0, "b": 411_000.0}
TOLERANCE = 0.05
OF_CELLS = [name for name, metric in METRICS.items() if metric.recount is None]
"""The others are compared with replicas in `test_scores` and `test_systematic`."""

Array = NDArray[np.float64]


def events(seed: int = 3, n: int = 6000) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Array]:
    """A sample with 30 % signal, a mediocre selection, and uneven weights."""
    random = np.random.default_rng(seed)
    truth = random.random(n) < 0.3
    selected = random.random(n) < np.where(truth, 0.6, 0.15)
    weight = np.where(truth, 0.02, 20.0) * random.uniform(0.2, 1.8, n)
    return truth, selected, weight


def replica_sums(
    code: NDArray[np.int_], weight: Array, cells: int, seed: int = 11
) -> tuple[Array, Array]:
    """Counts and weights per replica and cell, each event counted Poisson(1) times."""
    return _replica_sums(code.tobytes(), weight.tobytes(), cells, seed)


@cache
def _replica_sums(codes: bytes, weights: bytes, cells: int, seed: int) -> tuple[Array, Array]:
    """The same arrays come up for every metric: draw their replicas once."""
    code, weight = np.frombuffer(codes, np.int64), np.frombuffer(weights)
    random = np.random.default_rng(seed)
    member = np.eye(cells)[code]
    count, total = np.empty((2, REPLICAS, cells))
    for start in range(0, REPLICAS, 500):
        draws = random.poisson(1.0, (500, code.size)).astype(float)
        count[start : start + 500] = draws @ member
        total[start : start + 500] = draws @ (member * weight[:, None])
    return count, total


def metric_values(name: str, count: Array, weight: Array, fixed: bool, weighted: bool) -> Array:
    """The formulas once more, for arrays (replicas, 4) of cells: b-, b+, s-, s+ (+ is selected)."""
    if fixed:
        weight = weight.copy()
        weight[:, :2] *= TOTALS["b"] / weight[:, :2].sum(axis=1, keepdims=True)
        weight[:, 2:] *= TOTALS["s"] / weight[:, 2:].sum(axis=1, keepdims=True)
    b, s = weight[:, 1], weight[:, 3]
    sums = weight if weighted else count
    values: dict[str, Array] = {
        "accuracy": (sums[:, 0] + sums[:, 3]) / sums.sum(axis=1),
        "ams": np.sqrt(2 * ((s + b + 10) * np.log1p(s / (b + 10)) - s)),
        "ams3": s / np.sqrt(b + 10),
        "background_rejection": weight[:, :2].sum(axis=1) / b,
        "purity": s / (s + b),
        "signal_efficiency": s / weight[:, 2:].sum(axis=1),
    }
    return values[name]


CASES = [
    *((name, fixed, False) for name in OF_CELLS for fixed in (False, True)),
    ("accuracy", False, True),
    ("accuracy", True, True),
]


@pytest.fixture
def drawn() -> tuple[Array, Array]:
    truth, selected, weight = events()
    return replica_sums(truth * 2 + selected, weight, 4)


@pytest.mark.parametrize(("name", "fixed", "weighted"), CASES)
def test_sigma_agrees_with_replicas(
    drawn: tuple[Array, Array], name: str, fixed: bool, weighted: bool
) -> None:
    truth, selected, weight = events()
    options = {"weighted": True} if weighted else {}
    result = score(name, truth, selected, weight, normalise=TOTALS if fixed else None, **options)
    values = metric_values(name, *drawn, fixed, weighted)
    assert not result.bootstrap
    assert result.sigma == pytest.approx(np.std(values, ddof=1), rel=TOLERANCE)
    assert result.value == pytest.approx(values.mean(), rel=0.01)


def test_declared_totals_matter(drawn: tuple[Array, Array]) -> None:
    """The uncentred form would fail the test above by far: the two cases are different numbers."""
    truth, selected, weight = events()
    free = score(
        "ams",
        truth,
        selected,
        weight * np.where(truth, 692 / weight[truth].sum(), 411_000 / weight[~truth].sum()),
    )
    fixed = score("ams", truth, selected, weight, normalise=TOTALS)
    assert free.value == pytest.approx(fixed.value)
    assert free.sigma is not None
    assert fixed.sigma is not None
    assert free.sigma > 1.2 * fixed.sigma


def test_one_declared_total_alone(drawn: tuple[Array, Array]) -> None:
    truth, selected, weight = events()
    result = score("ams", truth, selected, weight, normalise={"s": 692.0})
    count, total = (array.copy() for array in drawn)
    total[:, 2:] *= 692 / total[:, 2:].sum(axis=1, keepdims=True)
    values = metric_values("ams", count, total, fixed=False, weighted=False)
    assert result.sigma == pytest.approx(np.std(values, ddof=1), rel=TOLERANCE)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("name", OF_CELLS)
def test_paired_comparison_agrees_with_replicas(name: str, fixed: bool) -> None:
    truth, first, weight = events()
    other = np.random.default_rng(5).random(truth.size) < 0.1
    second = np.where(other, ~first, first)
    result = compare(name, truth, first, second, weight, normalise=TOTALS if fixed else None)
    count, total = replica_sums(truth * 4 + first * 2 + second, weight, 8)
    shape = (REPLICAS, 2, 2, 2)
    values = [
        metric_values(
            name,
            count.reshape(shape).sum(axis=axis).reshape(REPLICAS, 4),
            total.reshape(shape).sum(axis=axis).reshape(REPLICAS, 4),
            fixed,
            weighted=False,
        )
        for axis in (3, 2)
    ]
    assert result.sigma == pytest.approx(np.std(values[0] - values[1], ddof=1), rel=TOLERANCE)
    apart = [
        score(name, truth, one, weight, normalise=TOTALS if fixed else None)
        for one in (first, second)
    ]
    assert result.difference == pytest.approx(apart[0].value - apart[1].value)


def test_shared_luck_cancels() -> None:
    truth, first, weight = events()
    second = first.copy()
    second[np.flatnonzero(truth & first)[:20]] = False
    one = score("ams", truth, first, weight).sigma
    both = compare("ams", truth, first, second, weight)
    assert one is not None
    assert both.sigma is not None
    assert both.sigma < 0.3 * one
    same = compare("ams", truth, first, first, weight)
    assert (same.difference, same.sigma, same.p_value) == (0, 0, 1)


def test_comparison_with_a_lower_bound_has_no_error() -> None:
    result = compare("background_rejection", [1, 0, 0], [1, 0, 0], [1, 1, 0])
    assert (result.sigma, result.p_value) == (None, None)


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0, 1), (1, 0.31731), (1.959964, 0.05), (5, 5.733e-7)]
)
def test_p_value_is_two_sided(ratio: float, expected: float) -> None:
    assert p_value(ratio * 0.3, 0.3) == pytest.approx(expected, rel=1e-4)
    assert p_value(-ratio * 0.3, 0.3) == p_value(ratio * 0.3, 0.3)
    assert p_value(0.1, 0.0) == 0


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("name", OF_CELLS)
def test_few_background_events_take_the_bootstrap(name: str, fixed: bool) -> None:
    random = np.random.default_rng(8)
    truth = np.arange(3000) < 1000
    selected = np.where(truth, random.random(3000) < 0.4, np.arange(3000) < 1015)
    weight = random.uniform(0.5, 1.5, 3000)
    result = score(name, truth, selected, weight, normalise=TOTALS if fixed else None)
    assert result.bootstrap
    assert result == score(name, truth, selected, weight, normalise=TOTALS if fixed else None)
    count, total = replica_sums(truth * 2 + selected, weight, 4)
    spread = np.std(metric_values(name, count, total, fixed, weighted=False), ddof=1)
    assert result.sigma == pytest.approx(spread, rel=4 / math.sqrt(2 * 200))


def test_paired_bootstrap_for_few_background_events() -> None:
    random = np.random.default_rng(8)
    truth = np.arange(3000) < 1000
    first = np.where(truth, random.random(3000) < 0.4, np.arange(3000) < 1015)
    second = np.where(truth, random.random(3000) < 0.4, np.arange(3000) < 1020)
    result = compare("ams", truth, first, second)
    count, total = replica_sums(truth * 4 + first * 2 + second, np.ones(3000), 8)
    shape = (REPLICAS, 2, 2, 2)
    values = [
        metric_values(
            "ams", count, total.reshape(shape).sum(axis=axis).reshape(-1, 4), False, False
        )
        for axis in (3, 2)
    ]
    spread = np.std(values[0] - values[1], ddof=1)
    assert result.sigma == pytest.approx(spread, rel=4 / math.sqrt(2 * 200))


@pytest.mark.parametrize("few", [False, True])
def test_rows_of_one_event_fluctuate_together(few: bool) -> None:
    """Each row twice in one group: the error is that of the single rows with doubled weight."""
    truth, selected, weight = events(n=400 if few else 4000)
    if few:
        selected = selected & (truth | (np.cumsum(~truth & selected) <= 15))
    single = Sample.of(truth, selected, 2 * weight)
    group = np.tile(np.arange(truth.size), 2)
    pairs = (np.tile(truth, 2), np.tile(selected, 2), np.tile(weight, 2))
    double = Sample.of(*pairs, group=group)
    loose = Sample.of(*pairs)
    ams = METRICS["ams"]
    results = [
        estimates(sample, [(ams, ams.settings({}))])[0] for sample in (single, double, loose)
    ]
    sigmas = [one.sigma or 0.0 for one in results]
    assert results[0].bootstrap == few
    assert sigmas[1] == pytest.approx(sigmas[0], rel=0.2 if few else 1e-9)
    assert sigmas[2] == pytest.approx(sigmas[0] / math.sqrt(2), rel=0.2 if few else 1e-9)


def test_bootstrap_restores_declared_totals() -> None:
    """A perfect selection keeps s at its declared total in every replica; else it scatters."""
    truth = np.arange(300) < 100
    fixed = score("ams", truth, truth, normalise=TOTALS)
    free = score("ams", truth, truth)
    assert fixed.bootstrap
    assert fixed.sigma == pytest.approx(0, abs=1e-9)
    assert free.sigma is not None
    assert free.sigma > 0.1
