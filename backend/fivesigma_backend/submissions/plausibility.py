"""Whether a score is too good to be true. A pure rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivesigma_scoring import METRICS

Scores = Mapping[str, Mapping[str, Any]]


def is_implausible(bound: Mapping[str, Any] | None, *splits: Scores | None) -> bool:
    """Whether the bound's metric is better than the bound on any split.

    `bound` is the test set's `plausible` table, None where it has none.
    """
    if bound is None:
        return False
    metric = METRICS[bound["metric"]]
    best = metric.rank_key(bound["bound"])
    values = [(scores or {}).get(metric.name, {}).get("value") for scores in splits]
    return any(value is not None and metric.rank_key(value) > best for value in values)
