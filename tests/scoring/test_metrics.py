"""Each metric against a plain loop over events, and properties that all of them share."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring import METRICS, InputRefusedError, score
from hypothesis import given, settings
from hypothesis import strategies as st

examples = settings(deadline=None, max_examples=50)

Event = tuple[bool, bool, float]


def sums(events: Sequence[Event]) -> tuple[float, float, float, float]:
    s = b = total_s = total_b = 0.0
    for truth, selected, weight in events:
        if truth:
            total_s += weight
            s += weight if selected else 0.0
        else:
            total_b += weight
            b += weight if selected else 0.0
    return s, b, total_s, total_b


def loop_accuracy(events: Sequence[Event]) -> float:
    correct = 0
    for truth, selected, _ in events:
        correct += truth == selected
    return correct / len(events)


def loop_ams(events: Sequence[Event]) -> float:
    s, b, _, _ = sums(events)
    total = b + 10
    return math.sqrt(max(2 * ((s + total) * math.log(1 + s / total) - s), 0))


def loop_ams3(events: Sequence[Event]) -> float:
    s, b, _, _ = sums(events)
    return s / math.sqrt(b + 10)


def loop_rejection(events: Sequence[Event]) -> float:
    _, b, _, total_b = sums(events)
    if b == 0:
        return total_b**2 / sum(weight**2 for truth, _, weight in events if not truth)
    return total_b / b


def loop_purity(events: Sequence[Event]) -> float:
    s, b, _, _ = sums(events)
    return s / (s + b) if s + b else 0.0


def loop_efficiency(events: Sequence[Event]) -> float:
    s, _, total_s, _ = sums(events)
    return s / total_s


ORACLES: dict[str, Callable[[Sequence[Event]], float]] = {
    "accuracy": loop_accuracy,
    "ams": loop_ams,
    "ams3": loop_ams3,
    "ams_systematic": loop_ams,
    "background_rejection": loop_rejection,
    "purity": loop_purity,
    "signal_efficiency": loop_efficiency,
}

weights = st.floats(0.01, 100)
event = st.tuples(st.booleans(), st.booleans(), weights)
samples = (
    st.lists(event, min_size=0, max_size=30)
    .flatmap(
        lambda events: st.tuples(
            st.just(events),
            st.tuples(st.just(True), st.booleans(), weights),
            st.tuples(st.just(False), st.booleans(), weights),
        )
    )
    .map(lambda parts: [*parts[0], parts[1], parts[2]])
)
metrics = st.sampled_from(sorted(ORACLES))


def value(name: str, events: Sequence[Event], **options: Any) -> float:
    truth, selected, weight = zip(*events, strict=True)
    return score(name, truth, selected, weight, **options).value


def test_every_metric_has_an_oracle() -> None:
    """Those of the score column have theirs in `test_scores`."""
    of_cells = [
        name
        for name, metric in METRICS.items()
        if metric.kind == "selection" and not metric.needs_score
    ]
    assert set(ORACLES) == set(of_cells)


@examples
@given(metrics, samples)
def test_plain_loop_agrees(name: str, events: list[Event]) -> None:
    assert value(name, events) == pytest.approx(ORACLES[name](events), rel=1e-9, abs=2e-6)


@examples
@given(metrics, samples, st.randoms())
def test_order_of_events_is_irrelevant(name: str, events: list[Event], random: object) -> None:
    shuffled = sorted(events, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert value(name, shuffled) == pytest.approx(value(name, events), rel=1e-12, abs=1e-12)


@examples
@given(st.sampled_from(["ams", "ams3", "ams_systematic", "purity", "signal_efficiency"]), samples)
def test_weight_two_is_the_event_twice(name: str, events: list[Event]) -> None:
    doubled = [(truth, selected, 2 * weight) for truth, selected, weight in events]
    expected = pytest.approx(value(name, [*events, *events]), rel=1e-12)
    assert value(name, doubled) == expected


@examples
@given(samples)
def test_weight_two_is_the_event_twice_for_rejection(events: list[Event]) -> None:
    """Only a bound on the rejection tells two events from one of double weight: n_eff does."""
    events = [*events, (False, True, 1.0)]
    doubled = [(truth, selected, 2 * weight) for truth, selected, weight in events]
    twice = value("background_rejection", [*events, *events])
    assert value("background_rejection", doubled) == pytest.approx(twice, rel=1e-12)


@examples
@given(samples)
def test_weighted_accuracy(events: list[Event]) -> None:
    doubled = [(truth, selected, 2.0) for truth, selected, _ in events]
    assert value("accuracy", doubled, weighted=True) == pytest.approx(loop_accuracy(events))
    right = sum(weight for truth, selected, weight in events if truth == selected)
    total = sum(weight for _, _, weight in events)
    assert value("accuracy", events, weighted=True) == pytest.approx(right / total)


@examples
@given(metrics, samples)
def test_weights_of_one_are_no_weights(name: str, events: list[Event]) -> None:
    truth, selected, _ = zip(*events, strict=True)
    ones = np.ones(len(events))
    assert score(name, truth, selected, ones) == score(name, truth, selected)


@examples
@given(metrics, samples)
def test_perfect_gets_the_best(name: str, events: list[Event]) -> None:
    perfect = [(truth, truth, weight) for truth, _, weight in events]
    best = METRICS[name].best
    reached = value(name, perfect)
    if best is not None:
        assert reached == best
    elif name != "background_rejection":
        assert reached >= value(name, events) * (1 - 1e-12)
    assert math.isfinite(reached)


@examples
@given(metrics, samples, st.booleans())
def test_finite_and_within_bounds(name: str, events: list[Event], fixed: bool) -> None:
    normalise = {"s": 692.0, "b": 411_000.0} if fixed else None
    truth, selected, weight = zip(*events, strict=True)
    estimate = score(name, truth, selected, weight, normalise=normalise)
    metric = METRICS[name]
    assert math.isfinite(estimate.value)
    assert estimate.n == len(events)
    assert metric.best is None or estimate.value <= metric.best
    assert metric.worst is None or estimate.value >= metric.worst
    assert (estimate.sigma is None) == estimate.lower_bound
    assert estimate.sigma is None or (math.isfinite(estimate.sigma) and estimate.sigma >= 0)


@examples
@given(
    metrics,
    st.lists(
        st.tuples(
            st.booleans(),
            st.booleans(),
            st.floats(-5, 9) | st.sampled_from([5e-324, 1e-310, -1e-200, 1e-160, 1e-20]),
        ),
        max_size=20,
    ),
)
def test_negative_weights_stay_finite(name: str, events: list[Event]) -> None:
    events = [*events, (True, True, 200.0), (False, False, 200.0)]
    truth, selected, weight = zip(*events, strict=True)
    estimate = score(name, truth, selected, weight)
    assert math.isfinite(estimate.value)
    assert estimate.sigma is None or math.isfinite(estimate.sigma)


@examples
@given(metrics, samples)
def test_normalisation_only_scales_the_classes(name: str, events: list[Event]) -> None:
    _, _, total_s, total_b = sums(events)
    scaled = [(t, sel, w * (700 / total_s if t else 4000 / total_b)) for t, sel, w in events]
    by_hand = value(name, scaled)
    assert value(name, events, normalise={"s": 700, "b": 4000}) == pytest.approx(by_hand, rel=1e-9)


def test_no_background_passing_is_a_lower_bound() -> None:
    estimate = score("background_rejection", [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 2])
    assert estimate.value == pytest.approx(16 / 6)
    assert estimate.lower_bound
    assert estimate.sigma is None


def test_a_vanishing_weight_passes_nothing() -> None:
    estimate = score("background_rejection", [1, 0, 0, 0], [1, 1, 0, 0], [1, 1e-310, 1, 2])
    assert estimate.lower_bound
    assert estimate.value == pytest.approx(9 / 5)


def test_nothing_selected() -> None:
    nothing = {name: score(name, [1, 0, 0], [0, 0, 0]) for name in ORACLES}
    assert {name: one.value for name, one in nothing.items()} == {
        "accuracy": 2 / 3,
        "ams": 0,
        "ams3": 0,
        "ams_systematic": 0,
        "background_rejection": 2,
        "purity": 0,
        "signal_efficiency": 0,
    }
    assert nothing["ams"].sigma == 0


@pytest.mark.parametrize(
    ("truth", "prediction"),
    [
        (["s", "b", "b"], ["S", " b", "s"]),
        ([True, False, False], ["true", "False", "TRUE"]),
        ([1, 0, 0], np.array([1.0, 0.0, 1.0])),
        (["1", "0", "0"], [1, 0, 1]),
    ],
)
def test_spellings_of_classes(truth: object, prediction: object) -> None:
    assert score("purity", truth, prediction).value == 0.5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (([1, 0], [1, 0, 1]), "wrong_row_count"),
        (([1, 0], [[1, 0]]), "wrong_shape"),
        (([1, 2], [1, 0]), "bad_class_label"),
        (([1, 0], ["s", "x"]), "bad_class_label"),
        (([1, 0], [1, np.nan]), "bad_class_label"),
        (([1, 0], [1, 0], [1.0]), "wrong_shape"),
        (([1, 0], [1, 0], [1.0, np.nan]), "not_finite"),
        (([1, 0], [1, 0], ["a", "b"]), "wrong_dtype"),
    ],
)
def test_arrays_that_do_not_fit(arguments: tuple[object, ...], code: str) -> None:
    with pytest.raises(InputRefusedError) as refused:
        score("ams", *arguments)  # type: ignore[arg-type]
    assert [finding.code for finding in refused.value.findings] == [code]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: score("amss", [1, 0], [1, 0]), "Unknown metric 'amss'; there are: accuracy, ams,"),
        (lambda: score("ams", [1, 1], [1, 0]), "There is no event of class b"),
        (
            lambda: score("ams", [1, 0], [1, 0], [0, 1]),
            "The weights of class s sum to 0, not above",
        ),
        (lambda: score("ams", [1, 0], [1, 0], [1, 1e200]), "There are weights beyond 1e+50"),
        (lambda: score("ams", [1, 0], [1, 0], [1e-300, 1]), "class s sum to less than 1e-50"),
        (lambda: score("ams", [1, 0], [1, 0], normalise={"t": 1}), "normalise names the class 't'"),
        (lambda: score("ams", [1, 0], [1, 0], normalise={"s": -1}), "declared total of class s"),
        (
            lambda: score("purity", [1, 0], [1, 0], bias=1),
            "purity has no option 'bias'; it knows: none.",
        ),
        (lambda: score("ams", [1, 0], [1, 0], regularisation=-1), "must be a number of at least 0"),
        (lambda: score("ams", [1, 0], [1, 0], regularisation=True), "must be a number, not True"),
        (lambda: score("accuracy", [1, 0], [1, 0], weighted=1), "must be true or false, not 1"),
    ],
)
def test_settings_that_do_not_fit(call: Callable[[], object], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        call()
