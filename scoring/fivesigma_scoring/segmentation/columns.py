"""The columns of a sparse mask: event, where a pixel is, and its class."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.columns import ID_BYTES, NO_ID, read_ids
from fivesigma_scoring.files.table import Column, Places, Schema, find_column
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import ROWS_SHOWN, Finding
from fivesigma_scoring.segmentation import findings as own
from fivesigma_scoring.segmentation.counts import CLASSES
from fivesigma_scoring.segmentation.pieces import Pieces, joined, length, pieces_of

EVENT, VOXEL, CLASS = "event", "voxel", "class"
COORDINATES = {2: ("row", "col"), 3: ("x", "y", "z")}
BYTES_PER_ROW = 32
"""Of two 64-bit numbers, a class, and what sorting them takes."""
BEYOND = NO_ID
"""Stands for a whole number beyond 64 bits."""
PLAIN_INTEGERS = (
    pl.Int8,
    pl.Int16,
    pl.Int32,
    pl.Int64,
    pl.UInt8,
    pl.UInt16,
    pl.UInt32,
)

Read = tuple[Pieces, list[Finding]]


def place_names(names: Sequence[str], axes: int) -> tuple[str, ...]:
    """The columns that say where a pixel is, for a file with the columns `names`."""
    coordinates = COORDINATES.get(axes, ())
    given = [one for one in coordinates if find_column(names, one) is not None]
    return coordinates if given and find_column(names, VOXEL) is None else (VOXEL,)


def most_rows(form: PredictionFormat) -> int:
    """About how many rows are read: no more than fit, nor than twice the pixels there are."""
    most = form.max_expanded_bytes // BYTES_PER_ROW
    return min(most, 2 * form.rows * math.prod(form.shape)) if form.rows else most


def schema(form: PredictionFormat, names: Sequence[str] = ()) -> Schema:
    """What a table of a mask must look like, if its columns are called `names`."""
    most = most_rows(form)
    place = place_names(names, len(form.shape))
    return Schema(
        (
            Column(EVENT, pl.Int64 if form.id_type == "int" else pl.String),
            *(Column(name, pl.Int64) for name in place),
            Column(CLASS, pl.Int16),
        ),
        most // 2,
        form.max_expanded_bytes,
        lambda found: own.too_many_rows(found, most),
    )


def read_events(
    series: pl.Series, places: Places, *, integers: bool
) -> tuple[pl.Series, list[Finding]]:
    """Ids as integers or as text without spaces around; findings where a row has none."""
    if integers and series.dtype in PLAIN_INTEGERS and not series.null_count():
        return series, []
    if not integers and series.dtype in (pl.String, pl.Categorical, pl.Enum):
        text = series.cast(pl.String).str.strip_chars().str.head(ID_BYTES + 1)
        bad = np.flatnonzero((text.is_null() | (text == "")).fill_null(value=True).to_numpy())
        if bad.size:
            rows = places(bad[:ROWS_SHOWN].tolist())
            return text, [findings.empty_id(EVENT, rows, int(bad.size))]
        return text, []
    if not integers and series.dtype.is_integer():
        return read_events(series.cast(pl.String), places, integers=False)
    ids, errors = read_ids(series, EVENT, places, integers=integers)
    return pl.Series(EVENT, ids if integers else []), errors


def read_whole(series: pl.Series, name: str, places: Places) -> Read:
    """A column of whole numbers; `BEYOND` for those past 64 bits."""
    if series.dtype in PLAIN_INTEGERS and not series.null_count():
        return pieces_of(series), []
    if series.dtype == pl.Boolean and not series.null_count():
        return pieces_of(series.cast(pl.UInt8)), []
    if series.dtype.is_integer():
        return _without_nulls(series, name, places)
    if series.dtype == pl.String:
        return _from_text(series.str.strip_chars(), name, places)
    if series.dtype.is_float():
        return (), [own.floats(name, str(series.dtype))]
    if series.dtype == pl.Null:
        return (), _empty(series.is_null(), name, places)
    return (), [findings.wrong_type(name, str(series.dtype), "whole numbers")]


def _without_nulls(series: pl.Series, name: str, places: Places) -> Read:
    if series.null_count():
        return (), _empty(series.is_null(), name, places)
    return pieces_of(series.cast(pl.Int64, strict=False).fill_null(BEYOND)), []


def _empty(flags: pl.Series, name: str, places: Places) -> list[Finding]:
    bad = np.flatnonzero(flags.to_numpy())
    return [own.empty_value(name, places(bad[:ROWS_SHOWN].tolist()), int(bad.size))]


def _from_text(text: pl.Series, name: str, places: Places) -> Read:
    empty = (text.is_null() | (text == "")).fill_null(value=True)
    if empty.any():
        return (), _empty(empty, name, places)
    bad = np.flatnonzero(~text.str.contains(r"^[+-]?[0-9]+$").to_numpy())
    if bad.size:
        rows, first = places(bad[:ROWS_SHOWN].tolist()), text[int(bad[0])]
        fractions = text.gather(bad).cast(pl.Float64, strict=False).null_count() == 0
        return (), [own.not_whole(name, first, rows, int(bad.size), fractions=fractions)]
    return pieces_of(text.cast(pl.Int64, strict=False).fill_null(BEYOND)), []


def class_count(form: PredictionFormat) -> int:
    """Number of classes that a file may name; all 8-bit ones where the classes are not known."""
    return len(form.classes) or CLASSES


def read_classes(
    series: pl.Series, form: PredictionFormat, places: Places
) -> tuple[NDArray[np.uint8], list[Finding]]:
    """The class column, uint8 (n,)."""
    pieces, errors = read_whole(series, CLASS, places)
    if errors:
        return np.empty(0, np.uint8), errors
    return to_classes(pieces, form, lambda bad: (CLASS, places(bad)))


def to_classes(
    pieces: Pieces,
    form: PredictionFormat,
    where: Callable[[Sequence[int]], tuple[str | None, tuple[int, ...]]],
) -> tuple[NDArray[np.uint8], list[Finding]]:
    """Class numbers as uint8 (n,); `where` names column and places of the first bad rows."""
    count = class_count(form)
    classes, start = np.empty(length(pieces), np.uint8), 0
    for piece in pieces:
        if not _fits(piece, count):
            break
        classes[start : start + piece.size] = piece
        start += piece.size
    else:
        return classes, []
    values = joined(pieces)
    bad = np.flatnonzero((values < 0) | (values >= count))
    column, rows = where(bad[:ROWS_SHOWN].tolist())
    first = own.number(values[bad[0]])
    return np.empty(0, np.uint8), [own.bad_class(column, first, form.classes, rows, bad.size)]


def _fits(values: NDArray[np.integer], count: int) -> bool:
    if not values.size:
        return True
    return bool(values.max() < count and (values.dtype.kind == "u" or values.min() >= 0))
