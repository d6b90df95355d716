"""HDF5: cut files, superblocks of noise, chunks that are not what they declare."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

import h5py

from corpus.entry import MASKS, Entry, accepted, refused
from corpus.making import MIB, dense, made_hdf5, pred, repeated_stream

GOOD = pred()
CHUNKED = pred(chunks=(2, 4, 5), compression="gzip")
SHAPE = dense().shape


def chunk(content: bytes, mask: int = 0, rows: int = 6, **options: Any) -> Callable[[], bytes]:
    """A mask in one chunk with these bytes in it."""

    def build(file: h5py.File) -> None:
        shape = (rows, *SHAPE[1:])
        options.setdefault("compression", "gzip")
        stored = file.create_dataset(
            "pred", SHAPE, "u1", chunks=shape, maxshape=(None, 4, 5), **options
        )
        stored.id.write_direct_chunk((0, 0, 0), content, mask)

    return made_hdf5(build)


def swollen(mebibytes: int) -> Callable[[], bytes]:
    """A chunk that expands past what it declares."""
    return lambda: chunk(repeated_stream(bytes(MIB), mebibytes, 15))()


def twice_gzip(file: h5py.File) -> None:
    """Zeros, compressed and compressed again."""
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_chunk(SHAPE)
    create.set_deflate(9)
    create.set_filter(h5py.h5z.FILTER_DEFLATE, h5py.h5z.FLAG_OPTIONAL, (9,))
    space = h5py.h5s.create_simple(SHAPE)
    stored = h5py.h5d.create(file.id, b"pred", h5py.h5t.STD_U8LE, space, create)
    once = zlib.compress(bytes(64 * MIB), 9)
    stored.write_direct_chunk((0, 0, 0), zlib.compress(once, 9))


def superblock(offset: int, new: bytes) -> bytes:
    return GOOD[:offset] + new + GOOD[offset + len(new) :]


DAMAGED: dict[str, Callable[[], bytes] | bytes] = {
    "the magic alone": GOOD[:8],
    "cut in the superblock": GOOD[:40],
    "cut in the group": GOOD[:200],
    "cut before the values": GOOD[: len(GOOD) // 2],
    "one byte short": GOOD[:-1],
    "chunks cut away": CHUNKED[: len(CHUNKED) // 2],
    "an unknown superblock": superblock(8, b"\xff"),
    "offsets of 255 bytes": superblock(13, b"\xff"),
    "an end of 2^64": superblock(40, b"\xff" * 8),
    "a root that lies elsewhere": superblock(64, struct.pack("<Q", 2**40)),
    "zeros behind the superblock": GOOD[:96] + bytes(len(GOOD) - 96),
    "a superblock of noise": GOOD[:8] + bytes(range(88)) + GOOD[96:],
    "a stream of noise": chunk(b"\x78\x9c" + bytes(range(100))),
    "a stream cut": chunk(zlib.compress(dense().tobytes())[:-9]),
    "a chunk that expands to 64 MiB": swollen(64),
    "a chunk that expands to 2 GiB": swollen(2048),
    "a stream that is too short": chunk(zlib.compress(b"\1\2\1")),
    "a chunk that is too short": chunk(b"\1\2\3", mask=1),
    "a chunk without filters that is too short": chunk(b"\1\2\3", compression=None),
    "a checksum that is wrong": chunk(
        dense().tobytes() + b"\0\0\0\0", fletcher32=True, compression=None
    ),
}


ENTRIES: tuple[Entry, ...] = (
    *(
        refused(f"damaged: {name}", make, "unreadable", to=MASKS, filename="a.h5")
        for name, make in DAMAGED.items()
    ),
    refused("gzip in gzip", made_hdf5(twice_gzip), "wrong_format", to=MASKS),
    accepted(
        "a chunk that is not compressed after all", chunk(dense().tobytes(), mask=1), to=MASKS
    ),
)
LAYER = "hdf5"
