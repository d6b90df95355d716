"""Dense masks: ``.npy``, HDF5 ``/pred`` or the array ``pred`` of an NPZ, shape (events, ...)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.hdf5 import Look, any_shape, read_hdf5
from fivesigma_scoring.files.npy import HEADER_BYTES, ArrayHeader, read_npy, read_npy_header
from fivesigma_scoring.files.npz import is_npz, npz_names, read_npz
from fivesigma_scoring.files.table import row_numbers
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import ROWS_SHOWN, Finding, InputRefusedError
from fivesigma_scoring.segmentation import findings as own
from fivesigma_scoring.segmentation.columns import class_count
from fivesigma_scoring.segmentation.pieces import BLOCK
from fivesigma_scoring.segmentation.prediction import DenseMask

PRED, EVENTS = "pred", "events"
WANTED = "class numbers as integers, such as uint8"
MOST_AXES = 2

Opened = tuple[NDArray[Any], NDArray[Any] | None]
"""Values (events, ...), and ids of the events where the file has them."""


def look_array(what: str, head: bytes, size: int, form: PredictionFormat) -> list[Finding] | None:
    """Judge an array file by its first bytes and its size in bytes; None for tables.

    Raises
    ------
    InputRefusedError
        Type or shape is wrong.

    """
    if what == "zip":
        return [] if is_npz(head) else None
    if what not in ("npy", "hdf5"):
        return None
    if len(form.shape) > MOST_AXES:
        raise InputRefusedError(own.dense_3d())
    if what == "hdf5":
        return []
    header = read_npy_header(head[:HEADER_BYTES], WANTED)
    check_header(form, header.shape, header.dtype)
    whole = size == header.offset + header.nbytes
    return [] if whole else [findings.cut_short(".npy file")]


def open_dense(path: Path, what: str, limit: int, look: Look = any_shape) -> Opened | None:
    """The array of a dense mask, whatever its shape; None for a sparse one.

    Parameters
    ----------
    path, what
        The file and its format as `container.identify` says.
    limit
        Cap in bytes on what is read.
    look
        Told shape and type before the values get memory; may refuse them.

    Raises
    ------
    InputRefusedError
        The file is damaged, or holds no such array.

    """
    if what == "npy":
        return read_npy(path, WANTED), None
    if what == "hdf5":
        return read_hdf5(path, PRED, limit, WANTED, look), None
    if not is_npz_file(path, what):
        return None
    names = npz_names(path)
    if PRED not in names:
        return None
    wanted = [name for name in (PRED, EVENTS) if name in names]
    arrays = read_npz(path, wanted, limit, WANTED, partial(_look, look)).arrays
    return arrays[PRED], arrays.get(EVENTS)


def _look(look: Look, name: str, header: ArrayHeader) -> None:
    if name == PRED:
        look(header.shape, header.dtype)


def check_header(form: PredictionFormat, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    """Hold shape and type of an array against the format.

    Raises
    ------
    InputRefusedError
        One of them is wrong.

    """
    _check_shape(shape, form)
    _check_type(dtype)


def is_npz_file(path: Path, what: str) -> bool:
    """Whether a file of the format `what` is an NPZ."""
    if what != "zip":
        return False
    with path.open("rb") as stream:
        return is_npz(stream.read(HEADER_BYTES))


def dense_mask(opened: Opened, form: PredictionFormat) -> DenseMask:
    """Check an array against the format.

    Raises
    ------
    InputRefusedError
        Type, shape or a class number is wrong.

    """
    values, ids = opened
    check_header(form, values.shape, values.dtype)
    check_numbers(values, form)
    return DenseMask(None if ids is None else _ids(ids, form), (), row_numbers, values)


def _check_shape(found: Sequence[int], form: PredictionFormat) -> None:
    if len(form.shape) > MOST_AXES:
        raise InputRefusedError(own.dense_3d())
    wanted = (form.rows, *form.shape)
    if tuple(found) != wanted:
        raise InputRefusedError(own.wrong_mask_shape(found, wanted, len(form.classes)))


def _check_type(dtype: np.dtype[Any]) -> None:
    if dtype.kind == "f":
        raise InputRefusedError(own.floats(None, dtype.name))


def check_numbers(values: NDArray[Any], form: PredictionFormat) -> None:
    """Hold the class numbers of a dense mask (events, ...) against those that exist.

    Raises
    ------
    InputRefusedError
        There are others; the report names the first places on the first axis.

    """
    count = class_count(form)
    flat = values.ravel(order="K")
    if values.dtype.kind == "u" and np.iinfo(values.dtype).max < count:
        return
    if all(_within(flat[at : at + BLOCK], count) for at in range(0, flat.size, BLOCK)):
        return
    wrong = (values < 0) | (values >= count)
    places = np.flatnonzero(wrong.reshape(len(values), -1).any(axis=1))[:ROWS_SHOWN]
    first = own.number(values[wrong][0])
    rows = row_numbers(places.tolist())
    bad = int(np.count_nonzero(wrong))
    raise InputRefusedError(own.bad_class(None, first, form.classes, rows, bad))


def _within(block: NDArray[Any], count: int) -> bool:
    return bool(block.max() < count and (block.dtype.kind == "u" or block.min() >= 0))


def _ids(ids: NDArray[Any], form: PredictionFormat) -> NDArray[np.int64]:
    if form.id_type != "int":
        raise InputRefusedError(own.named_events())
    if ids.shape != (form.rows,):
        wanted = (form.rows,)
        raise InputRefusedError(own.wrong_events(ids.shape, wanted))
    if ids.dtype.kind not in "iu":
        raise InputRefusedError(own.floats(EVENTS, ids.dtype.name))
    return ids.astype(np.int64)
