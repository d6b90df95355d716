"""``.npy``: one value per event in the order of the test file, with numpy.save's plain header."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.parquet import row_numbers
from fivesigma_scoring.prediction import Prediction, PredictionFormat
from fivesigma_scoring.report import ROWS_SHOWN, Finding, InputRefusedError

HEADER_BYTES = 4096
LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
DIGITS = 20
WANTED = "booleans, integers 0/1, or probabilities as float32 or float64"
THRESHOLD = 0.5

_HEADER = re.compile(
    r"\{'descr': (?P<descr>'[^']{1,64}'|\[.*\]), 'fortran_order': (?P<fortran>True|False), "
    r"'shape': (?P<shape>\([0-9, ]*\)), *\} *\n?",
    re.DOTALL,
)
_DTYPE = re.compile(r"'(\|b1|[|<>=]?[iu][1248]|[<>=]?f[248])'")


def read_npy_header(head: bytes, form: PredictionFormat) -> tuple[np.dtype[Any], int]:
    """Data type, and offset of the first value, from the beginning of the file.

    Raises
    ------
    InputRefusedError
        The header is damaged, or describes another array than one value per event.

    """
    start = 8 + LENGTH_BYTES.get(head[6] if len(head) > 6 else 0, 0)
    offset = start + int.from_bytes(head[8:start], "little")
    text = _HEADER.fullmatch(head[start:offset].decode("latin-1"))
    if start == 8 or offset > min(HEADER_BYTES, len(head)) or text is None:
        raise InputRefusedError(findings.cut_short(".npy file"))
    errors = [_dtype_error(text["descr"]), _shape_error(text["shape"], form)]
    if any(errors):
        raise InputRefusedError(*(error for error in errors if error))
    return np.dtype(text["descr"].strip("'")), offset


def _dtype_error(descr: str) -> Finding | None:
    if not _DTYPE.fullmatch(descr):
        return findings.wrong_type(None, descr.strip("'")[:40], WANTED)
    if not np.dtype(descr.strip("'")).isnative:
        return findings.wrong_type(None, f"big-endian {descr.strip(chr(39))}", WANTED)
    return None


def _shape_error(shape: str, form: PredictionFormat) -> Finding | None:
    sizes = [size.strip() for size in shape.strip("()").split(",") if size.strip()]
    if len(sizes) != 1 or not sizes[0].isdigit() or len(sizes[0]) > DIGITS:
        return findings.wrong_shape(shape, form.rows)
    if int(sizes[0]) != form.rows:
        return findings.wrong_row_count(int(sizes[0]), form.rows)
    return None


def read_npy(path: Path, form: PredictionFormat) -> Prediction:
    """Read an array of booleans, 0/1, or probabilities (signal from 0.5 on, with a warning).

    Raises
    ------
    InputRefusedError
        Type, shape, length or a value is wrong.

    """
    with path.open("rb") as stream:
        dtype, offset = read_npy_header(stream.read(HEADER_BYTES), form)
    if path.stat().st_size != offset + form.rows * dtype.itemsize:
        raise InputRefusedError(findings.cut_short(".npy file"))
    values = np.fromfile(path, dtype, offset=offset)
    if dtype.kind == "b":
        return _decisions(values.view(np.uint8), form)
    return _numbers(values) if dtype.kind == "f" else _decisions(values, form)


def _decisions(values: NDArray[Any], form: PredictionFormat) -> Prediction:
    bad = np.flatnonzero((values != 0) & (values != 1))
    if bad.size:
        rows = row_numbers(bad[:ROWS_SHOWN].tolist())
        raise InputRefusedError(findings.bad_array_class(values[bad[0]], rows, bad.size))
    if form.needs_score:
        raise InputRefusedError(findings.missing_score_array())
    return Prediction(None, values == 1, None, (), row_numbers)


def _numbers(values: NDArray[Any]) -> Prediction:
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        rows = row_numbers(bad[:ROWS_SHOWN].tolist())
        raise InputRefusedError(findings.not_finite(None, rows, bad.size))
    bad = np.flatnonzero((values < 0) | (values > 1))
    if bad.size:
        rows = row_numbers(bad[:ROWS_SHOWN].tolist())
        raise InputRefusedError(findings.array_out_of_range(values[bad[0]], rows, bad.size))
    if ((values == 0) | (values == 1)).all():
        return Prediction(None, values == 1, values.astype(np.float64), (), row_numbers)
    warning = findings.array_probabilities()
    score = values.astype(np.float64)
    return Prediction(None, values >= THRESHOLD, score, (warning,), row_numbers)
