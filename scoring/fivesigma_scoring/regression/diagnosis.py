"""What looks wrong with a regression once it is held against the truth, target by target.

The correlation is taken of the values and of the sides of the median that they lie on: the latter
minds neither a few wild values nor another scale.
"""

import math

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.regression.findings import looks_inverted, looks_scaled, looks_shuffled
from fivesigma_scoring.regression.sample import Sample
from fivesigma_scoring.report import Finding

LOOKED_AT = 20_000
"""So many events are enough for any of these diagnoses, and take milliseconds."""
FEWEST = 100
"""Effective number of events below which nothing is said."""
SURE, COMPATIBLE = 5.0, 3.0
"""Standard deviations: chance alone never inverts a good file, and hides few shuffled ones."""
INVERTED = -0.3
"""Correlations below this are no weakness of a regression, whatever its noise."""
WEAKEST = 0.15
"""Least correlation of a regression that has learnt something."""
SPREAD = 0.5
"""A shuffled file keeps its spread; one that knows little, and admits it, has hardly any."""
RELATED = 1 / 3
"""Correlation of sides that belongs to one of values of 0.5."""
BETTER = 0.5
"""Without its factor the median error of a scaled file is less than this share of itself."""

Floats = NDArray[np.float64]


def diagnose(sample: Sample, form: PredictionFormat) -> list[Finding]:
    """Warnings on a regression.

    Parameters
    ----------
    sample
        The events of the public split with a prediction.
    form
        What the file had to look like; it names the targets.

    """
    step = 1 + sample.n // LOOKED_AT
    true, predicted = sample.truth[::step], sample.prediction[::step]
    n = min(len(true), sample.effective_number)
    if n < FEWEST:
        return []
    columns = zip(form.targets, true.T, predicted.T, strict=True)
    findings = [_judge(name, one, mine, 1 / math.sqrt(n)) for name, one, mine in columns]
    return [one for one in findings if one is not None]


def _judge(target: str, truth: Floats, prediction: Floats, sigma: float) -> Finding | None:
    """One target; `sigma` is the standard deviation of a correlation that is none."""
    sides = correlation(_side(truth), _side(prediction))
    values = correlation(truth, prediction)
    if sides is None or values is None:
        return None
    if max(sides, values) < min(INVERTED, -SURE * sigma):
        return looks_inverted(target)
    largest = max(abs(sides), abs(values))
    if largest < COMPATIBLE * sigma and largest + COMPATIBLE * sigma < WEAKEST:
        spread = _quartiles(prediction) >= SPREAD * _quartiles(truth)
        return looks_shuffled(target) if spread else None
    if sides > RELATED:
        factor = scale(truth, prediction)
        return None if factor is None else looks_scaled(target, factor)
    return None


def _side(values: Floats) -> Floats:
    """-1, 0 or 1: below, at or above the median, (n,)."""
    return np.asarray(np.sign(values - np.median(values)))


def _quartiles(values: Floats) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low)


def correlation(first: Floats, second: Floats) -> float | None:
    """Pearson's coefficient of two columns (n,); None where one is constant."""
    a, b = first - first.mean(), second - second.mean()
    sizes = math.sqrt(float(a @ a)) * math.sqrt(float(b @ b))
    return float(a @ b) / sizes if sizes > 0 else None


def scale(truth: Floats, prediction: Floats) -> float | None:
    """The factor that the prediction is too large by; None below 1.5, or where there is none.

    Returns
    -------
    float or None
        A whole number with one significant digit, or one over such a number.

    """
    known = truth != 0
    ratio = float(np.median(prediction[known] / truth[known]))
    if ratio <= 0:
        return None
    digit = float(f"{max(ratio, 1 / ratio):.0e}")
    factor = digit if ratio > 1 else 1 / digit
    error = np.median(np.abs(prediction - truth))
    rest = np.median(np.abs(prediction / factor - truth))
    return factor if rest < BETTER * error else None
