"""Slices of a selection: their events keep the weights that the whole split was given.

Where totals of classes are declared, f_c = T_c / (sum of w over all events of class c) scales the
slice too, and these sums fluctuate with the events outside of it. A slice may lack a class, such as
that of one background process: what compares signal with background has no value there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import uncertainty
from fivesigma_scoring.metric import Estimate, Influence, Metric, Options
from fivesigma_scoring.selection.bootstrap import draw_cells
from fivesigma_scoring.selection.cells import TINY, CellInfluence, Cells, Sample
from fivesigma_scoring.selection.linked import Linked, by_factor
from fivesigma_scoring.slices import Places, Row, numbered, with_value
from fivesigma_scoring.sums import dot
from fivesigma_scoring.uncertainty import (
    FEW_EVENTS,
    REPLICAS,
    Chosen,
    effective_number,
    row_draws,
    spread,
    summed_by_group,
)

BACKGROUND, SIGNAL = 0, 1
OUTSIDE = 4
"""Cells of the events outside of a slice follow on its own four: background, signal."""
NEEDS: Mapping[str, Sequence[int]] = {
    "accuracy": (),
    "signal_efficiency": (SIGNAL,),
    "background_rejection": (BACKGROUND,),
}
"""Classes that a metric needs; those that are not named here compare both."""

Floats = NDArray[np.float64]


def sliced(whole: Sample, parts: Sequence[Places], metrics: Sequence[Chosen]) -> list[Row]:
    """Each metric on each slice of a split."""
    return [Slice.of(whole, places).row(metrics) for places in parts]


@dataclass(frozen=True)
class Slice:
    """Some events of a split.

    Attributes
    ----------
    sample
        The events, with the weights they have in the split; none of its totals is declared.
    whole
        All events of the split, which say what totals are declared.
    places
        Which of them these are, int (m,).

    """

    sample: Sample
    whole: Sample
    places: Places

    @classmethod
    def of(cls, whole: Sample, places: Places) -> Self:
        """Take these events out of the whole split."""
        sample = Sample.of(
            whole.truth[places],
            whole.selected[places],
            whole.weight[places],
            group=numbered(whole.group, places),
            score=None if whole.score is None else whole.score[places],
        )
        return cls(sample, whole, places)

    def row(self, metrics: Sequence[Chosen]) -> Row:
        """Each metric with its sampling error; None for those that have no value here."""
        of_score = [one for one in metrics if one[0].needs_score and self._has(*one)]
        known = iter(uncertainty.estimates(self.sample, of_score))  # no factor changes an order
        return [
            None
            if not self._has(*chosen)
            else with_value(next(known) if chosen[0].needs_score else self._of_cells(*chosen))
            for chosen in metrics
        ]

    def _has(self, metric: Metric, options: Options) -> bool:
        """Whether the metric says anything about events of these classes."""
        sums = self.sample.cells.weight.sum(axis=1)
        if metric.name in NEEDS and not NEEDS[metric.name]:
            weighted = options.get("weighted", False)
            return bool(sums.sum() > TINY) if weighted else self.sample.n > 0
        return all(sums[one] > TINY for one in NEEDS.get(metric.name, (BACKGROUND, SIGNAL)))

    def _of_cells(self, metric: Metric, options: Options) -> Estimate:
        sample = self.sample
        value = metric.function(sample, options)
        if metric.is_bound(sample):
            return Estimate(value, None, sample.n, lower_bound=True)
        if self._is_rough(metric, options):
            sigma = spread(self._replicas(metric, options))
            return Estimate(value, sigma, sample.n, bootstrap=True)
        assert metric.influence is not None
        return Estimate(value, self._sigma(metric.influence(sample, options)), sample.n)

    def _is_rough(self, metric: Metric, options: Options) -> bool:
        """As for the whole split; without background the signal decides."""
        if self.sample.cells.count[BACKGROUND].any():
            return bool(metric.is_rough(self.sample, options))
        cells = self.sample.cells
        return effective_number(cells.total_signal, float(cells.square[SIGNAL].sum())) < FEW_EVENTS

    def _sigma(self, influence: Influence) -> float:
        """From phi_i of the slice's events, and what all events do to it through the factors.

        The latter is -w_i / T_c dM/d(ln f_c); it is a number per class, so that sums over the
        cells are enough unless rows are grouped.
        """
        cells, whole = self.sample.cells, self.whole.cells
        fixed = np.array(whole.fixed)
        if not fixed.any():
            return math.sqrt(influence.variance(self.sample))
        slopes = np.where(fixed, by_factor(influence, cells), 0.0)
        shift = -slopes / whole.weight.sum(axis=1)
        if self.whole.group is None and isinstance(influence, CellInfluence):
            if not influence.weighted:
                return math.sqrt(influence.variance(self.sample))
            inside = (influence.coefficients + shift[:, np.newaxis]) ** 2 * cells.square
            outside = whole.square.sum(axis=1) - cells.square.sum(axis=1)
            return math.sqrt(float(inside.sum() + (shift**2 * np.maximum(outside, 0.0)).sum()))
        phi = self.whole.weight * shift[self.whole.truth.astype(np.intp)]
        phi[self.places] += influence.per_event(self.sample)
        phi = summed_by_group(phi, self.whole)
        return math.sqrt(dot(phi, phi))

    def _replicas(self, metric: Metric, options: Options) -> Floats:
        """The metric in replicas, (REPLICAS,); NaN for one that lost what the metric needs."""
        if options.get("sum_of_squared_weights", False):  # no metric else looks at single weights
            recounts = Linked(self.sample, self.whole).recounts([(metric, options)])
            draws = row_draws(self.whole)
            return np.array([recounts(one[self.places], one)[0] for one in draws])
        return np.array([self._value(metric, options, cells) for cells in self._drawn])

    def _value(self, metric: Metric, options: Options, cells: Cells) -> float:
        drawn = Slice(self.sample.with_cells(cells), self.whole, self.places)
        counts = cells.count.sum(axis=1)
        needed = NEEDS.get(metric.name, (BACKGROUND, SIGNAL))
        alive = all(counts[one] > 0 for one in needed) and counts.sum() > 0
        if not alive or not drawn._has(metric, options):
            return float("nan")
        return metric.function(drawn.sample, options)

    @cached_property
    def _drawn(self) -> list[Cells]:
        """The cells of each replica, with declared totals restored by all events of the split."""
        sample, whole = self.sample, self.whole
        code = OUTSIDE + whole.truth.astype(np.intp)
        code[self.places] = sample.truth * 2 + sample.selected
        counts, weights = draw_cells(whole, code, OUTSIDE + 2)
        count, weight = (one[:, :OUTSIDE].reshape(REPLICAS, 2, 2) for one in (counts, weights))
        total = weight.sum(axis=2) + weights[:, OUTSIDE:]
        wanted = np.broadcast_to(whole.cells.weight.sum(axis=1), total.shape)
        scale = np.divide(wanted, total, out=np.ones_like(total), where=total > TINY)
        weight = weight * np.where(whole.cells.fixed, scale, 1.0)[:, :, np.newaxis]
        return [Cells(n, w, sample.cells.square) for n, w in zip(count, weight, strict=True)]
