"""HDF5 as people write it, and every way of a dataset to be something else than it seems."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from fivesigma_scoring import InputRefusedError
from fivesigma_scoring.files import hdf5
from fivesigma_scoring.files.hdf5 import hdf5_names, read_hdf5
from h5py import h5d, h5p, h5pl, h5s, h5t, h5z

MASK = (np.arange(2400) % 7).reshape(20, 12, 10).astype("u1")
LIMIT = 2**24

Build = Callable[[h5py.File], Any]


def written(path: Path, build: Build, libver: str | None = None) -> Path:
    with h5py.File(path, "w", libver=libver) as file:
        build(file)
    return path


def refusal(path: Path, limit: int = LIMIT) -> InputRefusedError:
    with pytest.raises(InputRefusedError) as refused:
        read_hdf5(path, "pred", limit)
    assert len(refused.value.findings) == 1
    return refused.value


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": True},
        {"chunks": (3, 5, 10)},
        {"chunks": (1, 1, 1)},
        {"chunks": (20, 12, 10), "maxshape": (None, 12, 10)},
        {"chunks": (64, 64, 64), "maxshape": (None, None, None)},
        {"compression": "gzip"},
        {"compression": "gzip", "compression_opts": 9, "shuffle": True, "fletcher32": True},
        {"compression": "lzf", "shuffle": True},
        {"chunks": (3, 5, 7), "scaleoffset": 0},
        {"scaleoffset": 3, "compression": "gzip"},
        {"fletcher32": True},
    ],
    ids=str,
)
def test_every_storage(tmp_path: Path, options: dict[str, Any], libver: str) -> None:
    path = written(
        tmp_path / "a.h5", lambda file: file.create_dataset("pred", data=MASK, **options), libver
    )
    found = read_hdf5(path, "pred", LIMIT)
    assert found.dtype == np.uint8
    assert np.array_equal(found, MASK)


@pytest.mark.parametrize(
    "dtype", ["bool", "i1", "<i2", ">i2", ">i4", "i8", "u1", ">u8", "f2", "<f4", ">f4", ">f8"]
)
@pytest.mark.parametrize("chunks", [None, (7, 5)])
def test_every_type_comes_in_native_order(tmp_path: Path, dtype: str, chunks: Any) -> None:
    values = (np.arange(200) % 2).reshape(20, 10).astype(dtype)
    path = written(
        tmp_path / "a.h5", lambda file: file.create_dataset("pred", data=values, chunks=chunks)
    )
    found = read_hdf5(path, "pred", LIMIT)
    assert found.dtype == ("u1" if dtype == "bool" else np.dtype(dtype).newbyteorder("="))
    assert found.dtype.isnative
    assert np.array_equal(found, values)


def test_scalars_and_empty_arrays(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5", lambda file: file.create_dataset("pred", data=3))
    assert read_hdf5(path, "pred", LIMIT).shape == ()
    assert read_hdf5(path, "pred", LIMIT) == 3
    written(path, lambda file: file.create_dataset("pred", (0, 5), "u1"))
    assert read_hdf5(path, "pred", LIMIT).shape == (0, 5)
    written(path, lambda file: file.create_dataset("pred", (0, 5), "u1", maxshape=(9, 5)))
    assert read_hdf5(path, "pred", LIMIT).shape == (0, 5)


def test_many_chunks_are_read_in_slabs(tmp_path: Path) -> None:
    values = np.arange(9000).reshape(3000, 3) % 251
    path = written(
        tmp_path / "a.h5", lambda file: file.create_dataset("pred", data=values, chunks=(1, 2))
    )
    assert np.array_equal(read_hdf5(path, "pred", LIMIT), values)


def test_values_that_were_never_written_are_the_fill_value(tmp_path: Path) -> None:
    def build(file: h5py.File) -> None:
        file.create_dataset("pred", (30, 4), "i2", chunks=(7, 3), fillvalue=-5)[3] = 1

    found = read_hdf5(written(tmp_path / "a.h5", build), "pred", LIMIT)
    assert (found[3] == 1).all()
    assert (np.delete(found, 3, axis=0) == -5).all()


def test_names(tmp_path: Path) -> None:
    def build(file: h5py.File) -> None:
        file["Pred"], file["notes/x"], file["é"] = 1, 2, 3
        file["soft"] = h5py.SoftLink("/nowhere")

    assert set(hdf5_names(written(tmp_path / "a.h5", build))) == {"Pred", "notes", "soft", "é"}
    many = written(tmp_path / "b.h5", lambda f: [f.create_group(f"{at:04}") for at in range(1500)])
    assert len(hdf5_names(many)) == 1000


def test_a_hard_link_is_as_good(tmp_path: Path) -> None:
    def build(file: h5py.File) -> None:
        file["deep/mask"] = MASK
        file["pred"] = file["deep/mask"]

    assert np.array_equal(read_hdf5(written(tmp_path / "a.h5", build), "pred", LIMIT), MASK)


def test_folders_of_plugins_are_as_before(tmp_path: Path) -> None:
    def folders() -> list[bytes]:
        return [h5pl.get(at) for at in range(h5pl.size())]

    before = folders()
    assert before
    read_hdf5(written(tmp_path / "a.h5", lambda f: f.create_dataset("pred", data=1)), "pred", 8)
    assert folders() == before
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    refusal(tmp_path / "a.h5")
    assert folders() == before


def test_no_folder_of_plugins_while_a_file_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, check = [], hdf5.check_filters

    def spy(plan: Any, name: str) -> None:
        sizes.append(h5pl.size())
        check(plan, name)

    monkeypatch.setattr(hdf5, "check_filters", spy)
    read_hdf5(written(tmp_path / "a.h5", lambda f: f.create_dataset("pred", data=1)), "pred", 8)
    assert sizes == [0]


def low_level(file: h5py.File, dtype: Any, *filters: tuple[int, tuple[int, ...]]) -> None:
    plan = h5p.create(h5p.DATASET_CREATE)
    if filters:
        plan.set_chunk((10,))
    for code, values in filters:
        plan.set_filter(code, h5z.FLAG_OPTIONAL, values)
    h5d.create(file.id, b"pred", dtype, h5s.create_simple((20,)), plan)


def three_bytes() -> Any:
    dtype = h5t.STD_I32LE.copy()
    dtype.set_size(3)
    return dtype


def wide_boolean() -> Any:
    dtype = h5t.enum_create(h5t.STD_I32LE)
    dtype.enum_insert(b"FALSE", 0)
    dtype.enum_insert(b"TRUE", 1)
    return dtype


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((20, 12, 10), "u1")
    layout[:] = h5py.VirtualSource("other.h5", "pred", (20, 12, 10))
    file.create_virtual_dataset("pred", layout)


DEFLATE, SHUFFLE = (1, (4,)), (2, (1,))
ODD: dict[str, tuple[Build, str]] = {
    "an external link": (
        lambda f: f.__setitem__("pred", h5py.ExternalLink("other.h5", "/pred")),
        "is a link to another place",
    ),
    "a soft link": (
        lambda f: f.__setitem__("pred", h5py.SoftLink("/other")),
        "is a link to another place",
    ),
    "a group": (lambda f: f.create_group("pred"), "is a group or a type"),
    "a type": (lambda f: f.__setitem__("pred", np.dtype("f8")), "is a group or a type"),
    "external storage": (
        lambda f: f.create_dataset("pred", (8,), "u1", external=[("other.h5", 0, 8)]),
        "keeps its values in another file",
    ),
    "virtual": (virtual, "is virtual: its values lie elsewhere"),
    "a plugin's filter": (
        lambda f: low_level(f, h5t.STD_U8LE, (32015, ())),
        "uses the filter 32015 (of a plugin)",
    ),
    "n-bit": (lambda f: low_level(f, h5t.STD_U8LE, (5, ())), "uses the filter 5 (nbit)"),
    "szip": (lambda f: low_level(f, h5t.STD_U8LE, (4, (32, 8))), "uses the filter 4 (szip)"),
    "gzip of gzip": (
        lambda f: low_level(f, h5t.STD_U8LE, DEFLATE, DEFLATE),
        "combines its filters in an unusual way",
    ),
    "shuffled twice": (
        lambda f: low_level(f, h5t.STD_U8LE, SHUFFLE, SHUFFLE, DEFLATE),
        "combines its filters in an unusual way",
    ),
    "lzf of gzip": (
        lambda f: low_level(f, h5t.STD_U8LE, DEFLATE, (32000, ())),
        "combines its filters in an unusual way",
    ),
    "shuffled gzip": (
        lambda f: low_level(f, h5t.STD_U8LE, DEFLATE, SHUFFLE),
        "combines its filters in an unusual way",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_datasets(tmp_path: Path, name: str) -> None:
    """The other file is there, and has what is asked for."""
    written(tmp_path / "other.h5", lambda file: file.create_dataset("pred", data=MASK))
    build, what = ODD[name]
    error = refusal(written(tmp_path / "a.h5", build))
    assert error.findings[0].code == "wrong_format"
    assert str(error).startswith(f'The dataset "pred" {what}. Write it as a plain dataset of the')


TYPES: dict[str, tuple[Build, str]] = {
    "text": (lambda f: f.create_dataset("pred", data=np.array([b"s"])), "text"),
    "long text": (lambda f: f.create_dataset("pred", data=["s", "bb"]), "text"),
    "records": (lambda f: f.create_dataset("pred", (2,), [("a", "i4")]), "records"),
    "lists": (
        lambda f: f.create_dataset("pred", (2,), h5py.vlen_dtype("i4")),
        "lists of variable length",
    ),
    "references": (lambda f: f.create_dataset("pred", (2,), h5py.ref_dtype), "references"),
    "opaque": (lambda f: f.create_dataset("pred", (2,), "V3"), "opaque bytes"),
    "arrays": (
        lambda f: f.create_dataset("pred", (2,), np.dtype(("i4", (2,)))),
        "arrays",
    ),
    "an enumeration": (
        lambda f: f.create_dataset("pred", (2,), h5py.enum_dtype({"s": 1, "b": 0})),
        "an enumeration",
    ),
    "wide booleans": (lambda f: low_level(f, wide_boolean()), "an enumeration"),
    "bit fields": (lambda f: low_level(f, h5t.STD_B8LE), "bit fields"),
    "24 bits": (lambda f: low_level(f, three_bytes()), "24-bit integers"),
    "long double": (
        lambda f: f.create_dataset("pred", (2,), np.longdouble),
        "128-bit floats",
    ),
}


@pytest.mark.parametrize("name", TYPES)
def test_other_types(tmp_path: Path, name: str) -> None:
    build, found = TYPES[name]
    error = refusal(written(tmp_path / "a.h5", build))
    assert error.findings[0].code == "wrong_dtype"
    assert str(error) == (
        f'The column "pred" is of type {found}. Write booleans, integers or floats of up to '
        "64 bits."
    )


def test_complex_numbers(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5", lambda f: f.create_dataset("pred", data=np.ones(2, complex)))
    assert refusal(path).findings[0].code == "wrong_dtype"


SHAPES: dict[str, tuple[Build, str]] = {
    "five dimensions": (lambda f: f.create_dataset("pred", (2, 1, 1, 1, 1), "u1"), "wrong_shape"),
    "nothing": (lambda f: f.create_dataset("pred", data=h5py.Empty("f8")), "wrong_shape"),
    "2^31 by 2^31": (
        lambda f: f.create_dataset("pred", (2**31, 2**31), "u1", chunks=(1, 1)),
        "zip_bomb",
    ),
    "2^62": (lambda f: f.create_dataset("pred", (2**62,), "u1", chunks=(64,)), "zip_bomb"),
    "2^62 doubles": (
        lambda f: f.create_dataset("pred", (2**62,), "f8", chunks=(9,)),
        "wrong_shape",
    ),
    "none of 2^62": (
        lambda f: f.create_dataset("pred", (0, 2**62), "f8", chunks=(1, 9), maxshape=(1, 2**62)),
        "unreadable",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_other_shapes(tmp_path: Path, name: str) -> None:
    build, code = SHAPES[name]
    assert refusal(written(tmp_path / "a.h5", build)).findings[0].code == code


def test_a_missing_dataset(tmp_path: Path) -> None:
    def build(file: h5py.File) -> None:
        for name in ("mask", "x" * 60, *"abcdefgh"):
            file[name] = 1

    error = refusal(written(tmp_path / "a.h5", build))
    assert error.findings[0].code == "missing_column"
    assert error.findings[0].column == "pred"
    assert str(error) == (
        'The array "pred" is missing; the file has: a, b, c, d, e, f, g, h and 2 more. '
        'Write it under the name "pred".'
    )
