"""Plain arrays: every type and order that numpy.save writes, and headers that it never would."""

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring import InputRefusedError
from fivesigma_scoring.files.npy import read_npy, read_npy_header
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

TYPES = ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")


def saved(array: np.ndarray, *, version: tuple[int, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version)
    return buffer.getvalue()


def with_header(shape: str, dtype: str = "'|u1'", body: bytes = b"") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + body


def refusal(path: Path, data: bytes) -> list[str]:
    path.write_bytes(data)
    with pytest.raises(InputRefusedError) as refused:
        read_npy(path)
    return [finding.code for finding in refused.value.findings]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_and_version(tmp_path: Path, dtype: str, version: tuple[int, int]) -> None:
    values = (np.arange(24) % 2).reshape(2, 3, 4).astype(dtype)
    path = tmp_path / "a.npy"
    path.write_bytes(saved(values, version=version))
    found = read_npy(path)
    assert found.dtype == ("u1" if dtype == "bool" else dtype)
    assert found.shape == (2, 3, 4)
    assert (found == values).all()
    assert not found.flags.writeable


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(), (7,), (0,), (3, 4), (2, 3, 4), (5, 0, 2), (1, 1, 1, 1)])
def test_every_shape_in_both_orders(tmp_path: Path, shape: tuple[int, ...], order: Any) -> None:
    values = np.arange(np.prod(shape, dtype=int), dtype="i4").reshape(shape)
    path = tmp_path / "a.npy"
    path.write_bytes(saved(values.copy(order=order)))
    found = read_npy(path)
    assert type(found) is np.ndarray
    assert found.shape == shape
    assert np.array_equal(found, values)


def test_nothing_behind_a_header_of_a_whole_page(tmp_path: Path) -> None:
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3), }".ljust(4096 - 11) + b"\n"
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    assert path.stat().st_size == 4096
    assert read_npy(path).shape == (0, 3)


def test_bytes_of_booleans_are_left_to_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(with_header("(3,)", "'|b1'", b"\x00\x02\xff"))
    assert read_npy(path).tolist() == [0, 2, 255]


@settings(deadline=None, max_examples=50)
@given(arrays(np.dtype("f8"), array_shapes(max_dims=4, max_side=4)), st.booleans())
def test_what_numpy_reads_back(
    tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, fortran: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "drawn.npy"
    np.save(path, np.asfortranarray(values) if fortran else values)
    assert np.array_equal(read_npy(path), values, equal_nan=True)


REFUSED = {
    "objects": (saved(np.array([None, 1], dtype=object)), "wrong_dtype"),
    "records": (saved(np.zeros(2, [("a", "<i4")])), "wrong_dtype"),
    "text": (saved(np.array(["s", "b"])), "wrong_dtype"),
    "bytes": (saved(np.array([b"s", b"b"])), "wrong_dtype"),
    "complex": (saved(np.zeros(2, complex)), "wrong_dtype"),
    "dates": (saved(np.zeros(2, "M8[s]")), "wrong_dtype"),
    "time spans": (saved(np.zeros(2, "m8[s]")), "wrong_dtype"),
    "long double": (saved(np.zeros(2, np.longdouble)), "wrong_dtype"),
    "big-endian": (saved(np.zeros(2, ">i4")), "wrong_dtype"),
    "raw bytes": (saved(np.zeros(2, "V3")), "wrong_dtype"),
    "2^31 by 2^31 by 2": (with_header("(2147483648, 2147483648, 2)"), "wrong_shape"),
    "2^31 by 2^31": (with_header("(2147483648, 2147483648)"), "unreadable"),
    "2^62 bytes": (with_header("(4611686018427387904,)"), "unreadable"),
    "2^62 doubles": (with_header("(4611686018427387904,)", "'<f8'"), "wrong_shape"),
    "none of 2^62 doubles": (with_header("(0, 4611686018427387904)", "'<f8'"), "wrong_shape"),
    "sixty digits": (with_header(f"({'9' * 60},)"), "wrong_shape"),
    "forty dimensions": (with_header(f"({'1, ' * 40})"), "wrong_shape"),
    "two numbers in one": (with_header("(1 2,)"), "wrong_shape"),
    "negative": (with_header("(-1,)"), "unreadable"),
    "code": (with_header("(5,)", "__import__('os')"), "unreadable"),
    "brackets": (with_header("(" * 3000), "unreadable"),
    "a header beyond the limit": (
        b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little") + b" " * 9000,
        "unreadable",
    ),
    "version 9": (b"\x93NUMPY\x09\x00\x76\x00{}", "unreadable"),
    "other magic": (b"\x93NUMPX" + saved(np.zeros(2))[6:], "unreadable"),
    "more behind": (saved(np.zeros(2)) + b"x", "unreadable"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    data, code = REFUSED[name]
    assert refusal(tmp_path / "a.npy", data) == [code]


def test_texts_name_the_array() -> None:
    with pytest.raises(InputRefusedError) as refused:
        read_npy_header(saved(np.zeros(2, ">i4")), "class numbers", "class")
    assert str(refused.value) == (
        'The column "class" is of type big-endian >i4. Write class numbers.'
    )
    with pytest.raises(InputRefusedError) as refused:
        read_npy_header(with_header(f"({'9' * 60},)"), name="class")
    assert str(refused.value) == (
        f'The array "class" has the shape ({"9" * 36}.... Send an array of the shape of the sample.'
    )


def test_every_truncation(tmp_path: Path) -> None:
    data = saved(np.arange(20.0))
    for length in range(len(data)):
        assert refusal(tmp_path / "a.npy", data[:length]) == ["unreadable"]


def test_flipped_bits(tmp_path: Path) -> None:
    """Arrays or a refusal, and nothing beyond the file's own size."""
    draw, path, good = random.Random(3), tmp_path / "a.npy", saved(np.arange(20.0).reshape(4, 5))
    read = 0
    for _ in range(500):
        data = bytearray(good)
        for _ in range(draw.choice((1, 1, 3))):
            data[draw.randrange(128)] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        try:
            read += read_npy(path).nbytes == 160
        except InputRefusedError:
            continue
    assert 0 < read < 500
