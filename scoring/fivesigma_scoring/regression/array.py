"""Regressions as ``.npy``: one value per event and target, in the order of the test file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.npy import HEADER_BYTES, ArrayHeader, read_npy, read_npy_header
from fivesigma_scoring.files.table import row_numbers
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.regression.columns import outside_bounds
from fivesigma_scoring.regression.findings import wrong_shape
from fivesigma_scoring.regression.prediction import Regression
from fivesigma_scoring.report import ROWS_SHOWN, Finding, InputRefusedError

WANTED = "numbers in physical units as float64, or as integers or floats of up to 64 bits"


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
    if header.dtype.kind == "b":
        raise InputRefusedError(findings.wrong_type(None, "bool", WANTED))
    targets = len(form.targets)
    shapes = (1,) if targets == 1 else ()
    if len(header.shape) not in (*shapes, 2) or header.shape[1:] not in ((), (targets,)):
        raise InputRefusedError(wrong_shape(str(header.shape), form.rows, form.targets))
    if header.shape[0] != form.rows:
        raise InputRefusedError(findings.wrong_row_count(header.shape[0], form.rows))
    return header


def read_array(path: Path, form: PredictionFormat) -> Regression:
    """Read floats or integers of shape (n, t), or (n,) for one target.

    Raises
    ------
    InputRefusedError
        Type, shape, length or a value is wrong.

    """
    with path.open("rb") as stream:
        _header(stream.read(HEADER_BYTES), form)
    stored = read_npy(path, WANTED).reshape(form.rows, len(form.targets))
    values = np.array(stored, np.float64, order="C")
    errors = _not_finite(values)
    if not errors:
        for at, name in enumerate(form.targets):
            errors += outside_bounds(values[:, at], name, form, row_numbers)
    if errors:
        raise InputRefusedError(*errors)
    return Regression(None, (), row_numbers, values)


def _not_finite(values: NDArray[Any]) -> list[Finding]:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if not bad.size:
        return []
    return [findings.not_finite(None, row_numbers(bad[:ROWS_SHOWN].tolist()), int(bad.size))]
