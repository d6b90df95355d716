"""The coverage score: by hand, as a plain loop, on and off its plateau, and its error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring import InputRefusedError, coverage_score, uncertainty
from fivesigma_scoring.interval import coverage_penalty
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

Interval = tuple[float, float, float]
"""Truth, lower end, upper end."""

REPLICAS = 4000
examples = settings(deadline=None, max_examples=40)
numbers = st.sampled_from([0.0, 1.0, -2.0]) | st.floats(-1e3, 1e3)
intervals = st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=50)


def loop_score(some: Sequence[Interval]) -> float:
    n, covered, width = len(some), 0, 0.0
    for truth, lower, upper in some:
        covered += lower <= truth <= upper
        width += abs(upper - lower) / n
    sigma = math.sqrt(0.3173 * 0.6827 * n) / n
    coverage, penalty = covered / n, 1.0
    if coverage < 0.6827 - 2 * sigma:
        penalty = 1 + abs((coverage - (0.6827 - 2 * sigma)) / sigma) ** 4
    elif coverage > 0.6827 + 2 * sigma:
        penalty = 1 + abs((coverage - (0.6827 + 2 * sigma)) / sigma) ** 3
    return -math.log((width + 1e-3) * penalty)


def covering(covered: int, n: int, width: float = 1.0) -> float:
    """The score where `covered` of n intervals of one width hold their truth."""
    truth = np.where(np.arange(n) < covered, 0.0, 2 * width)
    return coverage_score(truth, np.full(n, -width / 2), np.full(n, width / 2)).value


@examples
@given(intervals)
def test_plain_loop_agrees(some: list[Interval]) -> None:
    result = coverage_score(*zip(*some, strict=True))
    assert result.value == pytest.approx(loop_score(some), rel=1e-9, abs=1e-9)
    assert result.n == len(some)
    assert result.bootstrap
    assert result.sigma is not None
    assert math.isfinite(result.sigma)
    assert result.sigma >= 0


@examples
@given(intervals, st.randoms())
def test_order_is_irrelevant(some: list[Interval], random: object) -> None:
    mixed = sorted(some, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis hides its Random
    expected = pytest.approx(coverage_score(*zip(*some, strict=True)).value, rel=1e-9, abs=1e-9)
    assert coverage_score(*zip(*mixed, strict=True)).value == expected


@pytest.mark.parametrize(
    ("covered", "penalty"),
    [
        (0, 438_198_166.56),
        (6000, 61_828.681951),
        (6733, 1.000000149338),
        (6734, 1),
        (6827, 1),
        (6920, 1),
        (6921, 1.00000759675),
        (7000, 6.062137883),
        (10_000, 289_779.53),
    ],
)
def test_penalty_of_ten_thousand(covered: int, penalty: float) -> None:
    """sigma68 = sqrt(0.3173 * 0.6827 / 10,000) = 0.0046543; the plateau is [0.67339, 0.69201]."""
    assert coverage_penalty(covered, 10_000) == pytest.approx(penalty, rel=1e-9)


def test_by_hand() -> None:
    """Three of four: sigma68 is 0.2327, so all but 0 of 4 and 4 of 4 are not far off."""
    result = coverage_score([1.0, 2.0, 3.0, 9.0], [0.5, 1.0, 3.0, 3.5], [1.0, 2.5, 4.0, 4.5])
    assert result.value == pytest.approx(-math.log(1.0 + 1e-3))
    below = coverage_score([9.0] * 4, [0.0] * 4, [0.5] * 4)
    assert below.value == pytest.approx(-math.log(0.501 * 1.759900390196), rel=1e-9)


def test_on_the_plateau_only_the_width_counts() -> None:
    assert {covering(covered, 1000) for covered in range(654, 713)} == {-math.log(1.001)}
    assert covering(653, 1000) < covering(654, 1000)
    assert covering(713, 1000) < covering(712, 1000)
    assert covering(683, 1000, width=0.5) == pytest.approx(-math.log(0.501))


def test_off_the_plateau_it_falls_with_the_distance() -> None:
    below = [covering(covered, 1000) for covered in range(0, 654, 50)]
    above = [covering(covered, 1000) for covered in range(713, 1001, 20)]
    assert below == sorted(below)
    assert above == sorted(above, reverse=True)


def test_too_narrow_is_worse_than_too_wide() -> None:
    """The same distance to the plateau, three sigma68: 3^4 below, 3^3 above."""
    sigma = math.sqrt(0.3173 * 0.6827 / 10**8)
    below, above = (round(10**8 * (0.6827 + side * 5 * sigma)) for side in (-1, 1))
    assert coverage_penalty(below, 10**8) == pytest.approx(1 + 3**4, rel=1e-3)
    assert coverage_penalty(above, 10**8) == pytest.approx(1 + 3**3, rel=1e-3)


def test_ends_belong_to_the_interval_and_swapped_ends_cover_nothing() -> None:
    n = 100
    ends = np.arange(n) % 2
    assert covering_of(ends, np.zeros(n), np.ones(n)) == coverage_penalty(n, n)
    assert covering_of(np.full(n, 0.5), np.ones(n), np.zeros(n)) == coverage_penalty(0, n)


def covering_of(truth: NDArray[Any], lower: NDArray[Any], upper: NDArray[Any]) -> float:
    """The penalty, where every interval has the width 1."""
    return pytest.approx(math.exp(-coverage_score(truth, lower, upper).value) / 1.001)


def test_intervals_without_width_stay_finite() -> None:
    assert covering(1, 1, width=0.0) == pytest.approx(-math.log(1e-3))


@pytest.mark.parametrize("share", [0.55, 0.655, 0.73])
def test_sigma_agrees_with_replicas(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far below the plateau, at its kink, and above."""
    n = 2000
    random = np.random.default_rng(6)
    lower, upper = -random.uniform(0.1, 1, n), random.uniform(0.1, 1, n)
    truth = np.where(np.arange(n) < share * n, 0.0, 5.0)
    result = coverage_score(truth, lower, upper)
    assert result == coverage_score(truth, lower, upper)
    values = [
        -math.log((width + 1e-3) * coverage_penalty(covered, total))
        for total, covered, width in _drawn(truth, lower, upper)
    ]
    assert result.sigma == pytest.approx(np.std(values, ddof=1), rel=4 / math.sqrt(2 * 200))
    monkeypatch.setattr(uncertainty, "REPLICAS", REPLICAS)
    many = coverage_score(truth, lower, upper)
    assert many.sigma == pytest.approx(np.std(values, ddof=1), rel=0.05)


@pytest.mark.parametrize("share", [0.655, 0.68, 0.73])
def test_sigma_is_that_of_the_score_of_what_was_drawn(share: float) -> None:
    """On the plateau too, where the few replicas off it make most of the error."""
    n = 200
    ends = np.random.default_rng(6).uniform(0.1, 1, (2, n))
    truth = np.where(np.arange(n) < share * n, 0.0, 5.0)
    some = list(zip(truth, -ends[0], ends[1], strict=True))
    values = []
    for counts in uncertainty.row_draws(_Rows(n)):
        drawn = [row for row, times in zip(some, counts, strict=True) for _ in range(times)]
        values.append(loop_score(drawn))
    result = coverage_score(truth, -ends[0], ends[1])
    assert len(values) == 200
    assert result.sigma == pytest.approx(np.std(values, ddof=1), rel=1e-9)


@dataclass(frozen=True)
class _Rows:
    n: int
    group: None = None


def _drawn(
    truth: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> list[tuple[int, int, float]]:
    """Number, number covered and mean width of replicas."""
    random = np.random.default_rng(12)
    covered = (lower <= truth) & (truth <= upper)
    found = []
    for _ in range(8):
        counts = random.poisson(1.0, (REPLICAS // 8, truth.size))
        total = counts.sum(axis=1)
        width = counts @ (upper - lower) / total
        rows = zip(total.tolist(), (counts @ covered).tolist(), width.tolist(), strict=True)
        found.extend(rows)
    return found


REFUSED: dict[str, tuple[Any, Any, Any, str, str]] = {
    "lower too short": ([1, 2], [0], [3, 3], "wrong_row_count", "lower has 1 entries, truth has 2"),
    "upper too long": ([1, 2], [0, 0], [3, 3, 3], "wrong_row_count", "upper has 3 entries"),
    "words": ([1], [0], ["a"], "wrong_dtype", "upper must hold numbers"),
    "two columns": ([1, 1], [0, 0], [[1, 2], [1, 2]], "wrong_shape", "upper has 2 columns"),
    "not finite": ([1], [np.nan], [3], "not_finite", "lower has NaN or infinite values"),
    "infinite": ([1], [-np.inf], [np.inf], "not_finite", "lower has NaN or infinite values"),
    "too large": ([1], [-1e60], [3], "out_of_range", "lower has values beyond"),
}


@pytest.mark.parametrize(("truth", "lower", "upper", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_refused(truth: Any, lower: Any, upper: Any, code: str, text: str) -> None:
    with pytest.raises(InputRefusedError, match=text) as caught:
        coverage_score(truth, lower, upper)
    assert caught.value.findings[0].code == code


def test_no_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="no interval to score"):
        coverage_score([], [], [])
