"""Selections: is the event signal or background? Metrics of the four cells of the confusion matrix.

s and b are sums of weights over selected signal and background, S and B over all of them. Every
metric here depends on s, b, S and B alone (accuracy without weights: on the numbers of events), so
its influence function follows from four partial derivatives.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.metric import Options

CLASSES = ("b", "s")
SERIES_BELOW = 1e-3
TINY = 1e-50
"""Sums of weights below this are none: what is divided by them would not stay finite."""
VANISHING = 1e-12
"""Share of the background below which nothing is said to pass."""


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
    truth, selected
        bool (n,): is signal, is predicted as signal.
    weight
        float64 (n,), already scaled to the declared totals.
    cells
        Sums over the above.
    group
        int (n,), equal for rows of one physical event; None where every row stands alone.

    """

    truth: NDArray[np.bool_]
    selected: NDArray[np.bool_]
    weight: NDArray[np.float64]
    cells: Cells
    group: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        truth: NDArray[np.bool_],
        selected: NDArray[np.bool_],
        weight: NDArray[np.float64],
        fixed: tuple[bool, bool] = (False, False),
        group: NDArray[np.int64] | None = None,
        totals: NDArray[np.float64] | None = None,
    ) -> Self:
        """A sample with its cells; all arrays have shape (n,), `totals` as for `cells_of`."""
        return cls(truth, selected, weight, cells_of(truth, selected, weight, fixed, totals), group)


def class_totals(truth: NDArray[np.bool_], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number, sum of weights, sum of squared weights (rows) of background and signal (columns)."""
    parts = (weight[~truth], weight[truth])
    return np.array([[w.size for w in parts], [w.sum() for w in parts], [w @ w for w in parts]])


def cells_of(
    truth: NDArray[np.bool_],
    selected: NDArray[np.bool_],
    weight: NDArray[np.float64],
    fixed: tuple[bool, bool] = (False, False),
    totals: NDArray[np.float64] | None = None,
) -> Cells:
    """Sums over the four cells.

    Only the selected events are visited; the others follow from `totals` (see `class_totals`),
    which do not depend on the prediction and are therefore kept with a compiled solution.
    """
    totals = class_totals(truth, weight) if totals is None else totals
    chosen = np.flatnonzero(selected)
    passing = class_totals(truth[chosen], weight[chosen])
    sums = np.stack([totals - passing, passing], axis=-1)
    return Cells(sums[0], sums[1], np.maximum(sums[2], 0.0), fixed)


def effective_number(weight: float, square: float) -> float:
    """n_eff = (sum of w)^2 / (sum of w^2), 0 without events."""
    return weight * weight / square if square > 0 else 0.0


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


def _weighted(
    gradient: Callable[[Cells, Options], tuple[float, float, float, float]],
) -> Callable[[Sample, Options], CellInfluence]:
    def influence(sample: Sample, options: Options) -> CellInfluence:
        return CellInfluence(influence_of(sample.cells, *gradient(sample.cells, options)))

    return influence


def _excess(x: float) -> float:
    """(1 + x) ln(1 + x) - x; by its series for small x, where the terms cancel."""
    if abs(x) < SERIES_BELOW:
        return x * x * (1 / 2 - x * (1 / 6 - x * (1 / 12 - x * (1 / 20 - x / 30))))
    return (1 + x) * math.log1p(x) - x


def ams_value(signal: float, background: float, regularisation: float = 10.0) -> float:
    """Approximate median significance, sqrt(2((s + B') ln(1 + s/B') - s)) with B' = b + b_r.

    Source: Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727, as used by HiggsML in 2014.
    B' <= 0 and s <= 0 (possible with negative weights: no excess) give 0.

    Parameters
    ----------
    signal, background
        Sums of weights of the selected events.
    regularisation
        b_r, in the unit of the weights.

    """
    total = background + regularisation
    if total <= TINY or signal <= 0:
        return 0.0
    return math.sqrt(2 * total * max(_excess(signal / total), 0.0))


def ams(sample: Sample, options: Options) -> float:
    """`ams_value` of the selected events."""
    return ams_value(sample.cells.s, sample.cells.b, options["regularisation"])


def _ams_gradient(cells: Cells, options: Options) -> tuple[float, float, float, float]:
    total = cells.b + options["regularisation"]
    value = ams_value(cells.s, cells.b, options["regularisation"])
    if total <= TINY or cells.s < 0:
        return 0.0, 0.0, 0.0, 0.0
    if value == 0:
        return 1 / math.sqrt(total), 0.0, 0.0, 0.0
    x = cells.s / total
    return math.log1p(x) / value, (math.log1p(x) - x) / value, 0.0, 0.0


def ams3(sample: Sample, options: Options) -> float:
    """S / sqrt(b + b_r), 0 where b + b_r <= 0."""
    total = sample.cells.b + options["regularisation"]
    return sample.cells.s / math.sqrt(total) if total > TINY else 0.0


def _ams3_gradient(cells: Cells, options: Options) -> tuple[float, float, float, float]:
    total = cells.b + options["regularisation"]
    if total <= TINY:
        return 0.0, 0.0, 0.0, 0.0
    return 1 / math.sqrt(total), -cells.s / (2 * total**1.5), 0.0, 0.0


def accuracy(sample: Sample, options: Options) -> float:
    """Share of correct decisions; by weight with the option `weighted`."""
    sums = sample.cells.weight if options["weighted"] else sample.cells.count
    return float((sums[0, 0] + sums[1, 1]) / sums.sum())


def accuracy_influence(sample: Sample, options: Options) -> CellInfluence:
    """Effect of each event on the accuracy."""
    cells = sample.cells if options["weighted"] else sample.cells.unweighted()
    total = cells.total_signal + cells.total_background
    correct = cells.s + cells.total_background - cells.b
    rest = -correct / total**2
    gradient = (1 / total, -1 / total, rest, 1 / total + rest)
    return CellInfluence(influence_of(cells, *gradient), weighted=options["weighted"])


def signal_efficiency(sample: Sample, _options: Options) -> float:
    """eps_S = s / S."""
    return sample.cells.s / sample.cells.total_signal


def _efficiency_gradient(cells: Cells, _options: Options) -> tuple[float, float, float, float]:
    total = cells.total_signal
    return 1 / total, 0.0, -cells.s / total**2, 0.0


def rejects_everything(sample: Sample) -> bool:
    """No background passes: the rejection is then only known to be at least n_eff."""
    return _passes_nothing(sample.cells)


def _passes_nothing(cells: Cells) -> bool:
    return cells.b <= VANISHING * cells.total_background


def background_rejection(sample: Sample, _options: Options) -> float:
    """1 / eps_B = B / b; n_eff of all background where none passes."""
    cells = sample.cells
    if rejects_everything(sample):
        return effective_number(cells.total_background, float(cells.square[0].sum()))
    return cells.total_background / cells.b


def _rejection_gradient(cells: Cells, _options: Options) -> tuple[float, float, float, float]:
    if _passes_nothing(cells):
        return 0.0, 0.0, 0.0, 0.0
    return 0.0, -cells.total_background / cells.b**2, 0.0, 1 / cells.b


def purity(sample: Sample, _options: Options) -> float:
    """S / (s + b), 0 where nothing is selected."""
    total = sample.cells.s + sample.cells.b
    return sample.cells.s / total if total > TINY else 0.0


def _purity_gradient(cells: Cells, _options: Options) -> tuple[float, float, float, float]:
    total = cells.s + cells.b
    if total <= TINY:
        return 0.0, 0.0, 0.0, 0.0
    return cells.b / total**2, -cells.s / total**2, 0.0, 0.0


ams_influence = _weighted(_ams_gradient)
ams3_influence = _weighted(_ams3_gradient)
efficiency_influence = _weighted(_efficiency_gradient)
rejection_influence = _weighted(_rejection_gradient)
purity_influence = _weighted(_purity_gradient)
