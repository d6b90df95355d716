"""HDF5: links out of the file, chunks that lie, types and shapes that cannot be meant."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from corpus.entry import MASKS, REGRESSION, SELECTION, VOXELS, Entry, accepted, refused
from corpus.making import MIB, dense, made_hdf5, pred

GOOD = pred()
CHUNKED = pred(chunks=(2, 4, 5), compression="gzip")
SHAPE = dense().shape
BLOCK = dense()[:2].tobytes()


def of(values: Any, **options: Any) -> Callable[[], bytes]:
    """A file whose ``/pred`` holds these values."""
    return made_hdf5(lambda file: file.create_dataset("pred", data=values, **options))


def empty(shape: tuple[int, ...], dtype: str = "u1", **options: Any) -> Callable[[], bytes]:
    """A file whose ``/pred`` promises values and has none."""
    return made_hdf5(lambda file: file.create_dataset("pred", shape, dtype, **options))


def on_disk(build: Callable[[h5py.File], object], **options: Any) -> Callable[[], bytes]:
    """As `made`, for what needs a file with a name."""

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.h5"
            with h5py.File(path, "w", **options) as file:
                build(file)
            return path.read_bytes()

    return make


def external(file: h5py.File) -> None:
    """Values in another file of the machine."""
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_external(b"/etc/passwd", 0, 120)
    space = h5py.h5s.create_simple(SHAPE)
    h5py.h5d.create(file.id, b"pred", h5py.h5t.STD_U8LE, space, create)


def virtual(file: h5py.File) -> None:
    """Values in datasets of other files."""
    layout = h5py.VirtualLayout(SHAPE, "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "pred", SHAPE)
    file.create_virtual_dataset("pred", layout)


def virtual_itself(file: h5py.File) -> None:
    """Values in another dataset of the same file."""
    file["real"] = dense()
    layout = h5py.VirtualLayout(SHAPE, "u1")
    layout[:] = h5py.VirtualSource(".", "real", SHAPE)
    file.create_virtual_dataset("pred", layout)


def loop(file: h5py.File) -> None:
    """A link to a link to a link."""
    file["pred"], file["other"] = h5py.SoftLink("/other"), h5py.SoftLink("/pred")


def below_itself(file: h5py.File) -> None:
    """A group that contains itself."""
    file.create_group("pred")["pred"] = file["/"]


def with_filter(code: int, **options: Any) -> Callable[[], bytes]:
    """A dataset with a filter that is optional, so that nobody needs it to write the file."""

    def build(file: h5py.File) -> None:
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_chunk(SHAPE)
        create.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (1, 2, 3))
        h5py.h5d.create(file.id, b"pred", h5py.h5t.STD_U8LE, h5py.h5s.create_simple(SHAPE), create)

    return made_hdf5(build, **options)


def wide_group(count: int) -> Callable[[], bytes]:
    """Many names before the one that is wanted."""

    def build(file: h5py.File) -> None:
        for at in range(count):
            file[f"x{at:05}"] = h5py.SoftLink("/nowhere")

    return made_hdf5(build, libver="latest")


STRUCTURED = np.zeros(6, [("event", "i4"), ("class", "u1")])
TYPES: dict[str, Callable[[], bytes]] = {
    "floats": of(dense() / 2),
    "floats of 16 bits": of(dense().astype("f2")),
    "text": of(np.full(SHAPE, "a", h5py.string_dtype())),
    "bytes": of(np.full(SHAPE, b"a")),
    "lists of variable length": of(
        np.array([np.arange(3)] * 6 + [None], object)[:6], dtype=h5py.vlen_dtype("i4")
    ),
    "records": of(STRUCTURED),
    "references": of(np.array([None] * 6, object), dtype=h5py.ref_dtype),
    "opaque": of(np.zeros(6, "V16")),
    "an enumeration": of(
        dense(), dtype=h5py.enum_dtype({"nothing": 0, "shower": 1, "track": 2}, "u1")
    ),
    "arrays": made_hdf5(lambda file: file.create_dataset("pred", 6, np.dtype(("u1", (4, 5))))),
    "complex numbers": of(dense().astype("c8")),
    "long doubles": of(dense().astype(np.longdouble)),
    "bit fields": made_hdf5(
        lambda file: h5py.h5d.create(
            file.id, b"pred", h5py.h5t.STD_B8LE, h5py.h5s.create_simple(SHAPE)
        )
    ),
    "times": of(np.zeros(SHAPE, h5py.opaque_dtype(np.dtype("M8[s]")))),
}
SHAPES: dict[str, tuple[Callable[[], bytes], str]] = {
    "a scalar": (of(np.uint8(1)), "wrong_shape"),
    "nothing": (of(h5py.Empty("u1")), "wrong_shape"),
    "no events": (of(dense()[:0]), "wrong_shape"),
    "an event too few": (of(dense()[1:]), "wrong_shape"),
    "classes first": (of(np.zeros((3, *SHAPE), "u1")), "wrong_shape"),
    "transposed": (of(dense().transpose(0, 2, 1)), "wrong_shape"),
    "32 axes": (empty((1,) * 32), "wrong_shape"),
    "2^31 by 2^31": (empty((2**31, 2**31), chunks=(1024, 1024)), "zip_bomb"),
    "2^62 events": (empty((2**62, 1), chunks=(1024, 1)), "zip_bomb"),
    "2^63 bytes": (empty((2**60,), "u8", chunks=(1024,)), "wrong_shape"),
    "2 GiB that were never written": (empty((2**31,)), "zip_bomb"),
    "900 MiB that were never written": (empty((900 * MIB,)), "wrong_shape"),
    "a million chunks": (empty((6, 4, 5_000_000), chunks=(1, 1, 5)), "wrong_shape"),
}
PLACES: dict[str, tuple[Callable[[], bytes], str]] = {
    "an external link": (
        made_hdf5(lambda file: file.__setitem__("pred", h5py.ExternalLink("/etc/passwd", "/x"))),
        "wrong_format",
    ),
    "a soft link": (
        made_hdf5(
            lambda file: (
                file.__setitem__("x", dense()),
                file.__setitem__("pred", h5py.SoftLink("/x")),
            )
        ),
        "wrong_format",
    ),
    "links in a circle": (made_hdf5(loop), "wrong_format"),
    "external storage": (made_hdf5(external), "wrong_format"),
    "a virtual dataset": (on_disk(virtual, libver="latest"), "wrong_format"),
    "a virtual dataset of its own": (on_disk(virtual_itself, libver="latest"), "wrong_format"),
    "a group": (made_hdf5(lambda file: file.create_group("pred")), "wrong_format"),
    "a group in itself": (made_hdf5(below_itself), "wrong_format"),
    "a named type": (
        made_hdf5(lambda file: file.__setitem__("pred", np.dtype("u1"))),
        "wrong_format",
    ),
    "no /pred": (made_hdf5(lambda file: file.__setitem__("mask", dense())), "missing_column"),
    "/pred in a group": (
        made_hdf5(lambda file: file.__setitem__("out/pred", dense())),
        "missing_column",
    ),
    "/PRED": (made_hdf5(lambda file: file.__setitem__("PRED", dense())), "missing_column"),
    "an attribute instead": (
        made_hdf5(lambda file: file.attrs.__setitem__("pred", dense())),
        "missing_column",
    ),
    "an empty file": (made_hdf5(lambda file: None), "missing_column"),
    "20,000 names": (wide_group(20_000), "missing_column"),
    "a filter of a plugin": (with_filter(32_001), "wrong_format"),
    "a filter that nobody has": (with_filter(65_000), "wrong_format"),
    "szip": (with_filter(h5py.h5z.FILTER_SZIP), "wrong_format"),
    "n-bit": (with_filter(h5py.h5z.FILTER_NBIT), "wrong_format"),
    "a class too large": (of(dense() + np.uint8(1)), "bad_class_label"),
    "a negative class": (of(dense().astype("i2") * -1), "bad_class_label"),
    "classes of big-endian nonsense": (of(dense().astype(">u4").view("<u4")), "bad_class_label"),
}
ENTRIES: tuple[Entry, ...] = (
    *(
        refused(f"type: {name}", make, "wrong_dtype", to=MASKS, filename="a.h5")
        for name, make in TYPES.items()
    ),
    *(
        refused(f"shape: {name}", make, code, to=MASKS, filename="a.h5")
        for name, (make, code) in SHAPES.items()
    ),
    *(
        refused(name, make, code, to=MASKS, filename="a.h5")
        for name, (make, code) in PLACES.items()
    ),
    refused(
        "a chunk of 2 GiB around a small mask",
        empty(SHAPE, chunks=(6, 4, 90_000_000), maxshape=(6, 4, None)),
        "zip_bomb",
        to=MASKS,
    ),
    refused("a selection", GOOD, "wrong_format", to=SELECTION),
    refused("a regression", GOOD, "wrong_format", to=REGRESSION),
    refused("a volume", of(np.zeros((6, 3, 4), "u1")), "wrong_shape", to=VOXELS),
    refused("a hole of 100 MiB behind it", GOOD[:300], "unreadable", to=MASKS, hole=100 * MIB),
    refused(
        "a user block before it",
        on_disk(lambda file: file.create_dataset("pred", data=dense()), userblock_size=512),
        "unreadable",
        to=MASKS,
    ),
    accepted("HDF5", GOOD, to=MASKS, filename="a.h5"),
    accepted(
        "chunks of 16 MiB around an event each",
        empty(SHAPE, chunks=(1, 4096, 4096), maxshape=(6, None, None), compression="gzip"),
        "all_background",
        to=MASKS,
    ),
    accepted(
        "the latest format",
        made_hdf5(lambda file: file.create_dataset("pred", data=dense()), libver="latest"),
        to=MASKS,
    ),
    accepted("big-endian", of(dense().astype(">i4")), to=MASKS),
    accepted("booleans", of(dense() > 0), "constant_prediction", to=MASKS),
    *(
        accepted(f"stored with {name}", of(dense(), chunks=(2, 4, 5), **options), to=MASKS)
        for name, options in {
            "gzip": {"compression": "gzip"},
            "lzf": {"compression": "lzf"},
            "shuffle and a checksum": {"compression": "gzip", "shuffle": True, "fletcher32": True},
            "scale and offset": {"scaleoffset": 0},
        }.items()
    ),
    accepted(
        "more datasets than needed",
        made_hdf5(lambda file: (file.__setitem__("pred", dense()), file.__setitem__("x", dense()))),
        to=MASKS,
    ),
    accepted("values that were never written", empty(SHAPE), "all_background", to=MASKS),
)
LAYER = "hdf5"
