"""Selections as ``.npy``: one decision or probability per event, in the order of the test file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.npy import HEADER_BYTES, ArrayHeader, read_npy, read_npy_header
from fivesigma_scoring.files.table import row_numbers
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import ROWS_SHOWN, Finding, InputRefusedError
from fivesigma_scoring.selection import findings as own
from fivesigma_scoring.selection.prediction import Selection

WANTED = "booleans, integers 0/1, or probabilities as float32 or float64"
THRESHOLD = 0.5


def look_array(head: bytes, size: int, form: PredictionFormat) -> list[Finding]:
    """Judge a file by its first bytes and its size in bytes.

    Raises
    ------
    InputRefusedError
        Type, shape or length is wrong.

    """
    header = _header(head, form)
    whole = size == header.offset + header.nbytes
    return [] if whole else [findings.cut_short(".npy file")]


def _header(head: bytes, form: PredictionFormat) -> ArrayHeader:
    header = read_npy_header(head[:HEADER_BYTES], WANTED)
    if len(header.shape) != 1:
        raise InputRefusedError(findings.wrong_shape(str(header.shape), form.rows))
    if header.shape[0] != form.rows:
        raise InputRefusedError(findings.wrong_row_count(header.shape[0], form.rows))
    return header


def read_array(path: Path, form: PredictionFormat) -> Selection:
    """Read booleans, 0/1, or probabilities (signal from 0.5 on, with a warning).

    Raises
    ------
    InputRefusedError
        Type, shape, length or a value is wrong.

    """
    with path.open("rb") as stream:
        _header(stream.read(HEADER_BYTES), form)
    values = read_npy(path, WANTED)
    return _numbers(values) if values.dtype.kind == "f" else _decisions(values, form)


def _decisions(values: NDArray[Any], form: PredictionFormat) -> Selection:
    bad = np.flatnonzero((values != 0) & (values != 1))
    if bad.size:
        rows = row_numbers(bad[:ROWS_SHOWN].tolist())
        raise InputRefusedError(own.bad_array_class(values[bad[0]], rows, bad.size))
    if form.needs_score:
        raise InputRefusedError(own.missing_score_array())
    return Selection(None, (), row_numbers, values == 1, None)


def _numbers(values: NDArray[Any]) -> Selection:
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        rows = row_numbers(bad[:ROWS_SHOWN].tolist())
        raise InputRefusedError(findings.not_finite(None, rows, bad.size))
    bad = np.flatnonzero((values < 0) | (values > 1))
    if bad.size:
        rows = row_numbers(bad[:ROWS_SHOWN].tolist())
        raise InputRefusedError(own.array_out_of_range(values[bad[0]], rows, bad.size))
    score = values.astype(np.float64)
    if ((values == 0) | (values == 1)).all():
        return Selection(None, (), row_numbers, values == 1, score)
    return Selection(None, (own.array_probabilities(),), row_numbers, values >= THRESHOLD, score)
