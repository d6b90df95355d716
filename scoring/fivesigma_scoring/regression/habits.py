"""Warnings on a regression from its file and what is published, never from the truth."""

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.files.table import Places
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.regression.findings import FACTORS, constant, outside_training
from fivesigma_scoring.regression.prediction import Regression
from fivesigma_scoring.report import ROWS_SHOWN, Finding

SHARE = 0.01
"""So many values may lie outside the training range before it is worth a word."""
MARGIN = 0.01
"""So far outside, in widths of the range, a value may lie: people cut at round numbers."""
NEAR = 3.0
"""A ratio of medians this close to a power of one thousand is taken for one of units."""
OFF_CENTRE = 0.1
"""Least distance from 0 of a range's middle, in its widths, for a ratio to it to mean anything."""


def habits(prediction: Regression, form: PredictionFormat) -> list[Finding]:
    """Targets that are constant or outside the range of the published training file."""
    found = []
    for at, name in enumerate(form.targets):
        values = prediction.values[:, at]
        if values.size > 1 and values.min() == values.max():
            found.append(constant(name, float(values[0])))
        if name in form.training:
            found += _outside(values, name, form.training[name], prediction.places)
    return found


def _outside(
    values: NDArray[np.float64], target: str, training: tuple[float, float], places: Places
) -> list[Finding]:
    margin = MARGIN * (training[1] - training[0])
    low, high = training[0] - margin, training[1] + margin
    if values.min(initial=low) >= low and values.max(initial=high) <= high:
        return []
    outside = np.flatnonzero((values < low) | (values > high))
    if outside.size <= SHARE * values.size:
        return []
    median = float(np.median(values))
    rows = places(outside[:ROWS_SHOWN].tolist())
    factor = unit_factor(median, training)
    return [outside_training(target, training, median, factor, rows, int(outside.size))]


def unit_factor(median: float, training: tuple[float, float]) -> float | None:
    """The power of one thousand by which a file's median misses the middle of a range, if any.

    None as well for ranges about 0, of whose middle nothing is a multiple.
    """
    low, high = training
    middle = low / 2 + high / 2
    if abs(middle) < OFF_CENTRE * (high - low) or middle == 0:
        return None
    ratio = median / middle
    return next((one for one in FACTORS if one / NEAR < ratio < one * NEAR), None)
