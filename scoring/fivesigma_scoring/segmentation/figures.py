"""Figures of masks: which classes are taken for which, how accurate events are, and how some look.

The unit is the event: a bin holds events, and a class is shown where enough events have it.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from fivesigma_scoring.binning import Detail, bin_edges, bin_numbers, physical_events
from fivesigma_scoring.figures import Figure, finished
from fivesigma_scoring.layers import Layer, Mark, Matrix, Steps
from fivesigma_scoring.segmentation.counts import Sample

NOTHING = "0 nothing"
PERCENTILES = {"Median": 50, "80th percentile": 80}


def figures(sample: Sample, detail: Detail, classes: Sequence[str] = ()) -> list[Figure]:
    """All figures of masks that may be seen with `detail`.

    Parameters
    ----------
    sample
        The events of one split.
    detail
        Who looks.
    classes
        Names of the classes, class 0 first; numbers where there are none.

    """
    return finished(
        [partial(_confusion, sample, detail, classes), partial(_accuracy, sample, detail)]
    )


def class_names(classes: Sequence[str], count: int) -> list[str]:
    """A name for each of `count` classes."""
    named = [*classes, *(f"class {k}" for k in range(len(classes), count))]
    return [NOTHING if k == 0 and not classes else named[k] for k in range(count)]


def _confusion(sample: Sample, detail: Detail, classes: Sequence[str]) -> Figure | None:
    counted = physical_events(sample.group, sample.n)
    having = (sample.truths[counted] > 0).sum(axis=0)
    pooled = sample.counts.sum(axis=0)
    shown = having >= max(detail.least, 1)
    if not shown.any():
        return None
    names = class_names(classes, pooled.shape[0])
    shares = pooled[shown] / pooled[shown].sum(axis=1, keepdims=True)
    rows = [names[k] for k in np.flatnonzero(shown)]
    return Figure(
        "confusion",
        "Confusion matrix",
        "Predicted class",
        "True class",
        [Matrix(rows, names, detail.rounded_shares(shares))],
        "Share of the pixels of each true class, all events together.",
    )


def _accuracy(sample: Sample, detail: Detail) -> Figure | None:
    accuracies = sample.accuracies
    counted = physical_events(sample.group, sample.n)
    edges = bin_edges(accuracies, counted, detail)
    if edges.size < 2:
        return None
    counts = np.bincount(bin_numbers(edges, accuracies), minlength=edges.size - 1)
    narrowest = float(np.diff(edges).min())
    scale = narrowest / np.diff(edges)
    heights, errors = detail.rounded(counts * scale), detail.rounded(np.sqrt(counts) * scale)
    marks: list[Layer] = [
        Mark(x=detail.rounded_one(np.percentile(accuracies, percent)), label=label)
        for label, percent in PERCENTILES.items()
    ]
    return Figure(
        "event_accuracy",
        "Accuracy of the events",
        "Share of an event's pixels that is right",
        f"Events / {narrowest:.3g}",
        [Steps(edges, heights, errors, "Events"), *marks],
        "Pixels of true class 0 do not count. The outermost bins hold what lies beyond.",
    )
