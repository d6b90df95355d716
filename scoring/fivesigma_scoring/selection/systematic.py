"""Significance with an uncertain background: AMS with a systematic error."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.metric import Options, Recount
from fivesigma_scoring.selection.cells import TINY, CellInfluence, Sample, influence_of
from fivesigma_scoring.selection.metrics import ams_gradient, ams_value, excess
from fivesigma_scoring.sums import dot

SERIES_BELOW = 1e-3


def ams_systematic_value(
    signal: float, background: float, variance: float, regularisation: float = 10.0
) -> float:
    """Z = sqrt(2 B' (h(x) - (1 + r)/r h(r x/(1 + r)))), h(x) = (1 + x) ln(1 + x) - x.

    x = s/B', r = v/B', B' = b + b_r. This is the formula for a background known up to the variance
    v, sorted so that no digits are lost where s or v is small; v = 0 gives the AMS.

    Source: Cowan, "Discovery sensitivity for a counting experiment with background uncertainty"
    (2012), and Li and Ma, Astrophys. J. 272 (1983) 317.

    Parameters
    ----------
    signal, background
        Sums of weights of the selected events.
    variance
        v, the variance of the background, in the squared unit of the weights.
    regularisation
        b_r, in the unit of the weights.

    """
    total = background + regularisation
    if total <= TINY or signal <= 0:
        return 0.0
    x, r = signal / total, variance / total
    y = x * (r / (1 + r))
    if y == 0:
        return ams_value(signal, background, regularisation)
    return math.sqrt(2 * total * max(excess(x) - excess(y) / y * x, 0.0))


def ams_systematic(sample: Sample, options: Options) -> float:
    """`ams_systematic_value` of the selected events, v = (f B')^2.

    With the option `sum_of_squared_weights`, that of the selected background is added to v.
    """
    cells = sample.cells
    return _value(cells.s, cells.b, float(cells.square[0, 1]), options)


def _value(s: float, b: float, square: float, options: Options) -> float:
    regularisation = options["regularisation"]
    return ams_systematic_value(s, b, _variance(b, square, options), regularisation)


def _variance(b: float, square: float, options: Options) -> float:
    systematic = options["background_systematic"] * (b + options["regularisation"])
    return float(systematic**2 + (square if options["sum_of_squared_weights"] else 0.0))


def _curvature(x: float) -> float:
    """(x - ln(1 + x)) / x^2; by its series for small x, where the terms cancel."""
    if abs(x) < SERIES_BELOW:
        return 1 / 2 - x * (1 / 3 - x * (1 / 4 - x * (1 / 5 - x / 6)))
    return (x - math.log1p(x)) / (x * x)


def _derivatives(s: float, b: float, square: float, options: Options) -> tuple[float, ...]:
    """Of Z with respect to s, b (which moves v, too) and v."""
    total = b + options["regularisation"]
    value = _value(s, b, square, options)
    if total <= TINY or s < 0:
        return 0.0, 0.0, 0.0
    x, r = s / total, _variance(b, square, options) / total
    if value == 0:
        return 1 / math.sqrt(total * (1 + r)), 0.0, 0.0
    y = x * (r / (1 + r))
    by_variance = -((x / (1 + r)) ** 2) * _curvature(y)
    by_total = -x * x * _curvature(x) - r * (2 + r) * by_variance
    slope = 2 * options["background_systematic"] ** 2 * total
    by_signal = math.log1p(x) - math.log1p(y)
    return by_signal / value, (by_total + slope * by_variance) / value, by_variance / value


@dataclass(frozen=True)
class SquareInfluence:
    """A `CellInfluence`, plus `square` times w_i^2 for selected background."""

    cells: CellInfluence
    square: float

    def per_event(self, sample: Sample) -> NDArray[np.float64]:
        """phi_i of every event, shape (n,)."""
        passing = ~sample.truth & sample.selected
        return self.cells.per_event(sample) + self.square * passing * sample.weight**2

    def variance(self, sample: Sample) -> float:
        """Sum of phi_i squared, over groups of events where the sample has groups."""
        phi = self.per_event(sample)
        if sample.group is not None:
            phi = np.bincount(sample.group, phi).astype(np.float64)
        return dot(phi, phi)


def ams_systematic_influence(sample: Sample, options: Options) -> CellInfluence | SquareInfluence:
    """Effect of each event through s, b and, where it is added to v, its squared weight."""
    cells = sample.cells
    if _variance(cells.b, float(cells.square[0, 1]), options) == 0:
        return CellInfluence(influence_of(cells, *ams_gradient(cells, options)))
    square = float(cells.square[0, 1])
    ds, db, dv = _derivatives(cells.s, cells.b, square, options)
    coefficients = influence_of(cells, ds, db, 0.0, 0.0)
    if not options["sum_of_squared_weights"]:
        return CellInfluence(coefficients)
    if cells.fixed[0]:
        coefficients[0] -= 2 * dv * square / cells.total_background
    return SquareInfluence(CellInfluence(coefficients), dv)


def ams_systematic_recount(sample: Sample, options: Options) -> Recount:
    """Z of replicas, with declared totals restored; NaN for one that lost a class."""
    code = sample.truth * 2 + sample.selected
    fixed, totals = sample.cells.fixed, sample.cells.weight.sum(axis=1)

    def replica(draws: NDArray[np.int64]) -> float:
        drawn = draws * sample.weight
        weight = np.bincount(code, drawn, 4).reshape(2, 2)
        square = np.bincount(code, drawn * sample.weight, 4).reshape(2, 2)
        sums = weight.sum(axis=1)
        if (np.bincount(code, draws, 4).reshape(2, 2).sum(axis=1) == 0).any() or (
            sums <= TINY
        ).any():
            return float("nan")
        scale = np.where(fixed, totals / sums, 1.0)
        b, s = weight[:, 1] * scale
        return _value(float(s), float(b), float(square[0, 1] * scale[0] ** 2), options)

    return replica
