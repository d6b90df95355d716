"""Archives of arrays: what numpy.savez and others write, and what nobody should."""

import io
import pickle
import random
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from fivesigma_scoring import InputRefusedError
from fivesigma_scoring.files.npz import is_npz, npz_names, read_npz

from .conftest import Measure

MIB = 2**20
EVENT, VOXEL = np.arange(6, dtype="i8"), np.array([5, 1, 2, 3, 9, 9], "u4")
CLASS = np.array([1, 2, 1, 1, 3, 4], "u1")
WANTED = ("event", "voxel", "class")


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


MEMBERS = (("event.npy", npy(EVENT)), ("voxel.npy", npy(VOXEL)), ("class.npy", npy(CLASS)))
GOOD = zipped(*MEMBERS)


def refusal(path: Path, data: bytes, wanted: tuple[str, ...] = WANTED) -> InputRefusedError:
    path.write_bytes(data)
    with pytest.raises(InputRefusedError) as refused:
        read_npz(path, wanted, 10 * MIB)
    return refused.value


def declared(data: bytes, expanded: int) -> bytes:
    """Let the directory promise another size for its first member; the member keeps its own."""
    at = data.index(b"PK\x01\x02") + 24
    return data[:at] + struct.pack("<L", expanded) + data[at + 4 :]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_as_numpy_writes_it(tmp_path: Path, save: type(np.savez)) -> None:
    path = tmp_path / "mine.npz"
    mask = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    save(path, event=EVENT, mask=mask, flag=np.array([True, False]), none=np.empty((0, 3)))
    assert is_npz(path.read_bytes()[:100])
    assert npz_names(path) == ("event", "mask", "flag", "none")
    found = read_npz(path, ("mask", "flag", "none"), 10 * MIB)
    assert list(found.arrays) == ["mask", "flag", "none"]
    assert np.array_equal(found.arrays["mask"], mask)
    assert found.arrays["flag"].tolist() == [1, 0]
    assert found.arrays["flag"].dtype == np.uint8
    assert found.arrays["none"].shape == (0, 3)
    assert found.extra_names == ("event",)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_as_others_write_it(tmp_path: Path, method: int) -> None:
    path = tmp_path / "mine.npz"
    path.write_bytes(zipped(*MEMBERS, ("README.txt", b"hello"), method=method))
    found = read_npz(path, WANTED, 10 * MIB)
    assert np.array_equal(found.arrays["event"], EVENT)
    assert np.array_equal(found.arrays["voxel"], VOXEL)
    assert np.array_equal(found.arrays["class"], CLASS)
    assert found.extra_names == ("README.txt",)
    assert npz_names(path) == WANTED


def test_the_first_member_tells_it_from_a_zip_of_text() -> None:
    assert is_npz(GOOD[:64])
    assert not is_npz(zipped(("mine.csv", b"a\n")))
    assert not is_npz(GOOD[:35])
    assert is_npz(GOOD[:39])
    assert not is_npz(GOOD[:26] + b"\x0a\x00" + GOOD[28:39])
    assert not is_npz(b"")
    assert not is_npz(npy(EVENT))
    assert not is_npz(b"PK\x03\x04" + GOOD[4:26] + b"\xff\xff" + GOOD[28:100])


def test_a_long_array_fills_to_its_end(tmp_path: Path) -> None:
    path, values = tmp_path / "mine.npz", np.random.default_rng(1).integers(0, 99, 3 * MIB // 8)
    for save in (np.savez, np.savez_compressed):
        save(path, a=values)
        assert np.array_equal(read_npz(path, ["a"], 4 * MIB).arrays["a"], values)


def test_limits_count_the_wanted_members_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    noise = np.random.default_rng(1).bytes(4000)
    path.write_bytes(
        zipped(("a.npy", npy(np.frombuffer(noise, "u1"))), ("b.npy", npy(np.zeros(9 * MIB))))
    )
    assert read_npz(path, ["a"], 4128).arrays["a"].tobytes() == noise
    for wanted, limit, code in ((["a"], 4127, "too_large"), (["a", "b"], 10 * MIB, "zip_bomb")):
        with pytest.raises(InputRefusedError) as refused:
            read_npz(path, wanted, limit)
        assert refused.value.findings[0].code == code


def encrypted() -> bytes:
    data = bytearray(GOOD)
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def repeated() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped(*MEMBERS, MEMBERS[0])


def with_method(number: int) -> bytes:
    data = bytearray(GOOD)
    data[8] = data[data.index(b"PK\x01\x02") + 10] = number
    return bytes(data)


def in_place_of_events(data: bytes) -> bytes:
    return zipped(("event.npy", data), *MEMBERS[1:])


REFUSED = {
    "objects": (
        in_place_of_events(npy(np.array([None], dtype=object))),
        "wrong_dtype",
        'The column "event" is of type |O. Write booleans, integers or floats of up to 64 bits.',
    ),
    "pickle": (
        in_place_of_events(pickle.dumps([1])),
        "unreadable",
        "The .npy file is damaged or ends too early. Write it again and send the whole file.",
    ),
    "archive in an archive": (in_place_of_events(GOOD), "unreadable", "The .npy file is damaged"),
    "2^31 by 2^31": (
        in_place_of_events(
            npy(EVENT).replace(b"(6,), }" + b" " * 24, b"(2147483648, 2147483648), }    ")
        ),
        "wrong_shape",
        'The array "event" has the shape (2147483648, 2147483648). '
        "Send an array of the shape of the sample.",
    ),
    "missing": (
        zipped(*MEMBERS[:2], ("x.txt", b"")),
        "missing_column",
        'The array "class" is missing; the file has: event, voxel. '
        'Write it under the name "class".',
    ),
    "no arrays": (
        zipped(("x.txt", b"")),
        "missing_column",
        'The array "event" is missing; the file has: nothing. Write it under the name "event".',
    ),
    "repeated": (
        repeated(),
        "unexpected_column",
        'The array "event" appears more than once. Keep one of them.',
    ),
    "encrypted": (
        encrypted(),
        "unreadable",
        "The zip archive is protected by a password. Send it without one.",
    ),
    "in a folder": (
        zipped(*((f"out/{name}", data) for name, data in MEMBERS)),
        "wrong_format",
        'The member "out/event.npy" of the .npz file lies in a folder. '
        "Save the arrays with numpy.savez_compressed.",
    ),
    "outside": (zipped(("..\\event.npy", b"")), "wrong_format", 'The member "..'),
    "bzip2": (
        zipped(*MEMBERS, method=zipfile.ZIP_BZIP2),
        "wrong_format",
        'The member "event.npy" of the .npz file has an unusual compression method. '
        "Save the arrays with numpy.savez_compressed.",
    ),
    "unknown method": (with_method(99), "wrong_format", 'The member "event.npy" of'),
    "a size too small": (declared(GOOD, 128), "unreadable", "The .npz file is damaged"),
    "a size too large": (declared(GOOD, 200), "unreadable", "The .npz file is damaged"),
    "a size beyond the limit": (declared(GOOD, 2**31), "zip_bomb", "The file expands"),
    "more values than the header says": (
        in_place_of_events(npy(EVENT) + b"x"),
        "unreadable",
        "The .npz file is damaged",
    ),
    "fewer values than the header says, and their own sum": (
        declared(in_place_of_events(npy(np.arange(9))[:176]), 200),
        "unreadable",
        "The .npz file is damaged",
    ),
    "wrong sum": (
        zipped(*MEMBERS, method=zipfile.ZIP_STORED).replace(npy(EVENT)[-8:], b"\1" * 8, 1),
        "unreadable",
        "The .npz file is damaged or ends too early. Write it again and send the whole file.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    data, code, text = REFUSED[name]
    error = refusal(tmp_path / "mine.npz", data)
    assert error.findings[0].code == code
    assert str(error).startswith(text)
    assert len(error.findings) == (3 if name == "no arrays" else 1)


def test_a_lying_local_header_changes_nothing(tmp_path: Path) -> None:
    """Sizes are taken from the directory, which is where they were judged."""
    path = tmp_path / "mine.npz"
    data = bytearray(GOOD)
    data[18:26] = struct.pack("<LL", 2**31, 2**31 - 1)
    path.write_bytes(data)
    assert np.array_equal(read_npz(path, WANTED, 10 * MIB).arrays["event"], EVENT)


def test_an_offset_of_64_bits(tmp_path: Path) -> None:
    directory, end = GOOD.index(b"PK\x01\x02"), GOOD.rindex(b"PK\x05\x06")
    entry, extra = bytearray(GOOD[directory:end]), struct.pack("<HHQ", 1, 8, 2**64 - 1)
    entry[30:32], entry[42:46] = struct.pack("<H", len(extra)), b"\xff" * 4
    entry[46 + 9 : 46 + 9] = extra
    tail = bytearray(GOOD[end:])
    tail[12:16] = struct.pack("<L", len(entry))
    error = refusal(tmp_path / "mine.npz", GOOD[:directory] + entry + tail)
    assert error.findings[0].code == "unreadable"


def test_seventy_thousand_members(tmp_path: Path) -> None:
    error = refusal(tmp_path / "mine.npz", zipped(*((f"{at}.npy", b"") for at in range(70_000))))
    assert error.findings[0].code == "wrong_format"
    assert str(error) == (
        "The .npz file contains 70,000 members or more. Save the needed arrays alone with "
        "numpy.savez_compressed."
    )


def test_bombs_take_no_memory(tmp_path: Path, measure: Measure) -> None:
    """256 MiB of zeros behind a member, once declared and once under another's size."""
    path, header = tmp_path / "mine.npz", npy(np.zeros(2**28, "u1"))[:128]
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w") as a,
    ):
        a.write(header)
        for _ in range(256):
            a.write(bytes(MIB))
    codes, peak = measure(read_npz, path, ["a"], 2**28)
    assert codes == ["zip_bomb"]
    assert peak < 16 * MIB
    data = declared(path.read_bytes(), 4128).replace(b"(268435456,)", b"(4000,)     ")
    path.write_bytes(data)
    codes, peak = measure(read_npz, path, ["a"], 2**28)
    assert codes == ["unreadable"]
    assert peak < 16 * MIB


def test_a_good_file_takes_its_own_size(tmp_path: Path, measure: Measure) -> None:
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, a=np.zeros(64 * MIB, "u1"))
    codes, peak = measure(read_npz, path, ["a"], 2**30)
    assert codes == []
    assert 60 * MIB < peak < 80 * MIB


def test_every_truncation(tmp_path: Path) -> None:
    for length in range(len(GOOD)):
        assert refusal(tmp_path / "mine.npz", GOOD[:length]).findings[0].code == "unreadable"


def test_flipped_bits(tmp_path: Path) -> None:
    draw, path, read = random.Random(4), tmp_path / "mine.npz", 0
    for _ in range(1000):
        data = bytearray(GOOD)
        for _ in range(draw.choice((1, 1, 3))):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        try:
            npz_names(path)
            found = read_npz(path, WANTED, MIB)
        except InputRefusedError:
            continue
        assert [zlib.crc32(found.arrays[name].tobytes()) for name in WANTED] == [
            zlib.crc32(array.tobytes()) for array in (EVENT, VOXEL, CLASS)
        ]
        read += 1
    assert 0 < read < 1000
