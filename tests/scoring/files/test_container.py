"""What a file is by its first bytes, and directories of zips that lie about their size."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fivesigma_scoring import InputRefusedError
from fivesigma_scoring.files.container import identify, open_head, read_capped
from fivesigma_scoring.files.streams import too_many_entries

HDF5 = b"\x89HDF\r\n\x1a\n"


def archive(count: int, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for number in range(count):
            file.writestr(f"{number}.csv", b"a\n")
        file.comment = comment
    return buffer.getvalue()


def with_big_record(data: bytes, entries: int, length: int, start: int | None = None) -> bytes:
    """Put a 64-bit end record before the plain one, which keeps its own innocent numbers."""
    at = data.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<L", data, at + 16)[0] if start is None else start
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, length, start
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    return data[:at] + record + locator + data[at:]


def test_hdf5_has_a_name_and_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.h5"
    path.write_bytes(HDF5)
    assert identify(HDF5) == "hdf5"
    for read in (lambda: read_capped(path, "hdf5", 100), lambda: open_head(HDF5, "hdf5", 100)):
        with pytest.raises(InputRefusedError, match="The file is an HDF5 file") as refused:
            read()
        assert refused.value.findings[0].code == "wrong_format"


@pytest.mark.parametrize("comment", [b"", b"mine", b"x" * 65535], ids=["none", "short", "longest"])
def test_directories_of_honest_zips(comment: bytes) -> None:
    assert too_many_entries(io.BytesIO(archive(1, comment))) == 0
    assert too_many_entries(io.BytesIO(archive(1400, comment))) == 1400


@pytest.mark.parametrize("comment", [b"", b"x" * 65535], ids=["none", "longest"])
def test_a_64_bit_record_is_judged_since_zipfile_believes_it(
    tmp_path: Path, comment: bytes
) -> None:
    data = archive(1400, comment)
    length = data.rindex(b"PK\x05\x06") - data.index(b"PK\x01\x02")
    lying = bytearray(with_big_record(data, 1400, length))
    end = lying.rindex(b"PK\x05\x06")
    lying[end + 10 : end + 16] = struct.pack("<HL", 1, 46)
    with zipfile.ZipFile(io.BytesIO(lying)) as file:
        assert len(file.infolist()) == 1400
    assert too_many_entries(io.BytesIO(lying)) == 1400
    path = tmp_path / "mine.zip"
    path.write_bytes(lying)
    with pytest.raises(InputRefusedError, match="1,400 files or more"):
        read_capped(path, "zip", 10**6)


def test_a_small_archive_with_a_64_bit_record_is_read(tmp_path: Path) -> None:
    data = archive(1)
    path = tmp_path / "mine.zip"
    path.write_bytes(with_big_record(data, 1, len(data) - data.index(b"PK\x01\x02") - 22))
    assert read_capped(path, "zip", 100) == b"a\n"


@pytest.mark.parametrize("start", [2**63, 2**64 - 1, 2**62, 0])
def test_offsets_that_no_file_has(tmp_path: Path, start: int) -> None:
    """Zipfile adds up numbers of 64 bits, and seeks to the sum."""
    data, path = archive(1), tmp_path / "mine.zip"
    length = data.rindex(b"PK\x05\x06") - data.index(b"PK\x01\x02")
    path.write_bytes(with_big_record(data, 1, length, start))
    with pytest.raises(InputRefusedError):
        read_capped(path, "zip", 100)
    directory = data.index(b"PK\x01\x02")
    entry = bytearray(data[directory : data.rindex(b"PK\x05\x06")])
    extra = struct.pack("<HHQ", 1, 8, start)
    entry[30:32], entry[42:46] = struct.pack("<H", len(extra)), b"\xff" * 4
    end = bytearray(data[-22:])
    end[12:16] = struct.pack("<L", len(entry) + len(extra))
    path.write_bytes(data[:directory] + entry + extra + end)
    if start:
        with pytest.raises(InputRefusedError):
            read_capped(path, "zip", 100)
    else:
        assert read_capped(path, "zip", 100) == b"a\n"


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"PK\x06\x07" + bytes(16) + archive(0)])
def test_ends_that_are_cut_off(data: bytes) -> None:
    with pytest.raises(EOFError):
        too_many_entries(io.BytesIO(data))


def test_damaged_zips(tmp_path: Path) -> None:
    """Every prefix, and seeded noise: text or a refusal, never another error."""
    path, good, draw = tmp_path / "mine.zip", archive(1), np.random.default_rng(5)
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(InputRefusedError):
            read_capped(path, "zip", 100)
    read = 0
    for _ in range(1000):
        data = bytearray(good)
        for at in draw.integers(0, len(data), draw.integers(1, 4)):
            data[at] ^= 1 << draw.integers(0, 8)
        path.write_bytes(data)
        try:
            read += read_capped(path, "zip", 100) == b"a\n"
        except InputRefusedError:
            continue
    assert 0 < read < 1000
