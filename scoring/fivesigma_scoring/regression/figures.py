"""Figures of regressions: residuals, and how they change with the true value."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.binning import Detail, Floats, bin_edges, bin_numbers, physical_events
from fivesigma_scoring.figures import Figure, Maker, finished
from fivesigma_scoring.layers import Curve, Mark, Points, Steps
from fivesigma_scoring.regression.quantiles import SortedValues
from fivesigma_scoring.regression.sample import Sample

CENTRAL = (0.1587, 0.5, 0.8413)
MOST_TRUTH_BINS = 25
EVENTS_A_TRUTH_BIN = 100
OF_RESOLUTION = 0.962
"""Error of (q84 - q16) / 2 in units of sigma / sqrt(n), for Gaussian residuals."""


def figures(sample: Sample, detail: Detail, targets: Sequence[str] = ()) -> list[Figure]:
    """All figures of a regression that may be seen with `detail`.

    Parameters
    ----------
    sample
        The events of one split.
    detail
        Who looks.
    targets
        Names of the target columns.

    """
    columns = sample.truth.shape[1]
    names = [*targets, *(f"target {k + 1}" for k in range(len(targets), columns))][:columns]
    makers: list[Maker] = []
    for at, name in enumerate(names):
        suffix = f"_{at + 1}" if columns > 1 else ""
        target = _Target(sample, detail, at, name if columns > 1 or targets else "", suffix)
        makers += [
            partial(_residuals, target),
            partial(_response, target),
            partial(_resolution, target),
        ]
    return finished(makers)


@dataclass(frozen=True)
class _Target:
    """One target column."""

    sample: Sample
    detail: Detail
    at: int
    name: str
    suffix: str

    @property
    def truth(self) -> Floats:
        return self.sample.truth[:, self.at]

    @property
    def residual(self) -> Floats:
        return self.sample.residual[:, self.at]

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        return physical_events(self.sample.group, self.sample.n)

    @property
    def difference(self) -> str:
        return f"Prediction − truth{self.of}"

    @property
    def of(self) -> str:
        return f", {self.name}" if self.name else ""

    @cached_property
    def in_bins(self) -> "_InBins | None":
        return _in_bins(self)

    def central(self, rows: NDArray[np.bool_]) -> list[float]:
        """The quantiles 15.87, 50 and 84.13 % of the residuals of some events."""
        return SortedValues.of(self.residual[rows], self.sample.weight[rows]).quantiles(CENTRAL)


def _residuals(target: _Target) -> Figure | None:
    residual, weight, detail = target.residual, target.sample.weight, target.detail
    edges = bin_edges(residual, target.counted, detail)
    if edges.size < 2:
        return None
    number, bins = bin_numbers(edges, residual), edges.size - 1
    narrowest = float(np.diff(edges).min())
    scale = narrowest / np.diff(edges)
    heights = np.bincount(number, weight, bins) * scale
    errors = np.sqrt(np.bincount(number, weight**2, bins)) * scale
    bias = detail.rounded_one(np.average(residual, weights=weight))
    weighted = "" if (weight == 1).all() else "Weighted events"
    return Figure(
        f"residuals{target.suffix}",
        f"Residuals{target.of}",
        target.difference,
        f"{weighted or 'Events'} / {narrowest:.3g}",
        [
            Steps(edges, detail.rounded(heights), detail.rounded(errors), weighted or "Events"),
            Mark(x=bias, label=f"Bias {bias:.3g}"),
        ],
        "The outermost bins hold what lies beyond.",
    )


def _truth_bins(target: _Target) -> tuple[Floats, NDArray[np.int64]]:
    """Edges of bins of the truth, and the bin of each event."""
    counted = target.counted
    wanted = int(np.clip(counted.sum() // EVENTS_A_TRUTH_BIN, 1, MOST_TRUTH_BINS))
    edges = bin_edges(target.truth, counted, target.detail, wanted)
    return edges, bin_numbers(edges, target.truth) if edges.size > 1 else np.empty(0, np.int64)


@dataclass(frozen=True)
class _InBins:
    """Residuals in bins of the truth; all arrays (m,), bins without events left out."""

    middle: Floats
    half: Floats
    mean: Floats
    mean_error: Floats
    low: Floats
    median: Floats
    high: Floats
    effective: Floats

    @property
    def resolution(self) -> Floats:
        """Half the width that holds the central 68 % of the events."""
        return (self.high - self.low) / 2


def _in_bins(target: _Target) -> _InBins | None:
    edges, number = _truth_bins(target)
    if edges.size < 2 or (target.sample.weight < 0).any():
        return None
    rows = []
    for at, (low, high) in enumerate(pairwise(edges)):
        inside = number == at
        weight = target.sample.weight[inside]
        if weight.sum() > 0:
            place = ((low + high) / 2, (high - low) / 2)
            rows.append((*place, *_moments(target, inside, weight)))
    return _InBins(*np.array(rows).T) if rows else None


def _moments(target: _Target, inside: NDArray[np.bool_], weight: Floats) -> tuple[float, ...]:
    residual = target.residual[inside]
    share = weight / weight.sum()
    mean = float(share @ residual)
    error = float(np.sqrt(share**2 @ (residual - mean) ** 2))
    low, median, high = target.central(inside)
    return mean, error, low, median, high, float(1 / (share @ share))


def _response(target: _Target) -> Figure | None:
    found = target.in_bins
    if found is None:
        return None
    rounded = target.detail.rounded
    low, median, high = (rounded(y) for y in (found.low, found.median, found.high))
    return Figure(
        f"response{target.suffix}",
        f"Response{target.of}",
        f"Truth{target.of}",
        target.difference,
        [
            Mark(y=0.0),
            Curve(found.middle, median, low, high, "Median and central 68 %"),
            Points(
                found.middle, rounded(found.mean), found.half, rounded(found.mean_error), "Mean"
            ),
        ],
        "The outermost bins hold what lies beyond.",
    )


def _resolution(target: _Target) -> Figure | None:
    found = target.in_bins
    if found is None:
        return None
    error = OF_RESOLUTION * found.resolution / np.sqrt(found.effective)
    return Figure(
        f"resolution{target.suffix}",
        f"Resolution{target.of}",
        f"Truth{target.of}",
        f"68 % resolution{target.of}",
        [
            Points(
                found.middle,
                target.detail.rounded(found.resolution),
                found.half,
                target.detail.rounded(error),
            )
        ],
        "(q84 − q16) / 2 of the residuals in each bin; the error is that of Gaussian ones.",
    )
