"""Every metric there is, and the version of each metric family."""

from collections.abc import Mapping

from fivesigma_scoring.metric import Metric
from fivesigma_scoring.regression import registry as regression
from fivesigma_scoring.segmentation import registry as segmentation
from fivesigma_scoring.segmentation.metrics import CLASS_RECALL
from fivesigma_scoring.selection import registry as selection

SCORER_VERSIONS: Mapping[str, int] = {"selection": 1, "regression": 1, "segmentation": 1}
"""Kinds of challenges, and a number bumped by hand whenever scores of a family change."""

METRICS: Mapping[str, Metric] = {**selection.METRICS, **regression.METRICS, **segmentation.METRICS}
"""Name to metric, family by family."""


def names_of(kind: str | None = None) -> list[str]:
    """Names for people; the recalls of 255 classes stand as one pattern."""
    names = [name for name, metric in METRICS.items() if kind in (None, metric.kind)]
    shown = dict.fromkeys("class_recall_<k>" if CLASS_RECALL.fullmatch(n) else n for n in names)
    return list(shown)
