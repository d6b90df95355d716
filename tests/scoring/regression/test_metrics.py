"""Regression metrics: plain loops, scikit-learn, shared properties, known constants."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from fivesigma_scoring.regression.registry import METRICS
from fivesigma_scoring.regression.sample import Sample, sample_of_arrays
from fivesigma_scoring.uncertainty import FEW_EVENTS, estimates
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy import stats
from sklearn import metrics as sklearn

Event = tuple[float, float, float]
"""Truth, prediction, weight."""

examples = settings(deadline=None, max_examples=40)
names = st.sampled_from(sorted(METRICS))
means = st.sampled_from(["bias", "mae", "mre", "rmse"])
truths = st.sampled_from([-1.0, 0.5, 85.0]) | st.floats(0.1, 1e4)
predictions = st.sampled_from([0.0, -3.0, 0.5, 85.0]) | st.floats(-1e4, 1e4)
weights = st.floats(0.01, 100)
samples = st.lists(st.tuples(truths, predictions, weights), min_size=1, max_size=60)


def loop_mean(events: Sequence[Event], each: Callable[[float, float], float]) -> float:
    total = sum(weight for _, _, weight in events)
    return sum(weight * each(truth, mine) for truth, mine, weight in events) / total


def loop_quantile(values: Sequence[tuple[float, float]], share: float) -> float:
    """Mean over a window of the ruler on which each value takes the length of its weight."""
    total = sum(weight for _, weight in values)
    window = min(1.0, sum(weight**2 for _, weight in values) / total)
    start, at, mean = share * (total - window), 0.0, 0.0
    for value, weight in sorted(values):
        mean += max(min(at + weight, start + window) - max(at, start), 0.0) / window * value
        at += weight
    return mean


def loop_resolution(events: Sequence[Event]) -> float:
    residuals = [(mine - truth, weight) for truth, mine, weight in events]
    return (loop_quantile(residuals, 0.8413) - loop_quantile(residuals, 0.1587)) / 2


ORACLES: dict[str, Callable[[Sequence[Event]], float]] = {
    "bias": lambda events: loop_mean(events, lambda truth, mine: mine - truth),
    "mae": lambda events: loop_mean(events, lambda truth, mine: abs(mine - truth)),
    "median_absolute_error": lambda events: loop_quantile(
        [(abs(mine - truth), weight) for truth, mine, weight in events], 0.5
    ),
    "mre": lambda events: loop_mean(events, lambda truth, mine: abs(mine - truth) / abs(truth)),
    "resolution_68": loop_resolution,
    "rmse": lambda events: math.sqrt(loop_mean(events, lambda truth, mine: (mine - truth) ** 2)),
}
SKLEARN: dict[str, Callable[..., float]] = {
    "mae": sklearn.mean_absolute_error,
    "mre": sklearn.mean_absolute_percentage_error,
    "rmse": sklearn.root_mean_squared_error,
    "median_absolute_error": sklearn.median_absolute_error,
}


def metric(name: str, sample: Sample) -> float:
    return METRICS[name].function(sample, {})


def of_arrays(name: str, truth: ArrayLike, mine: ArrayLike, weight: ArrayLike = None) -> float:
    return metric(name, sample_of_arrays(truth, mine, weight))


def value(name: str, events: Sequence[Event]) -> float:
    return of_arrays(name, *zip(*events, strict=True))


def rounding(events: Sequence[Event]) -> float:
    """Residuals of opposite sign cancel; what is left is known to this."""
    return 1e-9 * max(abs(mine - truth) for truth, mine, _ in events)


def test_every_metric_has_an_oracle() -> None:
    assert set(ORACLES) == set(METRICS)


@examples
@given(names, samples)
def test_plain_loop_agrees(name: str, events: list[Event]) -> None:
    expected = pytest.approx(ORACLES[name](events), rel=1e-9, abs=rounding(events))
    assert value(name, events) == expected


@examples
@given(st.sampled_from(["mae", "mre", "rmse"]), samples)
def test_scikit_learn_agrees_with_weights(name: str, events: list[Event]) -> None:
    truth, mine, weight = zip(*events, strict=True)
    expected = SKLEARN[name](truth, mine, sample_weight=weight)
    assert of_arrays(name, truth, mine, weight) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("columns", [1, 2, 5])
@pytest.mark.parametrize("name", sorted(SKLEARN))
def test_scikit_learn_agrees_on_several_targets(name: str, columns: int) -> None:
    random = np.random.default_rng(columns)
    truth = random.uniform(1, 9, (501, columns)) * 10.0 ** np.arange(columns)
    mine = truth + random.normal(0, 1, truth.shape) * 3.0 ** np.arange(columns)
    weight = random.uniform(0, 3, 501)
    assert of_arrays(name, truth, mine) == pytest.approx(SKLEARN[name](truth, mine), rel=1e-12)
    if name != "median_absolute_error":  # scikit-learn's weighted median is not interpolated
        expected = SKLEARN[name](truth, mine, sample_weight=weight)
        assert of_arrays(name, truth, mine, weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_several_targets_are_the_mean_over_columns(name: str) -> None:
    random = np.random.default_rng(5)
    truth, mine = random.uniform(1, 9, (2, 301, 3))
    weight = random.uniform(0, 3, 301)
    columns = [of_arrays(name, truth[:, at], mine[:, at], weight) for at in range(3)]
    assert of_arrays(name, truth, mine, weight) == pytest.approx(np.mean(columns), rel=1e-12)
    assert of_arrays(name, truth[:, :1], mine[:, :1], weight) == columns[0]


@examples
@given(st.lists(st.tuples(truths, predictions), min_size=1, max_size=60))
def test_numpy_agrees_without_weights(events: list[tuple[float, float]]) -> None:
    truth, mine = np.array(events).T
    low, high = np.quantile(mine - truth, [0.1587, 0.8413])
    assert of_arrays("resolution_68", truth, mine) == (high - low) / 2
    median = np.quantile(np.abs(mine - truth), 0.5)
    assert of_arrays("median_absolute_error", truth, mine) == median
    assert of_arrays("bias", truth, mine) == pytest.approx(
        np.mean(mine - truth), rel=1e-9, abs=1e-9 * np.abs(mine - truth).max()
    )


@examples
@given(names, samples, st.randoms())
def test_order_of_events_is_irrelevant(name: str, events: list[Event], random: object) -> None:
    mixed = sorted(events, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis hides its Random
    expected = pytest.approx(value(name, events), rel=1e-9, abs=rounding(events))
    assert value(name, mixed) == expected


@examples
@given(names, st.lists(st.tuples(truths, predictions, st.integers(1, 4)), min_size=1, max_size=40))
def test_weight_two_is_the_event_twice(name: str, events: list[Event]) -> None:
    repeated = [(truth, mine, 1.0) for truth, mine, count in events for _ in range(int(count))]
    expected = pytest.approx(value(name, repeated), rel=1e-12, abs=rounding(events))
    assert value(name, events) == expected


@examples
@given(names, samples, st.lists(st.tuples(truths, predictions), min_size=1, max_size=5))
def test_events_of_weight_zero_do_not_matter(
    name: str, events: list[Event], others: list[tuple[float, float]]
) -> None:
    more = [*events, *((truth, mine, 0.0) for truth, mine in others)]
    expected = pytest.approx(value(name, events), rel=1e-12, abs=rounding(more))
    assert value(name, more) == expected


@examples
@given(names, samples)
def test_weights_of_one_are_no_weights(name: str, events: list[Event]) -> None:
    truth, mine, _ = zip(*events, strict=True)
    chosen = [(METRICS[name], {})]
    ones = sample_of_arrays(truth, mine, np.ones(len(events)))
    assert estimates(ones, chosen) == estimates(sample_of_arrays(truth, mine), chosen)


@examples
@given(means, samples, st.floats(1e-6, 1e6))
def test_a_common_factor_on_the_weights_changes_no_mean(
    name: str, events: list[Event], factor: float
) -> None:
    scaled = [(truth, mine, weight * factor) for truth, mine, weight in events]
    expected = pytest.approx(value(name, events), rel=1e-9, abs=rounding(events))
    assert value(name, scaled) == expected


@examples
@given(names, samples)
def test_perfect_gets_the_best(name: str, events: list[Event]) -> None:
    truth, _, weight = zip(*events, strict=True)
    result = estimates(sample_of_arrays(truth, truth, weight), [(METRICS[name], {})])[0]
    assert (result.value, result.sigma) == (METRICS[name].best, 0)


@examples
@given(names, samples)
def test_finite_and_within_bounds(name: str, events: list[Event]) -> None:
    sample = sample_of_arrays(*zip(*events, strict=True))
    result = estimates(sample, [(METRICS[name], {})])[0]
    assert math.isfinite(result.value)
    assert result.n == len(events)
    assert result.value >= 0 or name == "bias"
    assert result.sigma is not None
    assert math.isfinite(result.sigma)
    assert result.sigma >= 0


@examples
@given(samples)
def test_order_among_the_metrics(events: list[Event]) -> None:
    """The size of the mean <= mean of the sizes <= root of the mean square <= largest."""
    largest = max(abs(mine - truth) for truth, mine, _ in events)
    bias, mae, rmse = (value(name, events) for name in ("bias", "mae", "rmse"))
    slack = 1 + 1e-9
    assert abs(bias) <= mae * slack + rounding(events)
    assert mae <= rmse * slack
    assert rmse <= largest * slack
    assert value("median_absolute_error", events) <= largest
    assert value("resolution_68", events) <= largest * slack


@examples
@given(st.sampled_from(["bias", "mae", "median_absolute_error", "resolution_68", "rmse"]), samples)
def test_units_of_the_target(name: str, events: list[Event]) -> None:
    larger = [(1000 * truth, 1000 * mine, weight) for truth, mine, weight in events]
    expected = pytest.approx(1000 * value(name, events), rel=1e-9, abs=1e3 * rounding(events))
    assert value(name, larger) == expected


@examples
@given(samples, st.floats(-1e3, 1e3))
def test_a_shift_of_all_predictions_is_a_bias_and_no_resolution(
    events: list[Event], shift: float
) -> None:
    shifted = [(truth, mine + shift, weight) for truth, mine, weight in events]
    slack = 1e-6
    assert value("bias", shifted) == pytest.approx(value("bias", events) + shift, abs=slack)
    expected = pytest.approx(value("resolution_68", events), abs=slack)
    assert value("resolution_68", shifted) == expected


def test_resolution_of_a_gaussian_is_its_standard_deviation() -> None:
    residual = 30 * stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000) + 12
    truth = np.full(20_000, 172.5)
    assert of_arrays("resolution_68", truth, truth + residual) == pytest.approx(30, rel=1e-3)
    assert of_arrays("rmse", truth, truth + residual) == pytest.approx(math.hypot(30, 12), rel=1e-3)
    assert of_arrays("bias", truth, truth + residual) == pytest.approx(12)
    assert of_arrays("mae", truth, truth + residual - 12) == pytest.approx(
        30 * math.sqrt(2 / math.pi), rel=1e-3
    )


@pytest.mark.parametrize(("name", "best", "at"), [("mae", 103.75, 292.5), ("mre", 0.4161, 206.2)])
def test_best_constants_on_flat_masses(name: str, best: float, at: float) -> None:
    """On masses flat between 85 and 500 GeV no constant is better than these."""
    edges = np.linspace(85, 500, 20_001)
    masses = (edges[1:] + edges[:-1]) / 2
    constants = np.arange(at - 10, at + 10, 0.1)
    scores = [of_arrays(name, masses, np.full(masses.size, constant)) for constant in constants]
    assert min(scores) == pytest.approx(best, abs=5e-5)
    assert constants[np.argmin(scores)] == pytest.approx(at, abs=0.11)


def test_by_hand() -> None:
    truth, mine, weight = [10.0, 20.0, 40.0], [13.0, 16.0, 40.0], [1.0, 2.0, 1.0]
    assert of_arrays("mae", truth, mine, weight) == pytest.approx(11 / 4)
    assert of_arrays("bias", truth, mine, weight) == pytest.approx(-5 / 4)
    assert of_arrays("mre", truth, mine, weight) == pytest.approx((0.3 + 0.4) / 4)
    assert of_arrays("rmse", truth, mine, weight) == pytest.approx(math.sqrt(41 / 4))
    assert of_arrays("median_absolute_error", truth, mine, weight) == 3.5
    assert of_arrays("resolution_68", truth, mine, [1, 1, 1]) == pytest.approx(
        (3 * 0.6826 - -4 * 0.6826) / 2
    )


def test_opposite_biases_of_two_targets_cancel() -> None:
    sample = sample_of_arrays([[1, 1], [2, 2]], [[2, 0], [3, 1]])
    assert (metric("bias", sample), metric("mae", sample)) == (0, 1)


def test_lines_of_the_registry() -> None:
    for name, line in METRICS.items():
        assert (line.name, line.kind) == (name, "regression")
        assert (line.higher_is_better, line.best, line.worst) == (False, 0, None)
        assert (line.digits, line.percent) == ((4, True) if name == "mre" else (3, False))
        assert line.by_magnitude == (name == "bias")
        assert not line.needs_score
        assert line.settings({}) == {}
    assert list(METRICS) == sorted(METRICS)


def test_the_smaller_bias_ranks_higher_whatever_its_sign() -> None:
    key = METRICS["bias"].rank_key
    assert key(-0.1) == key(0.1) > key(-0.2) > key(3.0)
    assert METRICS["mae"].rank_key(0.1) > METRICS["mae"].rank_key(0.2)


@pytest.mark.parametrize("truth", [0.0, -0.0, 1e-51])
def test_relative_to_nothing_is_refused(truth: float) -> None:
    """For the value, its influence and its replicas, and where the event has no weight, too."""
    sample = sample_of_arrays([1.0, truth], [1.0, 1.0], [1.0, 0.0])
    line = METRICS["mre"]
    assert line.influence is not None
    assert line.recount is not None
    for function in (line.function, line.influence, line.recount):
        with pytest.raises(ValueError, match="A true value is 0, to which no error is relative"):
            function(sample, {})
    assert math.isfinite(metric("mae", sample))


@pytest.mark.parametrize("name", ["median_absolute_error", "resolution_68"])
def test_quantiles_refuse_negative_weights(name: str) -> None:
    sample = sample_of_arrays([1.0, 2.0], [1.0, 1.0], [2.0, -1.0])
    with pytest.raises(ValueError, match="no meaning with negative weights"):
        estimates(sample, [(METRICS[name], {})])


@pytest.mark.parametrize("name", ["bias", "mae", "mre", "rmse"])
def test_means_accept_negative_weights(name: str) -> None:
    random = np.random.default_rng(2)
    truth, mine = random.uniform(1, 9, (2, 400))
    weight = np.where(random.random(400) < 0.2, -1.0, 1.3)
    events = list(zip(truth.tolist(), mine.tolist(), weight.tolist(), strict=True))
    assert value(name, events) == pytest.approx(ORACLES[name](events), rel=1e-9)


def test_negative_weights_that_outweigh_the_others() -> None:
    """The mean square is negative: the RMSE is 0, with an error from replicas, where it is not."""
    mine = np.repeat([1.0, 1.75], [600, 400])
    sample = sample_of_arrays(np.zeros(1000), mine, np.repeat([1.0, -0.5], [600, 400]))
    assert sample.effective_number > FEW_EVENTS
    result = estimates(sample, [(METRICS["rmse"], {})])[0]
    assert result.value == 0
    assert result.bootstrap
    assert result.sigma is not None
    assert result.sigma > 0


@pytest.mark.parametrize("name", ["bias", "mae", "mre", "rmse"])
def test_few_effective_events_take_replicas(name: str) -> None:
    """n_eff counts independent events: heavy weights and groups leave fewer of them."""
    random = np.random.default_rng(4)
    truth, mine = random.uniform(1, 9, (2, 1000))
    heavy = np.ones(1000)
    heavy[:20] = 1e4
    cases = [
        (sample_of_arrays(truth, mine), False),
        (sample_of_arrays(truth[:24], mine[:24]), True),
        *(
            (sample_of_arrays(truth[:25], mine[:25], [weight] * 25), False)
            for weight in (1, 0.7, 3)
        ),
        (sample_of_arrays(truth[:25], mine[:25], [0.5] + [1] * 24), True),
        (sample_of_arrays(truth, mine, heavy), True),
        (sample_of_arrays(truth, mine, group=np.arange(1000) % 24), True),
        (sample_of_arrays(truth, mine, group=np.arange(1000) % 26), False),
    ]
    for sample, rough in cases:
        assert METRICS[name].is_rough(sample, {}) == rough
        assert estimates(sample, [(METRICS[name], {})])[0].bootstrap == rough
