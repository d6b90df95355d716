"""sigma of mask metrics against Poisson replicas of whole events, or of groups of them."""

import math
from functools import cache

import numpy as np
import pytest
from fivesigma_scoring import uncertainty
from fivesigma_scoring.metric import Estimate
from fivesigma_scoring.segmentation.counts import Sample, sample_of_masks
from fivesigma_scoring.segmentation.registry import METRICS
from fivesigma_scoring.uncertainty import compare_samples, estimates
from numpy.typing import NDArray

REPLICAS = 4000
TOLERANCE = 0.05
CLASSES = 4
PERCENTILES = {"event_accuracy_p50": 50, "event_accuracy_p80": 80}
NAMES = [
    *("voxel_accuracy", "event_accuracy_mean", *PERCENTILES, "mean_iou", "macro_f1"),
    *(f"class_recall_{k}" for k in range(1, CLASSES)),
]

Mask = NDArray[np.uint8]
Array = NDArray[np.float64]


@cache
def masks(n: int = 600, seed: int = 3) -> tuple[Mask, Mask, Mask, NDArray[np.int64]]:
    """Truth, two predictions of uneven quality, and groups whose events share size and quality.

    Class 3 is rare, sizes are uneven, some events have nothing to score.
    """
    random = np.random.default_rng(seed)
    group = np.sort(random.integers(0, n // 2, n))
    size, quality, kind = (random.random(n)[group][:, np.newaxis] for _ in range(3))
    lit = random.random((n, 120)) < size**2 * 0.9
    share = random.random((n, 120))
    truth = np.where(share < 0.2 + 0.5 * kind, 1, np.where(share < 0.9, 2, 3)) * lit
    predictions = []
    for skill in (0.4, 0.3):
        right = random.random((n, 120)) < skill + 0.6 * quality
        guess = random.integers(0, CLASSES, (n, 120))
        predictions.append(np.where(right, truth, guess).astype(np.uint8))
    return truth.astype(np.uint8), predictions[0], predictions[1], group


def sums(truth: Mask, predicted: Mask) -> tuple[Array, Array, Array]:
    """Right, true and predicted pixels of the classes 1 to 3, each (events, 3)."""
    classes = np.arange(1, CLASSES)
    of_class, called = truth[..., None] == classes, predicted[..., None] == classes
    scored = (truth > 0)[..., None]
    sides = (of_class & called, of_class, called & scored)
    hits, truths, predictions = (side.sum(axis=1).astype(float) for side in sides)
    return hits, truths, predictions


@cache
def drawn(units: int, seed: int = 11) -> Array:
    return np.random.default_rng(seed).poisson(1.0, (REPLICAS, units)).astype(float)


def replicas(name: str, truth: Mask, predicted: Mask, group: NDArray[np.int64] | None) -> Array:
    """The formulas once more, for many replicas at a time, (REPLICAS,)."""
    kept = (truth > 0).any(axis=1)
    truth, predicted = truth[kept], predicted[kept]
    draws = drawn(len(truth)) if group is None else drawn(int(group.max()) + 1)[:, group[kept]]
    each = sums(truth, predicted)
    accuracies = each[0].sum(axis=1) / each[1].sum(axis=1)
    if name in PERCENTILES:
        again = (np.repeat(accuracies, times.astype(int)) for times in draws)
        return np.array([np.percentile(one, PERCENTILES[name]) for one in again])
    if name == "event_accuracy_mean":
        return np.asarray(draws @ accuracies / draws.sum(axis=1))
    hits, truths, predictions = (draws @ side for side in each)
    if name == "voxel_accuracy":
        return np.asarray(hits.sum(axis=1) / truths.sum(axis=1))
    with np.errstate(invalid="ignore"):
        per_class = {
            "mean_iou": hits / (truths + predictions - hits),
            "macro_f1": 2 * hits / (truths + predictions),
        }.get(name, hits / truths)
    per_class[truths == 0] = np.nan
    if name.startswith("class_recall"):
        return per_class[:, int(name[-1]) - 1]
    return np.asarray(np.nanmean(per_class, axis=1))


@cache
def usual_replicas(name: str, which: int, grouped: bool) -> Array:
    """Replicas of the first or second prediction of `masks`."""
    truth, *predictions, group = masks()
    return replicas(name, truth, predictions[which], group if grouped else None)


def spread(values: Array) -> float:
    return float(np.nanstd(values, ddof=1))


def estimate(name: str, sample: Sample) -> Estimate:
    return estimates(sample, [(METRICS[name], {})])[0]


@pytest.fixture
def many_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that sigma from replicas has an error of its own of 1 %, not of 5 %."""
    monkeypatch.setattr(uncertainty, "REPLICAS", REPLICAS)


@pytest.mark.usefixtures("many_replicas")
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_sigma_agrees_with_replicas(name: str, grouped: bool) -> None:
    truth, predicted, _, group = masks()
    sample = sample_of_masks(truth, predicted, group if grouped else None)
    result = estimate(name, sample)
    values = usual_replicas(name, 0, grouped)
    assert result.bootstrap == (name in PERCENTILES)
    assert result.sigma == pytest.approx(spread(values), rel=TOLERANCE)
    assert result.value == pytest.approx(values.mean(), abs=spread(values) / 3)
    assert result.n == sample.n == np.count_nonzero((truth > 0).any(axis=1))
    assert sample.skipped == len(truth) - sample.n > 10


@pytest.mark.parametrize("name", ["mean_iou", "macro_f1"])
def test_a_class_that_is_only_predicted_has_no_part(name: str) -> None:
    truth, predicted, _, _ = masks()
    truth = np.where(truth == 2, 3, truth).astype(np.uint8)
    result = estimate(name, sample_of_masks(truth, predicted))
    values = replicas(name, truth, predicted, None)
    assert not result.bootstrap
    assert result.sigma == pytest.approx(spread(values), rel=TOLERANCE)
    assert result.value == pytest.approx(values.mean(), abs=spread(values) / 3)


@pytest.mark.parametrize("name", NAMES)
def test_groups_matter(name: str) -> None:
    """The test above tells events from groups: their errors are different numbers."""
    alone, together = (spread(usual_replicas(name, 0, grouped)) for grouped in (False, True))
    assert together > 1.15 * alone


@pytest.mark.usefixtures("many_replicas")
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_paired_comparison_agrees_with_replicas(name: str, grouped: bool) -> None:
    truth, first, second, group = masks()
    groups = group if grouped else None
    one, other = (sample_of_masks(truth, mask, groups) for mask in (first, second))
    result = compare_samples(METRICS[name], one, other, {})
    values = [usual_replicas(name, which, grouped) for which in (0, 1)]
    assert result.sigma == pytest.approx(spread(values[0] - values[1]), rel=TOLERANCE)
    assert result.difference == estimate(name, one).value - estimate(name, other).value
    assert result.sigma is not None
    assert result.p_value == uncertainty.p_value(result.difference, result.sigma)
    unpaired = math.hypot(spread(values[0]), spread(values[1]))
    assert result.sigma < 0.95 * unpaired


@pytest.mark.parametrize("name", NAMES)
def test_a_prediction_equals_itself(name: str) -> None:
    truth, first, _, _ = masks()
    sample = sample_of_masks(truth, first)
    same = compare_samples(METRICS[name], sample, sample, {})
    assert (same.difference, same.sigma, same.p_value) == (0, 0, 1)


@pytest.mark.usefixtures("many_replicas")
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_few_events_take_the_bootstrap(name: str, grouped: bool) -> None:
    """20 groups are few, however many events they have.

    The error of few medians has long tails, so that 4,000 replicas know it to 3 % only.
    """
    truth, predicted, _, group = masks()
    chosen = group < 20 if grouped else (truth > 0).any(axis=1).cumsum() <= 20
    truth, predicted, group = truth[chosen], predicted[chosen], group[chosen]
    sample = sample_of_masks(truth, predicted, group if grouped else None)
    result = estimate(name, sample)
    assert result.bootstrap
    assert estimate(name, sample) == result
    values = replicas(name, truth, predicted, group if grouped else None)
    assert result.sigma == pytest.approx(spread(values), rel=0.15)


def test_one_rare_class_is_rough_for_what_holds_it() -> None:
    """100 events, 20 of which have one pixel of class 2."""
    truth = np.ones((100, 10), np.uint8)
    truth[:20, 0] = 2
    predicted = np.where(np.arange(10) < 5, truth, 0).astype(np.uint8)
    sample = sample_of_masks(truth, predicted)
    rough = {name: estimate(name, sample).bootstrap for name in NAMES if name[-1] != "3"}
    assert rough == {
        "voxel_accuracy": False,
        "event_accuracy_mean": False,
        "event_accuracy_p50": True,
        "event_accuracy_p80": True,
        "mean_iou": True,
        "macro_f1": True,
        "class_recall_1": False,
        "class_recall_2": True,
    }


def test_one_wild_event_is_rough_for_overlaps() -> None:
    """It holds most of what is predicted as class 2: the denominator rests on one event."""
    truth = np.ones((100, 1000), np.uint8)
    truth[:, 0] = 2
    predicted = truth.copy()
    predicted[0] = 2
    sample = sample_of_masks(truth, predicted)
    rough = [estimate(name, sample).bootstrap for name in ("mean_iou", "macro_f1")]
    assert rough == [True, True]
    assert not estimate("class_recall_2", sample).bootstrap


def test_sigma_is_the_standard_deviation_of_the_replicas() -> None:
    truth, predicted, _, group = masks()
    sample = sample_of_masks(truth, predicted, group)
    recount = METRICS["event_accuracy_p80"].recount
    assert recount is not None
    values = [recount(sample, {})(draws) for draws in uncertainty.row_draws(sample)]
    assert len(values) == 200
    assert estimate("event_accuracy_p80", sample).sigma == np.std(values, ddof=1)


@pytest.mark.parametrize(("events", "rough"), [(24, True), (25, False)])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in PERCENTILES])
def test_25_equal_events_are_enough(name: str, events: int, rough: bool) -> None:
    """Even where each is there twice, as one group."""
    truth = np.tile(np.array([1, 2, 3], np.uint8), (events, 1))
    assert estimate(name, sample_of_masks(truth, truth)).bootstrap == rough
    twice, group = np.tile(truth, (2, 1)), np.tile(np.arange(events), 2)
    assert estimate(name, sample_of_masks(twice, twice, group)).bootstrap == rough


@pytest.mark.parametrize("name", NAMES)
def test_events_that_are_there_twice(name: str) -> None:
    """Grouped, they say no more than once; taken for independent, sigma shrinks by sqrt(2)."""
    truth, predicted, _, _ = masks()
    kept = (truth > 0).any(axis=1)
    once = (truth[kept], predicted[kept])
    truths, predictions = (np.tile(mask, (2, 1)) for mask in once)
    group = np.tile(np.arange(len(once[0])), 2)
    single = estimate(name, sample_of_masks(*once))
    grouped = estimate(name, sample_of_masks(truths, predictions, group))
    loose = estimate(name, sample_of_masks(truths, predictions))
    near = 0.25 if name in PERCENTILES else 1e-9
    assert grouped.value == loose.value == pytest.approx(single.value, rel=1e-3)
    assert single.sigma is not None
    assert grouped.sigma == pytest.approx(single.sigma, rel=near)
    assert loose.sigma == pytest.approx(single.sigma / math.sqrt(2), rel=near)


@pytest.mark.parametrize("name", NAMES)
def test_phi_says_what_one_more_event_changes(name: str) -> None:
    """Also for each event alone: the difference quotient of the metric by the event's weight."""
    truth, predicted, _, _ = masks()
    sample, metric = sample_of_masks(truth, predicted), METRICS[name]
    if metric.influence is None:
        assert metric.is_rough(sample, {})
        return
    phi = metric.influence(sample, {}).per_event(sample)
    assert phi.shape == (sample.n,)
    assert phi.sum() == pytest.approx(0, abs=1e-12)
    times, step = 10_000, np.ones(sample.n, np.int64)
    for event in range(0, sample.n, 37):
        weights = times * step
        weights[event] += 1
        assert metric.recount is not None
        change = metric.recount(sample, {})(weights) - metric.function(sample, {})
        assert change * times == pytest.approx(phi[event], rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_prediction_has_no_error(name: str) -> None:
    truth = masks()[0]
    result = estimate(name, sample_of_masks(truth, truth))
    assert (result.value, result.sigma) == (1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_one_event(name: str) -> None:
    result = estimate(name, sample_of_masks([[1, 2, 3, 0]], [[1, 2, 0, 3]]))
    assert result.bootstrap
    assert result.sigma == pytest.approx(0, abs=1e-15)
    assert result.n == 1
