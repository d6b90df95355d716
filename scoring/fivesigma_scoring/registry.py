"""Every metric there is, and the version of each metric family."""

from collections.abc import Mapping

from fivesigma_scoring.metric import Metric
from fivesigma_scoring.regression import registry as regression
from fivesigma_scoring.segmentation import registry as segmentation
from fivesigma_scoring.selection import registry as selection

SCORER_VERSIONS: Mapping[str, int] = {"selection": 1, "regression": 1, "segmentation": 1}
"""Kinds of challenges, and a number bumped by hand whenever scores of a family change."""

METRICS: Mapping[str, Metric] = {**selection.METRICS, **regression.METRICS, **segmentation.METRICS}
"""Name to metric, family by family."""
