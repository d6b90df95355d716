"""The figures of every kind, joined as the registry joins their metrics."""

from collections.abc import Sequence
from typing import Any

from fivesigma_scoring.binning import Detail, Floats
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.regression.figures import figures as of_regression
from fivesigma_scoring.segmentation.figures import figures as of_masks
from fivesigma_scoring.selection.figures import figures as of_selection
from fivesigma_scoring.uncertainty import Chosen


def figures_of(
    form: PredictionFormat,
    sample: Any,
    detail: Detail,
    metrics: Sequence[Chosen],
    submitted: Floats | None = None,
) -> list[Figure]:
    """All figures of the events of one split that may be seen with `detail`.

    Parameters
    ----------
    form
        Kind, names of the targets or classes.
    sample
        The events with a prediction, as their kind has them.
    detail
        Who looks, and when.
    metrics
        Those of the phase with their options; significances are scanned over cuts.
    submitted
        Selections: the score of every row of the file, or None.

    """
    if form.kind == "segmentation":
        return of_masks(sample, detail, form.classes)
    if form.kind == "regression":
        return of_regression(sample, detail, form.targets)
    return of_selection(sample, detail, metrics, submitted)
