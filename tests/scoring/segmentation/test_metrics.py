"""Metrics of masks: plain loops, scikit-learn, properties, and examples computed by hand."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from fivesigma_scoring.segmentation.counts import Sample, sample_of_masks
from fivesigma_scoring.segmentation.metrics import class_of
from fivesigma_scoring.segmentation.registry import METRICS
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, recall_score

Pixel = tuple[int, int]
Event = list[Pixel]
"""True and predicted class of each pixel."""

CLASSES = 5
NAMES = [name for name in METRICS if class_of(name) is None] + ["class_recall_1", "class_recall_3"]

examples = settings(deadline=None, max_examples=60)
names = st.sampled_from(NAMES)
pixels = st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1))
events_of_pixels = st.lists(st.lists(pixels, max_size=15), max_size=12).map(
    lambda events: [*events, [(1, 0), (3, 3), (0, 1)]]
)
"""The last event makes sure that the classes 1 and 3 occur."""


def sample(events: Sequence[Event], classes: int = CLASSES) -> Sample:
    flat = np.array([pixel for event in events for pixel in event], np.uint8).reshape(-1, 2)
    offsets = np.concatenate([[0], np.cumsum([len(event) for event in events])])
    return Sample.of(flat[:, 0].copy(), flat[:, 1].copy(), offsets, classes)


def value(name: str, events: Sequence[Event]) -> float:
    return METRICS[name].function(sample(events), {})


def scored(events: Sequence[Event]) -> Event:
    return [(t, p) for event in events for t, p in event if t > 0]


def loop_accuracies(events: Sequence[Event]) -> list[float]:
    found = []
    for event in events:
        right = total = 0
        for t, p in event:
            if t > 0:
                total += 1
                right += t == p
        if total:
            found.append(right / total)
    return found


def loop_voxel_accuracy(events: Sequence[Event]) -> float:
    right = total = 0
    for t, p in scored(events):
        total += 1
        right += t == p
    return right / total


def loop_mean(events: Sequence[Event]) -> float:
    accuracies = loop_accuracies(events)
    return sum(accuracies) / len(accuracies)


def loop_percentile(percent: int) -> Callable[[Sequence[Event]], float]:
    def percentile(events: Sequence[Event]) -> float:
        ordered = sorted(loop_accuracies(events))
        place = (len(ordered) - 1) * percent / 100
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (place - below) * (ordered[above] - ordered[below])

    return percentile


def loop_recall(k: int) -> Callable[[Sequence[Event]], float]:
    def recall(events: Sequence[Event]) -> float:
        of_class = [p for t, p in scored(events) if t == k]
        return sum(p == k for p in of_class) / len(of_class)

    return recall


def loop_mean_iou(events: Sequence[Event]) -> float:
    found = []
    for k in sorted({t for t, _ in scored(events)}):
        both = sum(t == k and p == k for t, p in scored(events))
        either = sum(k in (t, p) for t, p in scored(events))
        found.append(both / either)
    return sum(found) / len(found)


def loop_macro_f1(events: Sequence[Event]) -> float:
    found = []
    for k in sorted({t for t, _ in scored(events)}):
        both = sum(t == k and p == k for t, p in scored(events))
        if both == 0:
            found.append(0.0)
            continue
        precision = both / sum(p == k for _, p in scored(events))
        recall = both / sum(t == k for t, _ in scored(events))
        found.append(2 * precision * recall / (precision + recall))
    return sum(found) / len(found)


ORACLES: dict[str, Callable[[Sequence[Event]], float]] = {
    "voxel_accuracy": loop_voxel_accuracy,
    "event_accuracy_mean": loop_mean,
    "event_accuracy_p50": loop_percentile(50),
    "event_accuracy_p80": loop_percentile(80),
    "class_recall_1": loop_recall(1),
    "class_recall_3": loop_recall(3),
    "mean_iou": loop_mean_iou,
    "macro_f1": loop_macro_f1,
}


def test_the_registry_holds_the_published_names() -> None:
    recalls = {f"class_recall_{k}" for k in range(1, 256)}
    assert set(METRICS) - recalls == set(ORACLES) - recalls
    assert recalls < set(METRICS)
    for name, metric in METRICS.items():
        assert (metric.name, metric.kind, metric.digits) == (name, "segmentation", 4)
        assert (metric.higher_is_better, metric.best, metric.worst) == (True, 1.0, 0.0)
        assert not metric.options
        assert not metric.needs_score
        assert metric.recount is not None
        assert (metric.influence is None) == name.startswith("event_accuracy_p")


def test_classes_of_recalls() -> None:
    assert [class_of(f"class_recall_{k}") for k in (1, 12, 255)] == [1, 12, 255]
    others = ["mean_iou", "class_recall_", "class_recall_0", "class_recall_01", "class_recall_x"]
    assert [class_of(name) for name in others] == [None] * 5
    assert class_of("class_recall_1\n") is None


def test_each_recall_is_of_its_class() -> None:
    """Of class k, one of k pixels is right."""
    events = [[(k, k if at == 0 else 0) for at in range(k)] for k in range(1, 256)]
    all_classes = sample(events, 256)
    for k in range(1, 256):
        assert METRICS[f"class_recall_{k}"].function(all_classes, {}) == 1 / k


@examples
@given(names, events_of_pixels)
def test_plain_loop_agrees(name: str, events: list[Event]) -> None:
    assert value(name, events) == pytest.approx(ORACLES[name](events), rel=1e-12)


@examples
@given(events_of_pixels)
def test_scikit_learn_agrees(events: list[Event]) -> None:
    truth, predicted = np.array(scored(events)).T
    labels = np.unique(truth)
    macro = {"labels": labels, "average": "macro", "zero_division": 0.0}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of unique classes")
        theirs = {
            "voxel_accuracy": accuracy_score(truth, predicted),
            "mean_iou": jaccard_score(truth, predicted, **macro),
            "macro_f1": f1_score(truth, predicted, **macro),
        }
        recalls = recall_score(truth, predicted, labels=labels, average=None)
    theirs |= {f"class_recall_{k}": each for k, each in zip(labels, recalls, strict=True)}
    for name, expected in theirs.items():
        assert value(name, events) == pytest.approx(expected, rel=1e-12), name


@examples
@given(names, events_of_pixels, st.randoms(use_true_random=False))
def test_order_of_events_and_pixels_is_irrelevant(
    name: str, events: list[Event], random: object
) -> None:
    shuffled = [sorted(event, key=lambda _: random.random()) for event in events]  # type: ignore[attr-defined]  # hypothesis hides its Random
    shuffled.sort(key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis hides its Random
    assert value(name, shuffled) == pytest.approx(value(name, events), rel=1e-12)


@examples
@given(names, events_of_pixels)
def test_bounds_and_direction(name: str, events: list[Event]) -> None:
    metric = METRICS[name]
    assert metric.worst is not None
    assert metric.best is not None
    assert metric.worst <= value(name, events) <= metric.best
    perfect = [[(t, t) for t, _ in event] for event in events]
    assert value(name, perfect) == metric.best
    assert metric.rank_key(value(name, perfect)) >= metric.rank_key(value(name, events))


@examples
@given(names, events_of_pixels)
def test_predicting_0_is_wrong(name: str, events: list[Event]) -> None:
    assert value(name, [[(t, 0) for t, _ in event] for event in events]) == 0


@examples
@given(names, events_of_pixels, st.lists(st.integers(0, CLASSES - 1), max_size=5))
def test_events_without_truth_are_skipped(
    name: str, events: list[Event], predicted: list[int]
) -> None:
    more = [[(0, p) for p in predicted], *events, []]
    assert value(name, more) == value(name, events)
    assert sample(more).skipped == sample(events).skipped + 2
    assert sample(more).n == sample(events).n == len(loop_accuracies(events))


@examples
@given(names, events_of_pixels, st.lists(st.integers(0, CLASSES - 1), max_size=5))
def test_predictions_where_the_truth_is_0_do_not_count(
    name: str, events: list[Event], predicted: list[int]
) -> None:
    more = [[*event, *((0, p) for p in predicted)] for event in events]
    assert value(name, more) == value(name, events)


@examples
@given(names, events_of_pixels, st.data())
def test_replicas_count_events_several_times(
    name: str, events: list[Event], data: st.DataObject
) -> None:
    """To the bit for percentiles: what NumPy says of the repeated values."""
    one, metric = sample(events), METRICS[name]
    draws = np.array(data.draw(st.lists(st.integers(0, 4), min_size=one.n, max_size=one.n)))
    assert metric.recount is not None
    found = metric.recount(one, {})(draws)
    kept = [event for event in events if scored([event])]
    repeated = [event for event, times in zip(kept, draws, strict=True) for _ in range(times)]
    k = class_of(name)
    if not any(t > 0 if k is None else t == k for t, _ in scored(repeated)):
        assert np.isnan(found)
        return
    assert found == pytest.approx(value(name, repeated), rel=1e-12)
    if name.startswith("event_accuracy_p"):
        percent = int(name[-2:])
        assert found == np.percentile(np.repeat(one.accuracies, draws), percent)


@pytest.mark.parametrize("events", [2, 7, 40, 10_000])
def test_percentiles_of_replicas_to_the_bit(events: int) -> None:
    random = np.random.default_rng(6)
    right = random.random((events, 97)) < random.random((events, 1))
    one = sample_of_masks(np.ones_like(right, np.uint8), right.astype(np.uint8))
    for name in ("event_accuracy_p50", "event_accuracy_p80"):
        recount = METRICS[name].recount
        assert recount is not None
        again = recount(one, {})
        for _ in range(50):
            draws = random.poisson(1.0, one.n)
            draws[0] += 1
            expected = np.percentile(np.repeat(one.accuracies, draws), int(name[-2:]))
            assert again(draws) == expected


@pytest.mark.parametrize("events", [2, 3])
def test_percentiles_between_two_events_to_the_bit(events: int) -> None:
    """From which of the two one starts makes a difference for a sixth of these."""
    draws = np.array([1, events - 1])
    for right in range(97):
        worse, better = [(1, 1)] * right + [(1, 0)] * (97 - right), [(1, 1)] * 97
        one = sample([worse, better])
        recount = METRICS["event_accuracy_p80"].recount
        assert recount is not None
        expected = np.percentile(np.repeat(one.accuracies, draws), 80)
        assert recount(one, {})(draws) == expected


def test_big_events_dominate_pooled_metrics_only() -> None:
    """90 right pixels in one event, 10 wrong ones in another: 0.9 pooled, 0.5 by event."""
    events = [[(1, 1)] * 90, [(1, 2)] * 10]
    assert value("voxel_accuracy", events) == 0.9
    assert value("class_recall_1", events) == 0.9
    assert value("event_accuracy_mean", events) == 0.5
    assert value("event_accuracy_p50", events) == 0.5
    assert value("event_accuracy_p80", events) == pytest.approx(0.8)
    assert value("mean_iou", events) == 0.9
    assert value("macro_f1", events) == pytest.approx(180 / 190)


def test_p80_by_hand() -> None:
    """Accuracies 0, 1/4, 1/2, 3/4, 1: position 3.2 lies a fifth of the way from 3/4 to 1."""
    events = [[(1, 1)] * right + [(1, 0)] * (4 - right) for right in (3, 0, 4, 1, 2)]
    assert value("event_accuracy_p80", events) == pytest.approx(0.8)
    assert value("event_accuracy_p50", events) == 0.5
    assert value("event_accuracy_mean", events) == 0.5


def test_p80_looks_at_the_good_end() -> None:
    """Fewer than a third of the events are right, the others all wrong: P80 = 1, median 0."""
    events = [[(1, 1)]] * 4 + [[(1, 2)]] * 9
    assert value("event_accuracy_p80", events) == 1
    assert value("event_accuracy_p50", events) == 0


def test_classes_by_hand() -> None:
    """Class 1: T = 4, P = 3, H = 2. Class 2: T = 2, P = 2, H = 1. Class 3 is only predicted."""
    events = [[(1, 1), (1, 1), (1, 0), (1, 3)], [(2, 2), (2, 1), (0, 2), (0, 1)]]
    events[1] += [(4, 2)]
    assert value("class_recall_1", events) == 0.5
    assert value("class_recall_2", events) == 0.5
    assert value("class_recall_4", events) == 0
    assert value("mean_iou", events) == pytest.approx((2 / 5 + 1 / 3 + 0) / 3)
    assert value("macro_f1", events) == pytest.approx((4 / 7 + 2 / 4 + 0) / 3)


@pytest.mark.parametrize("k", [2, 4, 5, 255])
def test_recall_of_a_class_that_the_truth_lacks(k: int) -> None:
    events = [[(1, 1), (3, 2)]]
    metric = METRICS[f"class_recall_{k}"]
    for function in (metric.function, metric.is_rough, metric.recount, metric.influence):
        assert function is not None
        with pytest.raises(ValueError, match=f"No pixel of the truth is of class {k}, so"):
            function(sample(events), {})
