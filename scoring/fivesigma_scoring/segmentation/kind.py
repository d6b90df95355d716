"""Segmentations as a kind of challenge; see `kinds.Kind`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from numpy.typing import ArrayLike

from fivesigma_scoring.files.table import match
from fivesigma_scoring.metric import Metric
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import Finding
from fivesigma_scoring.segmentation import offline
from fivesigma_scoring.segmentation.alignment import align
from fivesigma_scoring.segmentation.columns import schema
from fivesigma_scoring.segmentation.confusion import diagnose
from fivesigma_scoring.segmentation.counts import Sample, sample_of_masks
from fivesigma_scoring.segmentation.dense import look_array as look
from fivesigma_scoring.segmentation.reading import read_mask as read
from fivesigma_scoring.segmentation.sample import read_universe
from fivesigma_scoring.segmentation.split import load
from fivesigma_scoring.segmentation.truth import read_truth, write_perfect
from fivesigma_scoring.segmentation.universe import MaskUniverse
from fivesigma_scoring.settings import TestSetSpec
from fivesigma_scoring.slices import each_apart
from fivesigma_scoring.uncertainty import compare_samples as compare
from fivesigma_scoring.uncertainty import estimates
from fivesigma_scoring.variants import apart as link

__all__ = [
    "align",
    "compare",
    "diagnose",
    "estimates",
    "header",
    "link",
    "load",
    "look",
    "open_universe",
    "read",
    "read_truth",
    "read_universe",
    "sample_of",
    "sliced",
    "universe_of_truth",
    "write_perfect",
]

open_universe = MaskUniverse.load
sliced = each_apart(estimates)


def header(names: Sequence[str], form: PredictionFormat) -> Sequence[Finding]:
    """Warnings on the header of a table."""
    return match(names, schema(form, names)).warnings


def universe_of_truth(
    truth: Path,
    test_set: TestSetSpec,
    prediction: Path | None = None,  # noqa: ARG001 - a truth of masks holds no inputs
) -> MaskUniverse:
    """The events of the truth; its scored pixels stand for the lit ones."""
    return offline.universe_of_truth(truth, test_set)


def sample_of(
    _metric: Metric,
    truth: ArrayLike,
    prediction: ArrayLike,
    weight: ArrayLike | None,
    normalise: Mapping[str, float] | None,
) -> Sample:
    """True and predicted class numbers, each (events, ...)."""
    if weight is not None:
        raise ValueError("Masks have no weights: every event counts once; leave them out.")
    if normalise:
        raise ValueError("normalise is for the classes of selections; leave it out.")
    return sample_of_masks(truth, prediction)
