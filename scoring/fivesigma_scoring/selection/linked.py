"""A shifted variant of a selection: its weights hang on the nominal rows through two factors.

f_c = T_c / (sum of w over the nominal rows of class c) brings the nominal rows to their declared
total T_c, and scales the variant, whose own sums stay what its acceptance makes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.metric import Influence, Metric, Options
from fivesigma_scoring.selection.cells import TINY, CellInfluence, Cells, Sample
from fivesigma_scoring.selection.systematic import SquareInfluence
from fivesigma_scoring.uncertainty import Chosen, recount_of
from fivesigma_scoring.variants import Recounts

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Linked:
    """The events of a variant; see `variants.Linked`.

    Attributes
    ----------
    sample
        Scaled by the factors; none of its totals is declared, unless it is `nominal` itself.
    nominal
        The nominal events, which say what totals are declared.

    """

    sample: Sample
    nominal: Sample

    def effects(self, metric: Metric, options: Options) -> tuple[Floats, Floats | None]:
        """phi_i of the variant's own events, and -w_j / T_c dM/d(ln f_c) of the nominal ones.

        For the nominal events themselves that is 0: their own phi_i are centred.
        """
        assert metric.influence is not None
        influence = metric.influence(self.sample, options)
        own = influence.per_event(self.sample)
        if not any(self.nominal.cells.fixed):
            return own, None
        slopes = by_factor(influence, self.sample.cells) * self.nominal.cells.fixed
        effect = -slopes / self.nominal.cells.weight.sum(axis=1)
        return own, self.nominal.weight * effect[self.nominal.truth.astype(np.intp)]

    def recounts(self, metrics: Sequence[Chosen]) -> Recounts:
        """The metrics of replicas, scaled to the declared totals by the nominal rows drawn.

        Metrics of the score do not change with a factor on a class; the others are those of the
        cells.
        """
        of_score = [
            recount_of(metric)(self.sample, options) if metric.needs_score else None
            for metric, options in metrics
        ]

        def replica(own: NDArray[np.int64], nominal: NDArray[np.int64]) -> list[float]:
            drawn = self.sample
            if None in of_score:
                drawn = drawn.with_cells(self._cells(own, nominal))
            return [
                recount(own) if recount else _value(metric, drawn, options)
                for recount, (metric, options) in zip(of_score, metrics, strict=True)
            ]

        return replica

    def _cells(self, own: NDArray[np.int64], nominal: NDArray[np.int64]) -> Cells:
        sample = self.sample
        code = sample.truth * 2 + sample.selected
        drawn = own * sample.weight
        count, weight, square = (
            np.bincount(code, values, 4).reshape(2, 2).astype(np.float64)
            for values in (own, drawn, drawn * sample.weight)
        )
        scale = self._scale(nominal)[:, np.newaxis]
        return Cells(count, weight * scale, square * scale**2)

    def _scale(self, draws: NDArray[np.int64]) -> Floats:
        """By what the factors of (background, signal) change in a replica; NaN without weight."""
        nominal = self.nominal
        drawn = np.bincount(nominal.truth, draws * nominal.weight, 2)
        totals = nominal.cells.weight.sum(axis=1)
        scale = np.divide(totals, drawn, out=np.full(2, np.nan), where=drawn > TINY)
        return np.asarray(np.where(nominal.cells.fixed, scale, 1.0))


def _value(metric: Metric, sample: Sample, options: Options) -> float:
    """The metric of a replica; NaN for one that lost a whole class and so has none."""
    if (sample.cells.weight.sum(axis=1) > TINY).all():
        return metric.function(sample, options)
    return float("nan")


def by_factor(influence: Influence, cells: Cells) -> Floats:
    """dM/d(ln f) for a factor f on the weights of (background, signal), shape (2,).

    Not the sum of phi_i over the class: an event also counts in metrics without weights, and its
    squared weight grows with f^2. Metrics of the score compare events of one class with each other
    and do not change.
    """
    if isinstance(influence, SquareInfluence):
        slopes = by_factor(influence.cells, cells)
        slopes[0] += 2 * influence.square * cells.square[0, 1]
        return slopes
    if isinstance(influence, CellInfluence) and influence.weighted:
        return np.asarray((influence.coefficients * cells.weight).sum(axis=1))
    return np.zeros(2)
