"""Prediction files of selections: read, aligned, and looked at for what is odd."""

from functools import partial
from pathlib import Path

import numpy as np

from fivesigma_scoring import findings
from fivesigma_scoring.alignment import find_rows, scatter
from fivesigma_scoring.files.columns import all_finite, read_ids, read_numbers
from fivesigma_scoring.files.table import Table
from fivesigma_scoring.files.tables import read_table
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import Finding, InputRefusedError
from fivesigma_scoring.selection import findings as own
from fivesigma_scoring.selection.array import read_array
from fivesigma_scoring.selection.columns import CLASS, SCORE, quick_words, read_label, schema
from fivesigma_scoring.selection.prediction import Aligned, ReadScore, Selection
from fivesigma_scoring.universe import Universe


def read_selection(path: Path, what: str, form: PredictionFormat) -> Selection:
    """Read a file of the format `what`.

    Raises
    ------
    InputRefusedError
        The file is refused; its `findings` say why, with line numbers.

    """
    if what == "npy":
        return read_array(path, form)
    return _from_table(read_table(path, what, partial(schema, form), form.max_expanded_bytes), form)


def _from_table(table: Table, form: PredictionFormat) -> Selection:
    if not table.rows:
        raise InputRefusedError(findings.no_rows(form.rows))
    return _from_arrays(table, form) or _from_columns(table, form)


def _from_arrays(table: Table, form: PredictionFormat) -> Selection | None:
    """A small file that is spelled as most are; None where a closer look is needed."""
    ids, words = table.plain(form.id_column), table.plain(CLASS)
    selected = None if words is None else quick_words(words)
    if ids is None or selected is None:
        return None
    score = table.plain(SCORE) if SCORE in table else None
    return Selection(ids, table.found.warnings, table.places, selected, score)


def _from_columns(table: Table, form: PredictionFormat) -> Selection:
    integers = form.id_type == "int"
    ids, errors = read_ids(table[form.id_column], form.id_column, table.places, integers=integers)
    selected, bad = read_label(table[CLASS], table.places)
    errors, score = [*errors, *bad], None
    if SCORE in table:
        score, bad = _read_score(table)
        errors += bad
    if errors:
        raise InputRefusedError(*errors, *table.found.warnings)
    return Selection(ids, table.found.warnings, table.places, selected, score)


def _read_score(table: Table) -> tuple[ReadScore, list[Finding]]:
    if all_finite(table[SCORE]):
        return table[SCORE], []
    return read_numbers(table[SCORE], table.found.spelling[SCORE], table.places)


def align(prediction: Selection, universe: Universe) -> Aligned:
    """Bring a file into the order of the universe: every event exactly once.

    Raises
    ------
    InputRefusedError
        Ids are unknown, repeated or missing, or too few events are selected.

    """
    target, errors = find_rows(prediction, universe)
    chosen = int(np.count_nonzero(prediction.selected))
    if chosen < universe.format.min_selected:
        errors.append(own.too_few_selected(chosen, universe.format.min_selected))
    warnings = (*prediction.warnings, *_habits(prediction, chosen))
    if errors:
        raise InputRefusedError(*errors, *warnings)
    selected = np.flatnonzero(scatter(prediction.selected, target))
    return Aligned(selected, prediction.read_score, target, warnings)


def _habits(prediction: Selection, chosen: int) -> list[Finding]:
    """Warnings from the file alone: constant predictions."""
    found = []
    if chosen == 0:
        found.append(own.all_background())
    elif chosen == prediction.selected.size:
        found.append(own.all_signal())
    score = prediction.read_score
    if score is not None and len(score) > 1 and score[0] == score[-1] and (score == score[0]).all():
        found.append(own.constant_score())
    return found
