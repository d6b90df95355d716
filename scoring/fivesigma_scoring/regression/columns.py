"""The columns of a regression: id and targets."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.columns import read_numbers
from fivesigma_scoring.files.table import Column, Places, Schema, Table, plain
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.regression.findings import not_a_number, out_of_range
from fivesigma_scoring.regression.sample import LARGEST
from fivesigma_scoring.report import ROWS_SHOWN, Finding
from fivesigma_scoring.settings import TestSetSpec

NEVER_TARGETS = ("label", "weight", "usage", "variant", "group")


def schema(form: PredictionFormat, _names: Sequence[str] = ()) -> Schema:
    """What a table of a regression must look like."""
    identity = Column(form.id_column, pl.Int64 if form.id_type == "int" else pl.String)
    return Schema(
        (identity, *(Column(name, pl.Float64) for name in form.targets)),
        form.rows,
        form.max_expanded_bytes,
        lambda found: findings.wrong_row_count(found, form.rows),
    )


def never_targets(test_set: TestSetSpec) -> list[str]:
    """Names of columns that are neither ids nor targets."""
    usage, split = test_set.usage, test_set.split
    columns = [usage] if isinstance(usage, str) else list((usage or {}).values())
    drawn = () if split is None else (split.group, split.stratify)
    named = (*columns, test_set.group, test_set.variants, *test_set.slices, *drawn)
    return [*NEVER_TARGETS, *(name for name in named if isinstance(name, str))]


def target_names(names: Sequence[str], id_column: str, test_set: TestSetSpec) -> tuple[str, ...]:
    """The targets among the columns of a sample or a truth, in their order."""
    others = {plain(name) for name in never_targets(test_set)}
    return tuple(name for name in names if name and name != id_column and plain(name) not in others)


def read_targets(table: Table, form: PredictionFormat) -> tuple[NDArray[np.float64], list[Finding]]:
    """The targets as float64 (n, t); findings where a value is no sensible number."""
    columns, errors = [], []
    for name in form.targets:
        values, bad = read_numbers(table[name], name, table.places, not_a_number)
        errors += bad or outside_bounds(values, name, form, table.places)
        columns.append(values)
    if errors:
        return np.empty((0, len(columns))), errors
    return np.ascontiguousarray(np.stack(columns, axis=1)), []


def allowed(form: PredictionFormat) -> tuple[float, float]:
    """Lowest and highest value that is accepted."""
    low, high = form.bounds or (-LARGEST, LARGEST)
    return max(low, -LARGEST), min(high, LARGEST)


def outside_bounds(
    values: NDArray[np.float64], target: str, form: PredictionFormat, places: Places
) -> list[Finding]:
    """The finding on finite values (n,) that leave the sanity bounds, if there are any."""
    low, high = allowed(form)
    if not values.size or (values.min() >= low and values.max() <= high):
        return []
    bad = np.flatnonzero((values < low) | (values > high))
    rows = places(bad[:ROWS_SHOWN].tolist())
    return [out_of_range(target, (low, high), float(values[bad[0]]), rows, int(bad.size))]
