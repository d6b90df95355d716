"""Files in each format, good ones unless told otherwise."""

from __future__ import annotations

import gzip
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from corpus.entry import MASKS, SELECTION
from corpus.testsets import MASK_EVENTS, SHAPE, TEST_SETS, pixels

MIB, GIB = 1 << 20, 1 << 30
GOOD = TEST_SETS[SELECTION].sample
LINES = GOOD.splitlines(keepends=True)


def lines(change: Callable[[list[bytes]], list[bytes]], test_set: str = SELECTION) -> bytes:
    """A good CSV whose lines, with their ends, were changed."""
    return b"".join(change(TEST_SETS[test_set].sample.splitlines(keepends=True)))


def swap(old: bytes, new: bytes, test_set: str = SELECTION, count: int = -1) -> bytes:
    """A good CSV in which some bytes were replaced."""
    good = TEST_SETS[test_set].sample
    assert old in good, (old, test_set)
    return good.replace(old, new, count)


def frame(test_set: str = SELECTION) -> pl.DataFrame:
    """A good file as a data frame."""
    tiny = TEST_SETS[test_set]
    return pl.DataFrame(list(tiny.rows), schema=list(tiny.header), orient="row")


def parquet(table: pl.DataFrame | None = None, **options: Any) -> bytes:
    """A Parquet file; by default a good selection."""
    buffer = io.BytesIO()
    (frame() if table is None else table).write_parquet(buffer, **options)
    return buffer.getvalue()


def npy(array: NDArray[Any], version: tuple[int, int] | None = None) -> bytes:
    """What numpy.save writes, objects too."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version, allow_pickle=array.dtype.hasobject)
    return buffer.getvalue()


def npy_with(header: str, body: bytes = b"", version: int = 1, length: int | None = None) -> bytes:
    """An array file with any header, padded as numpy does; `length` lies about its length."""
    size = 2 if version == 1 else 4
    room = -(8 + size + len(header) + 1) % 64
    text = header.encode("latin-1") + b" " * room + b"\n"
    told = len(text) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + told.to_bytes(size, "little") + text + body


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip; the year 1980 makes it the same every day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def zipped_twice(name: str, data: bytes) -> bytes:
    """A zip with the same member twice."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def npz(**arrays: NDArray[Any]) -> bytes:
    """What numpy.savez_compressed writes."""
    return zipped({f"{name}.npy": npy(array) for name, array in arrays.items()})


def mask_columns() -> dict[str, NDArray[Any]]:
    """The good mask as arrays."""
    columns = zip(*pixels(SHAPE), strict=True)
    return {name: np.array(one) for name, one in zip(TEST_SETS[MASKS].header, columns, strict=True)}


def dense() -> NDArray[np.uint8]:
    """The good mask as an array (events, rows, columns)."""
    values = np.zeros((len(MASK_EVENTS), SHAPE[0] * SHAPE[1]), np.uint8)
    for event, index, class_ in pixels(SHAPE):
        values[MASK_EVENTS.index(event), index] = class_
    return values.reshape(-1, *SHAPE)


def hdf5(build: Callable[[h5py.File], object], **options: Any) -> bytes:
    """An HDF5 file."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        build(file)
    return buffer.getvalue()


def made_hdf5(build: Callable[[h5py.File], object], **options: Any) -> Callable[[], bytes]:
    """What makes an HDF5 file, not made yet."""
    return lambda: hdf5(build, **options)


def pred(**options: Any) -> bytes:
    """The good mask as HDF5."""
    return hdf5(lambda file: file.create_dataset("pred", data=dense(), **options))


def gz(data: bytes) -> bytes:
    """A gz without a date."""
    return gzip.compress(data, mtime=0)


def repeated_stream(block: bytes, times: int, wbits: int = -15) -> bytes:
    """A deflate stream of `block`, `times` over, made at the cost of one; its sum is wrong."""
    codec = zlib.compressobj(9, zlib.DEFLATED, wbits)
    first = codec.compress(block) + codec.flush(zlib.Z_FULL_FLUSH)
    again = codec.compress(block) + codec.flush(zlib.Z_FULL_FLUSH)
    return first + again * (times - 1) + codec.flush()


def gz_bomb(head: bytes, block: bytes, times: int, *, honest: bool = False) -> bytes:
    """A gz of `head` and `block`, `times` over, made at the cost of one unless its sum is right."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = stream.compress(head) + stream.flush(zlib.Z_FULL_FLUSH)
    total = zlib.crc32(head)
    for _ in range(times if honest else 0):
        total = zlib.crc32(block, total)
    tail = struct.pack("<LL", total, (len(head) + len(block) * times) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + start + repeated_stream(block, times) + tail
