"""Every cut on the score at once: metrics of the selections "score >= threshold"."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.binning import Floats, merged
from fivesigma_scoring.metric import Estimate
from fivesigma_scoring.selection.bootstrap import estimates
from fivesigma_scoring.selection.cells import Cells, Sample
from fivesigma_scoring.uncertainty import Chosen


@dataclass(frozen=True)
class Scan:
    """Metrics of the selections "score >= threshold", for m increasing thresholds (m,)."""

    thresholds: Floats
    estimates: Sequence[Sequence[Estimate]]

    @classmethod
    def of(
        cls, sample: Sample, score: Floats, thresholds: Floats, metrics: Sequence[Chosen]
    ) -> Self:
        """Each metric with its sampling error at each threshold, (m, metrics)."""
        cuts = zip(thresholds, cells_at(sample, score, thresholds), strict=True)
        return cls(
            thresholds,
            [
                estimates(replace(sample, selected=score >= threshold, cells=cells), metrics)
                for threshold, cells in cuts
            ],
        )

    def values(self, metric: int) -> Floats:
        """Values of a metric, (m,)."""
        return np.array([row[metric].value for row in self.estimates])

    def sigmas(self, metric: int) -> Floats:
        """One standard deviation each, (m,), 0 where it is not defined."""
        return np.array([row[metric].sigma or 0.0 for row in self.estimates])

    def known(self, metric: int) -> NDArray[np.bool_]:
        """Where the value is more than a lower bound, (m,)."""
        return np.array([not row[metric].lower_bound for row in self.estimates])


def cells_at(sample: Sample, score: Floats, thresholds: Floats) -> list[Cells]:
    """The four cells of "score >= threshold" for increasing thresholds, in one pass."""
    bins = thresholds.size + 1
    code = np.searchsorted(thresholds, score, side="right") * 2 + sample.truth

    def cells(values: Floats | None, totals: Floats) -> Floats:
        sums = np.bincount(code, values, 2 * bins).reshape(bins, 2)
        passing = sums[::-1].cumsum(axis=0)[::-1][1:]
        return np.stack([totals.sum(axis=1) - passing, passing], axis=-1)

    now = sample.cells
    count = cells(None, now.count)
    weight = cells(sample.weight, now.weight)
    square = np.maximum(cells(sample.weight**2, now.square), 0.0)
    return [
        replace(now, count=n, weight=w, square=q)
        for n, w, q in zip(count, weight, square, strict=True)
    ]


def thresholds_of(score: Floats, counted: NDArray[np.bool_], wanted: Floats, least: int) -> Floats:
    """Increasing thresholds near the `wanted` ones, with `least` events from one to the next.

    The loosest passes everything; counted from the tightest, which itself passes `least` events.
    """
    candidates = np.unique(np.append(wanted, score.min()))
    between = np.searchsorted(candidates, score[counted], side="right") - 1
    counts = np.bincount(between, minlength=candidates.size)
    kept = merged(counts[::-1], least)[1:]
    return candidates[candidates.size - kept[::-1]]


def your_cut(sample: Sample, score: Floats) -> float | None:
    """The least score of the selected events, where these are all that score so much."""
    if not sample.selected.any() or sample.selected.all():
        return None
    lowest = float(score[sample.selected].min())
    return None if (score[~sample.selected] >= lowest).any() else lowest
