"""Every cut on the score at once: metrics of the selections "score >= threshold"."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.binning import Floats, merged
from fivesigma_scoring.metric import Estimate
from fivesigma_scoring.selection.bootstrap import estimates
from fivesigma_scoring.selection.cells import Cells, Sample, few_background_events
from fivesigma_scoring.uncertainty import Chosen

MOST_REPLICATED, MOST_REPLICATED_IN_GROUPS = 12, 3
"""Thresholds whose sigma may come from replicas: a hundred times slower, far more in groups."""

Sigma = Callable[[Sample, Sequence[Chosen]], Sequence[Estimate]]


@dataclass(frozen=True)
class Scan:
    """Metrics of the selections "score >= threshold", for m increasing thresholds.

    Attributes
    ----------
    thresholds
        float64 (m,).
    values, sigmas
        float64 (m, metrics); sigma is 0 where it is not defined.
    known
        bool (m, metrics): the value is more than a lower bound.

    """

    thresholds: Floats
    values: Floats
    sigmas: Floats
    known: NDArray[np.bool_]

    @classmethod
    def replicated(
        cls, sample: Sample, score: Floats, thresholds: Floats, metrics: Sequence[Chosen]
    ) -> Self:
        """Each metric exactly as it is scored, from replicas where hardly any background passes.

        Of such thresholds, a few are kept.
        """
        cells = cells_at(sample, score, thresholds)
        rough = np.flatnonzero([few_background_events(replace(sample, cells=c)) for c in cells])
        kept = np.setdiff1d(np.arange(len(cells)), rough)
        if rough.size:
            most = MOST_REPLICATED if sample.group is None else MOST_REPLICATED_IN_GROUPS
            chosen = np.linspace(0, rough.size - 1, min(rough.size, most))
            kept = np.union1d(kept, rough[chosen.astype(np.int64)])
        return cls._of(
            sample, score, thresholds[kept], [cells[at] for at in kept], metrics, estimates
        )

    @classmethod
    def quick(
        cls, sample: Sample, score: Floats, thresholds: Floats, metrics: Sequence[Chosen]
    ) -> Self:
        """Each metric with its sigma from its influence function, however few events pass."""
        cells = cells_at(sample, score, thresholds)
        return cls._of(sample, score, thresholds, cells, metrics, _by_influence)

    @classmethod
    def _of(
        cls,
        sample: Sample,
        score: Floats,
        thresholds: Floats,
        cells: Sequence[Cells],
        metrics: Sequence[Chosen],
        sigma: Sigma,
    ) -> Self:
        rows = [
            sigma(replace(sample, chosen=np.flatnonzero(score >= threshold), cells=those), metrics)
            for threshold, those in zip(thresholds, cells, strict=True)
        ]
        return cls(
            thresholds,
            np.array([[one.value for one in row] for row in rows]),
            np.array([[one.sigma or 0.0 for one in row] for row in rows]),
            np.array([[not one.lower_bound for one in row] for row in rows]),
        )


def _by_influence(sample: Sample, metrics: Sequence[Chosen]) -> list[Estimate]:
    found = []
    for metric, options in metrics:
        value, bound = metric.function(sample, options), metric.is_bound(sample)
        assert metric.influence is not None, "metrics of the cells have one"
        variance = 0.0 if bound else metric.influence(sample, options).variance(sample)
        found.append(Estimate(value, math.sqrt(variance), sample.n, lower_bound=bound))
    return found


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
