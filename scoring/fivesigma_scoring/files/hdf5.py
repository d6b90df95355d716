"""HDF5: one plain dataset of numbers; all that the file declares is judged before data are read.

The library follows links into other files, loads plugins for filters and allocates what a chunk
promises. None of this is let happen: only datasets of the file itself and the filters below are
read. What a hostile file does to the library's own parser is left to the sandbox.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5, h5d, h5l, h5o, h5pl, h5s, h5t
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files import array_findings
from fivesigma_scoring.files.container import expands_too_far
from fivesigma_scoring.files.hdf5_chunks import check_chunks, check_filters, slabs
from fivesigma_scoring.files.npy import MOST_BYTES, NUMBERS, expanded_bytes
from fivesigma_scoring.report import InputRefusedError

NAMES_LISTED = 1000
DIMENSIONS = 4
WIDEST = 8
LIBRARY_ERRORS = (
    ArithmeticError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)
OTHER_TYPES = {
    h5t.STRING: "text",
    h5t.BITFIELD: "bit fields",
    h5t.OPAQUE: "opaque bytes",
    h5t.COMPOUND: "records",
    h5t.REFERENCE: "references",
    h5t.ENUM: "an enumeration",
    h5t.VLEN: "lists of variable length",
    h5t.ARRAY: "arrays",
}


Look = Callable[[Sequence[int], np.dtype[Any]], None]
"""Refuses a dataset by its shape and type."""


def any_shape(_shape: Sequence[int], _dtype: np.dtype[Any]) -> None:
    """Refuse nothing."""


def hdf5_names(path: Path) -> tuple[str, ...]:
    """Names at the top level, links and groups too; at most a thousand.

    Raises
    ------
    InputRefusedError
        The file is damaged.

    """
    with _opened(path) as file:
        return _names(file)


def read_hdf5(
    path: Path, dataset: str, limit: int, types: str = NUMBERS, look: Look = any_shape
) -> NDArray[Any]:
    """Read a dataset as an array in the machine's byte order; booleans come as uint8.

    Parameters
    ----------
    path
        The file.
    dataset
        Name at the top level, as `hdf5_names` gives it.
    limit
        Cap in bytes on the array, and on what decompression takes beside it.
    types
        Names the types that are meant, for the report.
    look
        Told shape and type before the values get memory; may refuse them.

    Raises
    ------
    InputRefusedError
        The file is damaged, lacks the dataset, or the dataset is not stored in the file itself,
        uses other filters than gzip, lzf, shuffle, fletcher32 and scale-offset, holds no numbers,
        has more than four dimensions, or is larger than `limit`.

    """
    with _opened(path) as file:
        stored = _open_dataset(file, dataset)
        plan = stored.get_create_plist()
        _check_place(plan, dataset)
        check_filters(plan, dataset)
        dtype = _dtype(stored.get_type(), dataset, types)
        shape = _shape(stored.get_space(), dtype, dataset)
        sent = path.stat().st_size
        if expanded_bytes(shape, dtype) > limit:
            raise InputRefusedError(expands_too_far(sent, limit))
        look(shape, dtype)
        if plan.get_layout() != h5d.CHUNKED:
            return _read(stored, shape, dtype)
        check_chunks(stored, plan, shape, sent, limit)
        return _read_chunked(stored, plan, shape, dtype)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with _no_plugins(), h5py.File(path, "r", driver="sec2", locking=False) as file:
            yield file
    except InputRefusedError:
        raise
    except LIBRARY_ERRORS as error:
        raise InputRefusedError(findings.cut_short("HDF5 file")) from error


@contextmanager
def _no_plugins() -> Iterator[None]:
    """Leave the library no folder to load filters from; afterwards its folders are as before."""
    folders = [h5pl.get(at) for at in range(h5pl.size())]
    for _ in folders:
        h5pl.remove(0)
    try:
        yield
    finally:
        for folder in folders:
            h5pl.append(folder)


def _names(file: Any) -> tuple[str, ...]:
    found: list[bytes] = []

    def take(name: bytes) -> bool | None:
        found.append(name)
        return True if len(found) == NAMES_LISTED else None

    file.id.links.iterate(take, order=h5.ITER_NATIVE)
    return tuple(name.decode("utf-8", "replace") for name in found)


def _open_dataset(file: Any, name: str) -> Any:
    key = name.encode()
    if not file.id.links.exists(key):
        raise InputRefusedError(array_findings.missing_array(name, _names(file)))
    if file.id.links.get_info(key).type != h5l.TYPE_HARD:
        raise InputRefusedError(array_findings.odd_dataset(name, "is a link to another place"))
    found = h5o.open(file.id, key)
    if not isinstance(found, h5d.DatasetID):
        raise InputRefusedError(array_findings.odd_dataset(name, "is a group or a type"))
    return found


def _check_place(plan: Any, name: str) -> None:
    if plan.get_layout() == h5d.VIRTUAL:
        what = "is virtual: its values lie elsewhere"
        raise InputRefusedError(array_findings.odd_dataset(name, what))
    if plan.get_external_count():
        what = "keeps its values in another file"
        raise InputRefusedError(array_findings.odd_dataset(name, what))


def _dtype(stored: Any, name: str, types: str) -> np.dtype[Any]:
    kind = stored.get_class()
    if kind in (h5t.INTEGER, h5t.FLOAT) and stored.get_size() in (1, 2, 4, WIDEST):
        native: np.dtype[Any] = stored.dtype.newbyteorder("=")
        return native
    if kind == h5t.ENUM and stored.get_size() == 1 and stored.dtype == bool:
        return np.dtype(np.uint8)
    known = {h5t.INTEGER: "integers", h5t.FLOAT: "floats"}
    found = (
        f"{8 * stored.get_size()}-bit {known[kind]}"
        if kind in known
        else OTHER_TYPES.get(kind, "an unknown kind")
    )
    raise InputRefusedError(findings.wrong_type(name, found, types))


def _shape(space: Any, dtype: np.dtype[Any], name: str) -> tuple[int, ...]:
    if space.get_simple_extent_type() == h5s.NULL:
        raise InputRefusedError(array_findings.impossible_shape("of nothing", name))
    shape = tuple(int(size) for size in space.get_simple_extent_dims())
    if len(shape) > DIMENSIONS or expanded_bytes(shape, dtype) > MOST_BYTES:
        raise InputRefusedError(array_findings.impossible_shape(str(shape), name))
    return shape


def _read(stored: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    values = np.empty(shape, dtype)
    if values.size:
        stored.read(h5s.ALL, h5s.ALL, values)
    return values


def _read_chunked(
    stored: Any, plan: Any, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    values = np.empty(shape, dtype)
    for rows in slabs(plan, shape) if values.size else ():
        part, place = values[rows], stored.get_space()
        place.select_hyperslab((rows.start, *(0 for _ in shape[1:])), part.shape)
        stored.read(h5s.create_simple(part.shape), place, part)
    return values
