"""Intervals: score of 68.27 % intervals by their width and by how often they hold the truth."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fivesigma_scoring.metric import Estimate
from fivesigma_scoring.regression.sample import as_values
from fivesigma_scoring.report import Finding, InputRefusedError
from fivesigma_scoring.sums import dot
from fivesigma_scoring.uncertainty import row_draws, spread

WANTED = 0.6827
FLOOR = 1e-3
"""Added to the width, so that the score of intervals without any stays finite."""


@dataclass(frozen=True)
class _Intervals:
    """Whether each interval holds its truth, bool (n,), and how wide it is, float64 (n,)."""

    covered: NDArray[np.bool_]
    width: NDArray[np.float64]
    group: NDArray[np.int64] | None = None

    @property
    def n(self) -> int:
        return int(self.width.size)


def coverage_score(truth: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Estimate:
    """-ln((w + 1e-3) f), larger is better: narrow intervals that cover as often as they claim.

    w is the mean of abs(upper - lower), c the share of lower <= truth <= upper, and f the penalty
    of `coverage_penalty`. An interval whose ends are swapped covers nothing. The sampling error
    is that of 200 seeded Poisson replicas: the penalty has kinks. On the plateau the few replicas
    off it make most of the error, which is then known to a factor of about two only.

    Source: Bhimji et al., FAIR Universe HiggsML uncertainty challenge, arXiv:2410.02867.

    Parameters
    ----------
    truth
        True values, shape (n,), in units in which 1e-3 is narrow.
    lower, upper
        Ends of the 68.27 % intervals (16th and 84th percentile), shape (n,).

    Raises
    ------
    InputRefusedError
        Arrays of another shape or type, of different lengths, or with values that are not finite
        or beyond 1e50.
    ValueError
        There is no interval.

    Examples
    --------
    >>> round(coverage_score([0.1, 0.5, 0.9], [0, 0, 0], [1, 1, 0.5]).value, 3)
    0.181

    """
    intervals = _checked(truth, lower, upper)
    values = np.array([_value(intervals, draws) for draws in row_draws(intervals)])
    value = _value(intervals, np.ones(intervals.n, np.int64))
    return Estimate(value, spread(values), intervals.n, bootstrap=True)


def coverage_penalty(covered: int, n: int) -> float:
    """1 inside 0.6827 +- 2 sigma68, else 1 + (distance to that band / sigma68)^k.

    k = 4 below the band and 3 above; sigma68 = sqrt(0.3173 * 0.6827 * n) / n.

    Parameters
    ----------
    covered, n
        How many of n intervals hold their truth; n at least 1.

    """
    sigma = math.sqrt((1 - WANTED) * WANTED * n) / n
    coverage = covered / n
    below, above = WANTED - 2 * sigma - coverage, coverage - WANTED - 2 * sigma
    if below > 0:
        return float(1 + (below / sigma) ** 4)
    return float(1 + (max(above, 0.0) / sigma) ** 3)


def _value(intervals: _Intervals, draws: NDArray[np.int64]) -> float:
    """The score where each interval counts `draws` times; NaN where none does."""
    n = int(draws.sum())
    if n == 0:
        return float("nan")
    penalty = coverage_penalty(int(draws @ intervals.covered), n)
    return -math.log((dot(draws.astype(np.float64), intervals.width) / n + FLOOR) * penalty)


def _checked(truth: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> _Intervals:
    names = ("truth", "lower", "upper")
    true, low, high = map(_column, (truth, lower, upper), names)
    for name, ends in (("lower", low), ("upper", high)):
        if ends.size != true.size:
            text = f"{name} has {ends.size:,} entries, truth has {true.size:,}."
            raise InputRefusedError(Finding("wrong_row_count", "error", text))
    if not true.size:
        raise ValueError("There is no interval to score.")
    return _Intervals((low <= true) & (true <= high), np.abs(high - low))


def _column(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = as_values(values, name)
    if array.shape[1] != 1:
        text = f"{name} has {array.shape[1]} columns; give one value per interval, shape (n,)."
        raise InputRefusedError(Finding("wrong_shape", "error", text))
    return array[:, 0]
