"""Events of one split with a decision for each, and the sums over the four cells they fall into."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.metric import Options
from fivesigma_scoring.selection.ranking import Ranking
from fivesigma_scoring.sums import dot
from fivesigma_scoring.uncertainty import FEW_EVENTS, effective_number

CLASSES = ("b", "s")
TINY = 1e-50
"""Sums of weights below this are none: what is divided by them would not stay finite."""


@dataclass(frozen=True)
class Cells:
    """Sums over the four cells, each array (2, 2), indexed [is signal][is selected].

    Attributes
    ----------
    count, weight, square
        Number of events, sum of weights, sum of squared weights.
    fixed
        Whether the total of (background, signal) is declared, so that it does not fluctuate.

    """

    count: NDArray[np.float64]
    weight: NDArray[np.float64]
    square: NDArray[np.float64]
    fixed: tuple[bool, bool] = (False, False)

    @property
    def s(self) -> float:
        """Sum of weights of selected signal."""
        return float(self.weight[1, 1])

    @property
    def b(self) -> float:
        """Sum of weights of selected background."""
        return float(self.weight[0, 1])

    @property
    def total_signal(self) -> float:
        """S, sum of weights of all signal."""
        return float(self.weight[1, 0] + self.weight[1, 1])

    @property
    def total_background(self) -> float:
        """B, sum of weights of all background."""
        return float(self.weight[0, 0] + self.weight[0, 1])

    def unweighted(self) -> Self:
        """The same events with weight one; then no total is declared."""
        return type(self)(self.count, self.count, self.count)


@dataclass(frozen=True)
class Sample:
    """The events of one split with a prediction for each.

    Attributes
    ----------
    truth
        bool (n,): is signal.
    chosen
        int (m,), increasing: places of the events that are predicted as signal.
    weight
        float64 (n,), already scaled to the declared totals.
    cells
        Sums over the above.
    group
        int (n,), equal for rows of one physical event; None where every row stands alone.
    read_score
        Gives float64 (n,), larger meaning more signal-like; None where the prediction has none.

    """

    truth: NDArray[np.bool_]
    chosen: NDArray[np.intp]
    weight: NDArray[np.float64]
    cells: Cells
    group: NDArray[np.int64] | None = None
    read_score: Callable[[], NDArray[np.float64]] | None = None

    @property
    def n(self) -> int:
        """Number of events."""
        return int(self.truth.size)

    def with_cells(self, cells: Cells) -> Self:
        """The same events with other sums: a replica."""
        rest = (self.truth, self.chosen, self.weight)
        return type(self)(*rest, cells, self.group, self.read_score)

    @cached_property
    def selected(self) -> NDArray[np.bool_]:
        """Whether each event is predicted as signal, bool (n,); the cells do not need it."""
        selected = np.zeros(self.n, bool)
        selected[self.chosen] = True
        return selected

    @cached_property
    def score(self) -> NDArray[np.float64] | None:
        """float64 (n,), larger means more signal-like; fetched for the metrics that need it."""
        return None if self.read_score is None else self.read_score()

    @cached_property
    def ranking(self) -> Ranking:
        """The events ordered by score, once for all metrics.

        Raises
        ------
        ValueError
            The prediction has no score.

        """
        if self.score is None:
            raise ValueError("This metric needs the score of each event; add a column Score.")
        return Ranking.of(self.truth, self.weight, self.score)

    @classmethod
    def of(
        cls,
        truth: NDArray[np.bool_],
        selected: NDArray[np.bool_],
        weight: NDArray[np.float64],
        fixed: tuple[bool, bool] = (False, False),
        group: NDArray[np.int64] | None = None,
        totals: NDArray[np.float64] | None = None,
        score: NDArray[np.float64] | Callable[[], NDArray[np.float64]] | None = None,
    ) -> Self:
        """A sample with its cells; all arrays have shape (n,), `totals` as for `cells_of`.

        A score may come as a function that gives it.
        """
        chosen = np.flatnonzero(selected)
        cells = cells_of(truth, chosen, weight, fixed, totals)
        given = partial(np.asarray, score) if isinstance(score, np.ndarray) else score
        return cls(truth, chosen, weight, cells, group, given)


def class_totals(truth: NDArray[np.bool_], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number, sum of weights, sum of squared weights (rows) of background and signal (columns)."""
    signal = np.where(truth, weight, 0.0)  # quicker than picking the events of a class
    parts, n_signal = (weight - signal, signal), np.count_nonzero(truth)
    counts = [truth.size - n_signal, n_signal]
    return np.array([counts, [one.sum() for one in parts], [dot(one, one) for one in parts]])


def cells_of(
    truth: NDArray[np.bool_],
    chosen: NDArray[np.intp],
    weight: NDArray[np.float64],
    fixed: tuple[bool, bool] = (False, False),
    totals: NDArray[np.float64] | None = None,
) -> Cells:
    """Sums over the four cells.

    Only the `chosen` events, at (m,) places, are visited; the others follow from `totals` (see
    `class_totals`), which do not depend on the prediction and are therefore kept with a compiled
    solution.
    """
    totals = class_totals(truth, weight) if totals is None else totals
    passing = class_totals(truth[chosen], weight[chosen])
    sums = np.empty((3, 2, 2))
    sums[..., 0], sums[..., 1] = totals - passing, passing
    return Cells(sums[0], sums[1], np.maximum(sums[2], 0.0), fixed)


def few_background_events(sample: Sample, _options: Options | None = None) -> bool:
    """Whether n_eff of the selected background is below 25: too few for the delta method."""
    cells = sample.cells
    return effective_number(cells.b, float(cells.square[0, 1])) < FEW_EVENTS


@dataclass(frozen=True)
class CellInfluence:
    """phi_i = w_i times a coefficient of the event's cell (w_i = 1 where `weighted` is False)."""

    coefficients: NDArray[np.float64]
    weighted: bool = True

    def per_event(self, sample: Sample) -> NDArray[np.float64]:
        """phi_i of every event, shape (n,)."""
        effect = self.coefficients[sample.truth.astype(np.intp), sample.selected.astype(np.intp)]
        return effect * sample.weight if self.weighted else effect

    def variance(self, sample: Sample) -> float:
        """Sum of phi_i squared; from the cells alone unless rows are grouped."""
        if sample.group is not None:
            return float(np.square(np.bincount(sample.group, self.per_event(sample))).sum())
        moments = sample.cells.square if self.weighted else sample.cells.count
        return float((self.coefficients**2 * moments).sum())


def influence_of(cells: Cells, ds: float, db: float, d_s: float, d_b: float) -> NDArray[np.float64]:
    """Coefficients per cell from the partial derivatives with respect to s, b, S and B.

    Where a class total is declared its sum cannot fluctuate: the effect is (selected - eps) dM/ds,
    centred. Otherwise it is selected dM/ds + dM/dS, since counts fluctuate too.
    """
    coefficients = np.empty((2, 2))
    totals = (cells.total_background, cells.total_signal)
    passed = (cells.b, cells.s)
    for signal, (inner, outer) in enumerate(((db, d_b), (ds, d_s))):
        shift = -inner * passed[signal] / totals[signal] if cells.fixed[signal] else outer
        coefficients[signal] = (shift, inner + shift)
    return coefficients
