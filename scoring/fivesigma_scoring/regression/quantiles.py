"""Weighted quantiles that are NumPy's own where every weight is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.sums import dot


@dataclass(frozen=True)
class SortedValues:
    r"""Values in ascending order; sorted once, asked for many quantiles and replicas.

    Let X(s) be the value at the position s of a ruler of length W = sum w, on which event i takes
    the length w_i. The quantile q is the mean of X over the window [h, h + d] with

        d = min(1, sum w^2 / sum w),   h = q (W - d).

    - All weights one: W = n, d = 1, and the mean over [h, h + 1] is the straight line between the
      neighbours of position q (n - 1): NumPy's linear method, bit by bit.
    - Whole weights: sum w^2 >= sum w, hence d = 1: exactly the quantile of the repeated events.
    - Equal weights below one: d is that weight, and the quantile is that without weights; a common
      factor on weights that are small throughout changes nothing.
    - Always: it grows with q and with every value, lies between the smallest and the largest, and
      knows neither the order of equal values nor events of weight zero.

    Attributes
    ----------
    order
        Number of the event at each place, int (n,).
    value, weight
        float64 (n,), both in ascending order of the value.

    """

    order: NDArray[np.intp]
    value: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, value: NDArray[np.float64], weight: NDArray[np.float64]) -> Self:
        """Sort finite values, shape (n,), with the weights of their events, shape (n,).

        Raises
        ------
        ValueError
            A weight is negative, which leaves no order to take a quantile of.

        """
        if weight.min(initial=0.0) < 0:
            raise ValueError(
                "Medians and resolutions have no meaning with negative weights; use mae, rmse or "
                "bias, or a solution whose weights are all at least 0."
            )
        order = np.argsort(value)
        return cls(order, value[order], weight[order])

    def quantiles(
        self, shares: Sequence[float], draws: NDArray[np.int64] | None = None
    ) -> list[float]:
        """The quantile at each of `shares` (between 0 and 1), in the unit of the values.

        Parameters
        ----------
        shares
            Such as 0.5 for the median.
        draws
            How often each event counts, in the order given to `of`, int (n,); once by default.

        Returns
        -------
        list
            NaN where no event with a weight is left.

        """
        weight = self.weight if draws is None else self.weight * draws[self.order]
        end = np.cumsum(weight)
        if not (end.size and end[-1] > 0):
            return [float("nan")] * len(shares)
        window = min(1.0, dot(weight, self.weight) / float(end[-1]), float(end[-1]))
        return [self._mean(weight, end, share * (end[-1] - window), window) for share in shares]

    def _mean(
        self,
        weight: NDArray[np.float64],
        end: NDArray[np.float64],
        start: float,
        window: float,
    ) -> float:
        """Mean value over the window from `start`; event i lies between end[i-1] and end[i].

        Summed as differences to whichever end of the window holds more, as NumPy does.
        """
        last = int(np.searchsorted(end, end[-1]))
        low = min(int(np.searchsorted(end, start, side="right")), last)
        high = min(int(np.searchsorted(end, start + window)), last)
        if high < last and end[high] - window < start:  # start + window was rounded down
            high = int(np.searchsorted(end, end[high], side="right"))
        if high <= low:
            return float(self.value[low])
        covered = weight[low : high + 1].copy()
        covered[0] = end[low] - start
        covered[-1] = start - (end[high - 1] - window)
        value = self.value[low : high + 1]
        anchor = value[-1] if covered[-1] >= window / 2 else value[0]
        mean = anchor + dot(covered, value - anchor) / window
        return float(np.clip(mean, value[0], value[-1]))
