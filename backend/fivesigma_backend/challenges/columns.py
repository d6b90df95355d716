"""Columns of boards and pages: a metric, or one on a variant or slice, such as `ams@nominal`."""

from __future__ import annotations

from dataclasses import replace

from fivesigma_scoring import METRICS, Metric, metric_and_place


def column_of(name: str) -> Metric:
    """The metric that a column shows, with a name and title of the column's own."""
    metric, place = metric_and_place(name)
    found = METRICS[metric]
    return found if place is None else replace(found, name=name, title=f"{found.title}, {place}")
