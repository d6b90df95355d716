"""Values of columns as arrays: ids and numbers, with findings for what is neither."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.table import Places
from fivesigma_scoring.report import ROWS_SHOWN, Finding

NO_ID = np.iinfo(np.int64).min
ID_BYTES = 128


WrongNumbers = Callable[[str, object, Sequence[int], int], Finding]
"""The finding on text among numbers: column, first of it, places, count."""


def all_finite(series: pl.Series) -> bool:
    """Whether a column of numbers needs no second look; no copy is made to find out."""
    if series.null_count():
        return False
    return series.dtype.is_integer() or (series.dtype.is_float() and series.is_finite().all())


def read_numbers(
    series: pl.Series, name: str, places: Places, wrong: WrongNumbers = findings.not_a_number
) -> tuple[NDArray[np.float64], list[Finding]]:
    """A column as float64 (n,); findings where a value is no finite number, `wrong` on text."""
    if series.dtype.is_integer() and not series.null_count():
        return series.to_numpy().astype(np.float64), []
    if series.dtype == pl.String:
        stripped = series.str.strip_chars()
        numbers = stripped.cast(pl.Float64, strict=False)
        bad = np.flatnonzero((numbers.is_null() & (stripped != "")).fill_null(value=False))
        if bad.size:
            rows = places(bad[:ROWS_SHOWN].tolist())
            first = series[int(bad[0])]
            return np.empty(0), [wrong(name, first, rows, int(bad.size))]
    elif series.dtype.is_numeric():
        numbers = series.cast(pl.Float64)
    else:
        return np.empty(0), [findings.wrong_type(name, str(series.dtype), "finite numbers")]
    values = numbers.to_numpy()
    bad = np.flatnonzero(~np.isfinite(values))
    if not bad.size:
        return values, []
    rows = places(bad[:ROWS_SHOWN].tolist())
    return values, [findings.not_finite(name, rows, int(bad.size))]


def read_ids(
    series: pl.Series, column: str, places: Places, *, integers: bool
) -> tuple[NDArray[Any], list[Finding]]:
    """The id column as int64 (n,) or UTF-8 byte strings (n,).

    Whole numbers beyond 64 bits become `NO_ID`, which no test set contains.
    """
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if not integers:
        return _text_ids(series, column, places)
    if series.dtype.is_integer() or series.dtype == pl.String:
        return _whole_ids(series, column, places)
    if series.dtype.is_float():
        count = len(series)
        rows = places(range(min(count, ROWS_SHOWN)))
        first = series[0] if count else ""
        return np.empty(0, np.int64), [findings.wrong_id_type(column, first, rows, count)]
    wrong = findings.wrong_type(column, str(series.dtype), "whole numbers")
    return np.empty(0, np.int64), [wrong]


def _whole_ids(
    series: pl.Series, column: str, places: Places
) -> tuple[NDArray[np.int64], list[Finding]]:
    if series.dtype == pl.Int64 and not series.null_count():
        return series.to_numpy(), []
    text = series.cast(pl.String).str.strip_chars()
    whole = text.str.contains(r"^[+-]?[0-9]+$").fill_null(value=False)
    bad = np.flatnonzero(~whole.to_numpy())
    if bad.size:
        rows = places(bad[:ROWS_SHOWN].tolist())
        first = text[int(bad[0])]
        if not first:
            return np.empty(0, np.int64), [findings.empty_id(column, rows, int(bad.size))]
        return np.empty(0, np.int64), [findings.wrong_id_type(column, first, rows, int(bad.size))]
    return text.cast(pl.Int64, strict=False).fill_null(NO_ID).to_numpy(), []


def _text_ids(
    series: pl.Series, column: str, places: Places
) -> tuple[NDArray[np.bytes_], list[Finding]]:
    if not (series.dtype.is_integer() or series.dtype == pl.String):
        wrong = findings.wrong_type(column, str(series.dtype), "the ids as text")
        return np.empty(0, "S1"), [wrong]
    text = series.cast(pl.String).str.strip_chars().str.head(ID_BYTES + 1)
    bad = np.flatnonzero((text.is_null() | (text == "")).fill_null(value=True).to_numpy())
    if bad.size:
        rows = places(bad[:ROWS_SHOWN].tolist())
        return np.empty(0, "S1"), [findings.empty_id(column, rows, int(bad.size))]
    encoded = [one.encode() for one in text.to_list()]
    return np.array(encoded, dtype=np.bytes_) if encoded else np.empty(0, "S1"), []
