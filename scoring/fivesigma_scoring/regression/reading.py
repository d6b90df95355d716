"""Prediction files of regressions: read, aligned, and looked at for what is odd."""

from functools import partial
from pathlib import Path

from fivesigma_scoring import findings
from fivesigma_scoring.alignment import find_rows, scatter
from fivesigma_scoring.files.columns import read_ids
from fivesigma_scoring.files.table import Table
from fivesigma_scoring.files.tables import read_table
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.regression.array import read_array
from fivesigma_scoring.regression.columns import read_targets, schema
from fivesigma_scoring.regression.habits import habits
from fivesigma_scoring.regression.prediction import Aligned, Regression
from fivesigma_scoring.report import InputRefusedError
from fivesigma_scoring.universe import Universe


def read_regression(path: Path, what: str, form: PredictionFormat) -> Regression:
    """Read a file of the format `what`.

    Raises
    ------
    InputRefusedError
        The file is refused; its `findings` say why, with line numbers.

    """
    if what == "npy":
        return read_array(path, form)
    return _from_table(read_table(path, what, partial(schema, form), form.max_expanded_bytes), form)


def _from_table(table: Table, form: PredictionFormat) -> Regression:
    if not table.rows:
        raise InputRefusedError(findings.no_rows(form.rows))
    integers = form.id_type == "int"
    ids, errors = read_ids(table[form.id_column], form.id_column, table.places, integers=integers)
    values, bad = read_targets(table, form)
    if errors or bad:
        raise InputRefusedError(*errors, *bad, *table.found.warnings)
    return Regression(ids, table.found.warnings, table.places, values)


def align(prediction: Regression, universe: Universe) -> Aligned:
    """Bring a file into the order of the universe: every event exactly once.

    Raises
    ------
    InputRefusedError
        Ids are unknown, repeated or missing.

    """
    target, errors = find_rows(prediction, universe)
    warnings = (*prediction.warnings, *habits(prediction, universe.format))
    if errors:
        raise InputRefusedError(*errors, *warnings)
    return Aligned(scatter(prediction.values, target), warnings)
