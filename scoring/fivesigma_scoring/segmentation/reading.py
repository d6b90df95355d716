"""Prediction files of segmentations: sparse tables and archives, dense arrays."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.npy import ArrayHeader
from fivesigma_scoring.files.npz import npz_names, read_npz
from fivesigma_scoring.files.parquet import SPARE_ROWS
from fivesigma_scoring.files.table import Places, find_column, row_numbers
from fivesigma_scoring.files.tables import read_table
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import Finding, InputRefusedError
from fivesigma_scoring.segmentation import findings as own
from fivesigma_scoring.segmentation.columns import (
    CLASS,
    EVENT,
    most_rows,
    place_names,
    read_classes,
    read_events,
    read_whole,
    schema,
)
from fivesigma_scoring.segmentation.dense import (
    check_header,
    dense_mask,
    is_npz_file,
    open_dense,
)
from fivesigma_scoring.segmentation.prediction import DenseMask, SparseMask

TYPES = "whole numbers, such as int32 (class: uint8)"


def read_mask(path: Path, what: str, form: PredictionFormat) -> SparseMask | DenseMask:
    """Read a file of the format `what`.

    Raises
    ------
    InputRefusedError
        The file is refused; its `findings` say why, with line numbers.

    """
    opened = open_dense(path, what, form.max_expanded_bytes, partial(check_header, form))
    return read_sparse(path, what, form) if opened is None else dense_mask(opened, form)


def read_sparse(path: Path, what: str, form: PredictionFormat) -> SparseMask:
    """Read a list of pixels.

    Raises
    ------
    InputRefusedError
        As for `read_mask`.

    """
    if is_npz_file(path, what):
        return _read_archive(path, form)
    table = read_table(path, what, partial(schema, form), form.max_expanded_bytes)
    names = [name for name in table.found.at if name not in (EVENT, CLASS)]
    columns = {name: table[name] for name in (EVENT, *names, CLASS)}
    return sparse_mask(columns, form, table.found.warnings, table.places)


def sparse_mask(
    columns: dict[str, pl.Series],
    form: PredictionFormat,
    warnings: tuple[Finding, ...],
    places: Places,
) -> SparseMask:
    """Check types of the columns by name, event first and class last.

    Raises
    ------
    InputRefusedError
        A column holds other things than whole numbers, or classes that do not exist.

    """
    if not len(columns[CLASS]):
        raise InputRefusedError(own.no_rows(), *warnings)
    event, errors = read_events(columns[EVENT], places, integers=form.id_type == "int")
    names, place = tuple(name for name in columns if name not in (EVENT, CLASS)), []
    for name in names:
        pieces, bad = read_whole(columns[name], name, places)
        place.append(pieces)
        errors += bad
    classes, bad = read_classes(columns[CLASS], form, places)
    errors += bad
    if errors:
        raise InputRefusedError(*errors, *warnings)
    return SparseMask(None, warnings, places, event, names, tuple(place), classes)


def _read_archive(path: Path, form: PredictionFormat) -> SparseMask:
    """The arrays of an NPZ as columns."""
    if form.id_type != "int":
        raise InputRefusedError(own.named_events())
    names = npz_names(path)
    wanted = (EVENT, *place_names(names, len(form.shape)), CLASS)
    meant = [_meant(names, name) for name in wanted]
    read = read_npz(path, meant, form.max_expanded_bytes, TYPES, partial(_look, most_rows(form)))
    renamed = [
        findings.column_renamed(found, name)
        for found, name in zip(meant, wanted, strict=True)
        if found != name
    ]
    unused = [findings.unused_columns(read.extra_names)] if read.extra_names else []
    arrays = dict(zip(wanted, read.arrays.values(), strict=True))
    _check_lengths(arrays)
    columns = {name: pl.Series(name, array) for name, array in arrays.items()}
    return sparse_mask(columns, form, (*renamed, *unused), row_numbers)


def _look(most: int, _name: str, header: ArrayHeader) -> None:
    """Refuse far too many rows.

    Raises
    ------
    InputRefusedError
        A column has more than are read of a table.

    """
    if header.shape and header.shape[0] > most + SPARE_ROWS:
        raise InputRefusedError(own.too_many_rows(header.shape[0], most))


def _meant(names: Sequence[str], wanted: str) -> str:
    at = find_column(names, wanted)
    return wanted if at is None else names[at]


def _check_lengths(arrays: dict[str, NDArray[Any]]) -> None:
    """All of them are columns of one table.

    Raises
    ------
    InputRefusedError
        One has several dimensions, or they differ in length.

    """
    odd = [own.not_a_column(name, str(a.shape)) for name, a in arrays.items() if a.ndim != 1]
    if odd:
        raise InputRefusedError(*odd)
    lengths = [(name, array.size) for name, array in arrays.items()]
    if len({size for _, size in lengths}) > 1:
        raise InputRefusedError(own.unequal_lengths(lengths))
