"""sigma against Poisson replicas of the whole metric, drawn independently of the scorer's."""

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from fivesigma_scoring import uncertainty
from fivesigma_scoring.regression.registry import METRICS
from fivesigma_scoring.regression.sample import Sample, sample_of_arrays
from fivesigma_scoring.uncertainty import compare_samples, estimates
from numpy.typing import NDArray
from scipy import stats

REPLICAS = 4000
AT_ONCE = 250
TOLERANCE = 0.05
BY_INFLUENCE = ["bias", "mae", "mre", "rmse"]
BY_REPLICAS = ["median_absolute_error", "resolution_68"]

Array = NDArray[np.float64]
cases = pytest.mark.parametrize(
    ("weighted", "grouped", "targets"),
    [(w, g, t) for w in (False, True) for g in (False, True) for t in (1, 2)],
)


def sample(
    *, weighted: bool, grouped: bool, targets: int, seed: int = 3, groups: int = 400
) -> Sample:
    """Rows of 1 to 5 in a group share their luck; errors grow with the true value."""
    random = np.random.default_rng(17)
    group = np.repeat(np.arange(groups), random.integers(1, 6, groups))
    truth = random.uniform(85, 500, (group.size, targets))
    weight = random.uniform(0.1, 1.9, group.size) ** 2 if weighted else None
    shared = random.normal(0, 10, groups)[group, None]
    mine = np.random.default_rng(seed)
    noise = mine.normal(2, 0.1, truth.shape) * mine.choice([-0.5, 0.5, 3], truth.shape)
    prediction = truth + shared + noise * truth / 20
    return sample_of_arrays(truth, prediction, weight, group=group if grouped else None)


def draws(some: Sample) -> Iterator[Array]:
    """How often each event counts, (AT_ONCE, n) at a time, REPLICAS in all."""
    random = np.random.default_rng(11)
    for _ in range(REPLICAS // AT_ONCE):
        if some.group is None:
            yield random.poisson(1.0, (AT_ONCE, some.n)).astype(float)
        else:
            yield random.poisson(1.0, (AT_ONCE, some.group.max() + 1))[:, some.group].astype(float)


def quantiles(value: Array, weight: Array, counts: Array, shares: list[float]) -> Array:
    """Of replicas, through the integral of the value along the ruler; (AT_ONCE, shares)."""
    order = np.argsort(value, kind="stable")
    value, weight, counts = value[order], weight[order], counts[:, order]
    found = np.empty((len(counts), len(shares)))
    for at, many in enumerate(counts):
        end = np.append(0.0, np.cumsum(many * weight))
        area = np.append(0.0, np.cumsum(many * weight * value))
        window = min(1.0, float(many @ weight**2 / end[-1]))
        start = np.array(shares) * (end[-1] - window)
        found[at] = np.diff(np.interp([start, start + window], end, area), axis=0)[0] / window
    return found


def metric_values(name: str, some: Sample, counts: Array) -> Array:
    """The formulas once more, for replicas (AT_ONCE, n)."""
    columns = []
    for truth, prediction in zip(some.truth.T, some.prediction.T, strict=True):
        r, drawn = prediction - truth, counts * some.weight
        total = drawn.sum(axis=1)
        columns.append(
            {
                "bias": lambda r=r, d=drawn, t=total: d @ r / t,
                "mae": lambda r=r, d=drawn, t=total: d @ np.abs(r) / t,
                "mre": lambda r=r, d=drawn, t=total, y=truth: d @ np.abs(r / y) / t,
                "rmse": lambda r=r, d=drawn, t=total: np.sqrt(d @ r**2 / t),
                "median_absolute_error": lambda r=r: quantiles(
                    np.abs(r), some.weight, counts, [0.5]
                )[:, 0],
                "resolution_68": lambda r=r: (
                    np.diff(quantiles(r, some.weight, counts, [0.1587, 0.8413]))[:, 0] / 2
                ),
            }[name]()
        )
    return np.mean(columns, axis=0)


@cache
def replicas(name: str, weighted: bool, grouped: bool, targets: int, seed: int = 3) -> Array:
    some = sample(weighted=weighted, grouped=grouped, targets=targets, seed=seed)
    return np.concatenate([metric_values(name, some, counts) for counts in draws(some)])


@cases
@pytest.mark.parametrize("name", BY_INFLUENCE)
def test_influence_agrees_with_replicas(
    name: str, weighted: bool, grouped: bool, targets: int
) -> None:
    some = sample(weighted=weighted, grouped=grouped, targets=targets)
    result = estimates(some, [(METRICS[name], {})])[0]
    values = replicas(name, weighted, grouped, targets)
    assert not result.bootstrap
    assert result.sigma == pytest.approx(np.std(values, ddof=1), rel=TOLERANCE)
    assert result.value == pytest.approx(values.mean(), abs=result.sigma / 5)


@cases
@pytest.mark.parametrize("name", BY_REPLICAS)
def test_own_replicas_agree_with_others(
    name: str, weighted: bool, grouped: bool, targets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as those compared with: 200 know sigma to five per cent only."""
    some = sample(weighted=weighted, grouped=grouped, targets=targets)
    expected = np.std(replicas(name, weighted, grouped, targets), ddof=1)
    usual = estimates(some, [(METRICS[name], {})])[0]
    assert usual.bootstrap
    assert usual == estimates(some, [(METRICS[name], {})])[0]
    assert usual.sigma == pytest.approx(expected, rel=4 / math.sqrt(2 * 200))
    monkeypatch.setattr(uncertainty, "REPLICAS", REPLICAS)
    many = estimates(some, [(METRICS[name], {})])[0]
    assert many.sigma == pytest.approx(expected, rel=TOLERANCE)


@cases
@pytest.mark.parametrize("name", sorted(METRICS))
def test_each_replica_is_the_metric_of_what_was_drawn(
    name: str, weighted: bool, grouped: bool, targets: int
) -> None:
    some = sample(weighted=weighted, grouped=grouped, targets=targets)
    counts = next(draws(some))[:20]
    line = METRICS[name]
    assert line.recount is not None
    recount = line.recount(some, {})
    values = [recount(many.astype(np.int64)) for many in counts]
    assert values == pytest.approx(metric_values(name, some, counts), rel=1e-9)
    again = [
        line.function(
            Sample.of(*(np.repeat(a, many, 0) for a in (some.truth, some.prediction, some.weight))),
            {},
        )
        for many in counts.astype(np.int64)
    ]
    assert values == pytest.approx(again, rel=1e-9)


@pytest.mark.parametrize(
    ("weighted", "grouped", "targets"), [(False, False, 1), (True, False, 2), (True, True, 1)]
)
@pytest.mark.parametrize("name", sorted(METRICS))
def test_paired_comparison_agrees_with_replicas(
    name: str,
    weighted: bool,
    grouped: bool,
    targets: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uncertainty, "REPLICAS", REPLICAS if name in BY_REPLICAS else 2)
    first, second = (
        sample(weighted=weighted, grouped=grouped, targets=targets, seed=seed) for seed in (3, 4)
    )
    result = compare_samples(METRICS[name], first, second, {})
    a, b = (replicas(name, weighted, grouped, targets, seed) for seed in (3, 4))
    assert result.sigma == pytest.approx(np.std(a - b, ddof=1), rel=TOLERANCE)
    values = [METRICS[name].function(one, {}) for one in (first, second)]
    assert result.difference == pytest.approx(values[0] - values[1])
    assert result.p_value is not None
    assert 0 <= result.p_value <= 1


@pytest.mark.parametrize("name", sorted(METRICS))
def test_shared_luck_cancels(name: str) -> None:
    first = sample(weighted=True, grouped=False, targets=1)
    mine = first.prediction.copy()
    mine[:20] += 5
    second = Sample.of(first.truth, mine, first.weight)
    one = estimates(first, [(METRICS[name], {})])[0].sigma
    both = compare_samples(METRICS[name], first, second, {})
    assert one is not None
    assert both.sigma is not None
    assert 0 < both.sigma < 0.3 * one
    same = compare_samples(METRICS[name], first, first, {})
    assert (same.difference, same.sigma, same.p_value) == (0, 0, 1)


@pytest.mark.parametrize("name", BY_INFLUENCE)
def test_few_events_take_replicas(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    some = sample(weighted=True, grouped=True, targets=2, groups=20)
    monkeypatch.setattr(uncertainty, "REPLICAS", REPLICAS)
    result = estimates(some, [(METRICS[name], {})])[0]
    assert result.bootstrap
    values = np.concatenate([metric_values(name, some, counts) for counts in draws(some)])
    assert result.sigma == pytest.approx(np.std(values, ddof=1), rel=TOLERANCE)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_replica_without_events_has_no_value(name: str) -> None:
    recount = METRICS[name].recount
    assert recount is not None
    some = sample_of_arrays([[1.0, 2.0]] * 2, [[2.0, 2.0]] * 2, [1.0, 0.0])
    assert math.isnan(recount(some, {})(np.array([0, 0])))
    assert math.isnan(recount(some, {})(np.array([0, 3])))
    assert math.isfinite(recount(some, {})(np.array([1, 0])))


@pytest.mark.parametrize("name", BY_INFLUENCE)
def test_negative_weights_enlarge_the_error(name: str) -> None:
    """Against replicas as well: 10 % of the events have negative weights."""
    some = sample(weighted=False, grouped=False, targets=2)
    weight = np.where(np.arange(some.n) % 10 == 3, -1.0, 1.0)
    some = Sample.of(some.truth, some.prediction, weight)
    values = np.concatenate([metric_values(name, some, counts) for counts in draws(some)])
    result = estimates(some, [(METRICS[name], {})])[0]
    assert result.sigma == pytest.approx(np.std(values, ddof=1), rel=TOLERANCE)


def test_known_errors_of_a_gaussian() -> None:
    """Textbook: sigma / sqrt(n) for the mean, sigma / sqrt(2 n) for the RMSE, from densities."""
    n = 10_000
    residual = 30 * np.random.default_rng(9).permutation(stats.norm.ppf((np.arange(n) + 0.5) / n))
    some = sample_of_arrays(np.full(n, 172.5), 172.5 + residual)
    by_name = {
        name: estimates(some, [(METRICS[name], {})])[0].sigma
        for name in ("bias", "rmse", "mae", "median_absolute_error", "resolution_68")
    }
    share = 1 - 0.8413
    density = stats.norm.pdf(stats.norm.ppf(share))
    median = stats.norm.ppf(0.75)
    expected = {
        "bias": 30 / math.sqrt(n),
        "rmse": 30 / math.sqrt(2 * n),
        "mae": 30 * math.sqrt((1 - 2 / math.pi) / n),
        "median_absolute_error": 30 * 0.5 / (2 * stats.norm.pdf(median)) / math.sqrt(n),
        "resolution_68": 30 * math.sqrt(share * (1 - 2 * share) / 2 / n) / density,
    }
    for name, sigma in by_name.items():
        rel = 4 / math.sqrt(2 * 200) if name in BY_REPLICAS else 0.01
        assert sigma == pytest.approx(expected[name], rel=rel)
