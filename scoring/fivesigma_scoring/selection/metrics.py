"""Selections: is the event signal or background? Metrics of the four cells of the confusion matrix.

s and b are sums of weights over selected signal and background, S and B over all of them. Every
metric here depends on s, b, S and B alone (accuracy without weights: on the numbers of events), so
its influence function follows from four partial derivatives.
"""

import math
from collections.abc import Callable

from fivesigma_scoring.metric import Options
from fivesigma_scoring.selection.cells import (
    TINY,
    CellInfluence,
    Cells,
    Sample,
    influence_of,
)
from fivesigma_scoring.uncertainty import effective_number

SERIES_BELOW = 1e-3
VANISHING = 1e-12
"""Share of the background below which nothing is said to pass."""


def _weighted(
    gradient: Callable[[Cells, Options], tuple[float, float, float, float]],
) -> Callable[[Sample, Options], CellInfluence]:
    def influence(sample: Sample, options: Options) -> CellInfluence:
        return CellInfluence(influence_of(sample.cells, *gradient(sample.cells, options)))

    return influence


def excess(x: float) -> float:
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
    return math.sqrt(2 * total * max(excess(signal / total), 0.0))


def ams(sample: Sample, options: Options) -> float:
    """`ams_value` of the selected events."""
    return ams_value(sample.cells.s, sample.cells.b, options["regularisation"])


def ams_gradient(cells: Cells, options: Options) -> tuple[float, float, float, float]:
    """Derivatives of the AMS with respect to s, b, S and B."""
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


ams_influence = _weighted(ams_gradient)
ams3_influence = _weighted(_ams3_gradient)
efficiency_influence = _weighted(_efficiency_gradient)
rejection_influence = _weighted(_rejection_gradient)
purity_influence = _weighted(_purity_gradient)
