"""Weighted quantiles: NumPy's own, repeated events, and a definition written out once more."""

import numpy as np
import pytest
from fivesigma_scoring.regression.quantiles import SortedValues
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

Pair = tuple[float, float]

examples = settings(deadline=None, max_examples=60)
values = st.sampled_from([-2.0, 0.0, -0.0, 0.5, 3.0, 1e50]) | st.floats(-1e3, 1e3)
shares = st.sampled_from([0.0, 0.1587, 0.5, 0.8413, 1.0]) | st.floats(0, 1)
weights = st.sampled_from([0.0, 0.5, 1.0, 2.0]) | st.floats(1e-3, 1e3)
pairs = st.lists(st.tuples(values, weights), max_size=30).flatmap(
    lambda some: st.tuples(values, st.floats(0.01, 10)).map(lambda last: [*some, last])
)
counts = st.lists(st.tuples(values, st.integers(0, 5)), max_size=30).flatmap(
    lambda some: st.tuples(values, st.integers(1, 5)).map(lambda last: [*some, last])
)


def sorted_values(some: list[Pair]) -> SortedValues:
    value, weight = np.array(some, float).T
    return SortedValues.of(value, weight)


def quantile(some: list[Pair], share: float) -> float:
    return sorted_values(some).quantiles([share])[0]


def size(some: list[Pair]) -> float:
    """What rounding is relative to: differences of values may cancel."""
    return 1e-9 * max(abs(value) for value, weight in some if weight)


def window_mean(some: list[Pair], share: float) -> float:
    """The definition as a plain loop over the ruler."""
    total = sum(weight for _, weight in some)
    window = min(1.0, sum(weight**2 for _, weight in some) / total)
    start, at, mean = share * (total - window), 0.0, 0.0
    for value, weight in sorted(some):
        overlap = min(at + weight, start + window) - max(at, start)
        mean += max(overlap, 0.0) / window * value
        at += weight
    return mean


@examples
@given(st.lists(values, min_size=1, max_size=40), shares)
def test_weights_of_one_are_numpys_linear_method_bit_by_bit(
    some: list[float], share: float
) -> None:
    ones = [(value, 1.0) for value in some]
    assert quantile(ones, share) == np.quantile(some, share)
    expected = stats.quantile(some, share, method="linear")
    assert quantile(ones, share) == pytest.approx(expected, rel=1e-12, abs=size(ones))


@examples
@given(counts, shares)
def test_whole_weights_are_repeated_events_bit_by_bit(some: list[Pair], share: float) -> None:
    repeated = [value for value, count in some for _ in range(int(count))]
    assert quantile(some, share) == np.quantile(repeated, share)


@examples
@given(pairs, shares)
def test_the_definition_as_a_plain_loop(some: list[Pair], share: float) -> None:
    assert quantile(some, share) == pytest.approx(
        window_mean(some, share), rel=1e-9, abs=size(some)
    )


@examples
@given(pairs, shares, st.randoms())
def test_order_of_events_is_irrelevant(some: list[Pair], share: float, random: object) -> None:
    """Equal values with unequal weights too."""
    mixed = sorted(some, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis hides its Random
    assert quantile(mixed, share) == pytest.approx(quantile(some, share), rel=1e-9, abs=size(some))


@examples
@given(pairs, shares, st.lists(values, max_size=10))
def test_events_of_weight_zero_do_not_matter_at_all(
    some: list[Pair], share: float, others: list[float]
) -> None:
    heavy = [(value, weight) for value, weight in some if weight]
    assert quantile([*((value, 0.0) for value in others), *heavy], share) == pytest.approx(
        quantile(heavy, share), rel=1e-12, abs=1e-3 * size(some)
    )


@examples
@given(pairs, shares, shares)
def test_it_grows_with_the_share_and_stays_among_the_values(
    some: list[Pair], first: float, second: float
) -> None:
    low, high = sorted_values(some).quantiles(sorted([first, second]))
    assert low <= high + size(some)
    heavy = [value for value, weight in some if weight]
    assert min(heavy) <= low <= max(heavy)
    assert min(heavy) <= high <= max(heavy)


@examples
@given(pairs, shares, st.integers(0, 30), st.floats(0, 100))
def test_it_grows_with_each_value(some: list[Pair], share: float, which: int, more: float) -> None:
    at = which % len(some)
    raised = [*some[:at], (some[at][0] + more, some[at][1]), *some[at + 1 :]]
    assert quantile(raised, share) >= quantile(some, share) - size(some)


@examples
@given(st.lists(values, min_size=1, max_size=30), shares, st.floats(1e-6, 1))
def test_equal_weights_below_one_are_none(some: list[float], share: float, weight: float) -> None:
    expected = np.quantile(some, share)
    pairs = [(value, weight) for value in some]
    assert quantile(pairs, share) == pytest.approx(expected, rel=1e-9, abs=size(pairs))


@examples
@given(pairs, shares, st.floats(1e-6, 1))
def test_a_common_factor_on_small_weights_changes_nothing(
    some: list[Pair], share: float, factor: float
) -> None:
    small = [(value, weight / 1e3) for value, weight in some]
    scaled = [(value, weight * factor) for value, weight in small]
    expected = quantile(small, share)
    assert quantile(scaled, share) == pytest.approx(expected, rel=1e-6, abs=1e3 * size(some))


@examples
@given(pairs, shares, st.lists(st.integers(0, 4), min_size=31, max_size=31))
def test_an_event_drawn_often_is_there_often(
    some: list[Pair], share: float, many: list[int]
) -> None:
    draws = np.array([*many[: len(some) - 1], 1 + many[-1]])
    repeated = [pair for pair, times in zip(some, draws, strict=True) for _ in range(times)]
    result = sorted_values(some).quantiles([share], draws)[0]
    assert result == pytest.approx(quantile(repeated, share), rel=1e-9, abs=size(some))


def test_weights_shift_the_median() -> None:
    """By hand: the ruler is 4.5 long, the window [1.75, 2.75] holds 0.25 of b and 0.75 of c."""
    assert quantile([(10.0, 0.5), (20.0, 1.5), (30.0, 2.5)], 0.5) == pytest.approx(27.5)


def test_an_event_of_almost_no_weight_moves_almost_nothing() -> None:
    some = [(float(at), 1.0) for at in range(100)]
    for share in (0.1587, 0.5, 0.8413):
        expected = pytest.approx(quantile(some, share), abs=1e-6)
        assert quantile([*some, (1e4, 1e-9), (50.2, 1e-9)], share) == expected


def test_many_weighted_events_give_the_quantile_of_their_distribution() -> None:
    """Uniform values weighted by the density of a Gaussian."""
    grid: NDArray[np.float64] = np.linspace(-6, 6, 20_001)
    some = SortedValues.of(grid, stats.norm.pdf(grid))
    for share in (0.1587, 0.5, 0.8413):
        assert some.quantiles([share])[0] == pytest.approx(stats.norm.ppf(share), abs=1e-3)


@pytest.mark.parametrize("weight", [1e-49, 1e-200, 1e-320, 1e49])
def test_extreme_weights_stay_among_the_values(weight: float) -> None:
    some = [(1.0, weight), (2.0, weight), (4.0, weight)]
    for share in (0.0, 0.1587, 0.5, 0.8413, 1.0):
        assert 1 <= quantile([(9.0, 0.0), (0.0, 0.0), *some], share) <= 4


def test_rounding_loses_no_neighbour() -> None:
    """Position 1e-50 plus a window of one rounds to one."""
    assert quantile([(0.0, 1.0), (0.5, 1.0)], 1e-50) == 5e-51


def test_rounding_leads_to_no_value_beyond_the_largest() -> None:
    light = [0.081, 0.045, 0.005, 0.3]
    same = [(100.56080705335903, weight) for weight in light]
    assert quantile([(30.684664245492478, 1.0000000000000001e-19), *same], 0.0) <= same[0][0]


def test_a_weight_without_a_square_leads_to_no_weightless_event() -> None:
    """The square of 2e-162 is rounded up so far that the window is wider than the ruler."""
    assert quantile([(0.0, 0.0), (5.0, 2e-162)], 0.5) == 5


def test_nothing_drawn_has_no_quantile() -> None:
    some = sorted_values([(1.0, 1.0), (2.0, 0.0)])
    assert np.isnan(some.quantiles([0.5, 0.8], np.array([0, 3]))).tolist() == [True, True]
    assert np.isnan(SortedValues.of(np.empty(0), np.empty(0)).quantiles([0.5])).all()


def test_negative_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="no meaning with negative weights; use mae, rmse or bias"):
        sorted_values([(1.0, 1.0), (2.0, -1e-9)])
