"""HDF5 files that promise one size and expand to another, and damaged ones."""

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from fivesigma_scoring import InputRefusedError
from fivesigma_scoring.files.hdf5 import hdf5_names, read_hdf5

from .conftest import Measure

MIB = 2**20
GIB = 2**30
VALUES = (np.arange(600, dtype="i2") % 5).reshape(20, 30)


def zeros(mebibytes: int) -> bytes:
    """A gzip stream of zeros, its one block written again and again; only its sum is wrong."""
    codec = zlib.compressobj(9)
    first = codec.compress(bytes(MIB)) + codec.flush(zlib.Z_FULL_FLUSH)
    again = codec.compress(bytes(MIB)) + codec.flush(zlib.Z_FULL_FLUSH)
    return first + again * (mebibytes - 1) + codec.flush()


def chunk_of(path: Path, stored: bytes, size: int, mask: int = 0) -> Path:
    with h5py.File(path, "w") as file:
        pred = file.create_dataset("pred", (size,), "u1", chunks=(size,), compression="gzip")
        pred.id.write_direct_chunk((0,), stored, mask)
    return path


def refusal(path: Path, limit: int = GIB) -> list[str]:
    with pytest.raises(InputRefusedError) as refused:
        read_hdf5(path, "pred", limit)
    return [finding.code for finding in refused.value.findings]


def test_declared_size_decides_between_bomb_and_large(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("pred", data=np.zeros(8 * MIB, "u1"), compression="gzip")
    assert read_hdf5(path, "pred", 8 * MIB).size == 8 * MIB
    assert refusal(path, 8 * MIB - 1) == ["zip_bomb"]
    with h5py.File(path, "w") as file:
        file.create_dataset("pred", data=np.zeros(8 * MIB, "u1"))
    assert refusal(path, 8 * MIB - 1) == ["too_large"]


def test_a_chunk_counts_with_what_lies_outside_the_dataset(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("pred", (5,), "i4", chunks=(MIB,), maxshape=(None,))
    assert read_hdf5(path, "pred", 4 * MIB).shape == (5,)
    assert refusal(path, 4 * MIB - 1) == ["zip_bomb"]
    with h5py.File(path, "w") as file:
        file.create_dataset("pred", (90, 1), "u1", chunks=(1, MIB), maxshape=(90, None))
    assert read_hdf5(path, "pred", 45 * MIB).shape == (90, 1)
    assert refusal(path, 45 * MIB - 1) == ["zip_bomb"]


def test_too_many_chunks(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("pred", (500_001, 2), "u1", chunks=(5, 2))
    with pytest.raises(InputRefusedError) as refused:
        read_hdf5(path, "pred", GIB)
    assert refused.value.findings[0].code == "too_large"
    assert str(refused.value) == (
        "The dataset is cut into 100,001 chunks, which takes too long to read. "
        "Write it with fewer, larger ones."
    )


def test_a_chunk_that_expands_past_itself_takes_no_memory(tmp_path: Path, measure: Measure) -> None:
    """4 GiB in a chunk of 8 MiB: unguarded, the library allocates all of it."""
    codes, peak = measure(read_hdf5, chunk_of(tmp_path / "a.h5", zeros(4096), 8 * MIB), "pred", GIB)
    assert codes == ["unreadable"]
    assert peak < 48 * MIB


def test_a_chunk_just_too_full_and_a_large_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    assert refusal(chunk_of(path, zeros(300), 200 * MIB)) == ["unreadable"]
    noise = np.random.default_rng(2).bytes(MIB)
    assert refusal(chunk_of(path, noise, 8 * MIB)) == ["unreadable"]
    cut = zlib.compress(noise)[: MIB // 2]
    assert refusal(chunk_of(path, cut, 8 * MIB)) == ["unreadable"]


def test_a_large_honest_chunk_is_read(tmp_path: Path, measure: Measure) -> None:
    path, values = tmp_path / "a.h5", np.random.default_rng(2).integers(0, 9, 8 * MIB, np.uint8)
    chunk_of(path, zlib.compress(values, 1), 8 * MIB)
    assert np.array_equal(read_hdf5(path, "pred", GIB), values)
    codes, peak = measure(read_hdf5, path, "pred", GIB)
    assert codes == []
    assert peak < 4 * 8 * MIB
    values[MIB:-MIB] = 0
    chunk_of(path, zlib.compress(values, 1), 8 * MIB)
    assert np.array_equal(read_hdf5(path, "pred", GIB), values)
    chunk_of(path, values.tobytes(), 8 * MIB, mask=1)  # where gzip was not worth it
    assert np.array_equal(read_hdf5(path, "pred", GIB), values)


def test_stored_bytes_beyond_the_chunk(tmp_path: Path) -> None:
    """The stream inside is whole, so that the library would take its first bytes."""
    stored = zlib.compress(np.random.default_rng(2).bytes(2000))
    assert refusal(chunk_of(tmp_path / "a.h5", stored, 64)) == ["unreadable"]


def test_large_lzf_chunks_cannot_be_judged(tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(0, 2, 16 * MIB, np.uint8) * 7
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("pred", data=values, chunks=(16 * MIB,), compression="lzf")
    with pytest.raises(InputRefusedError) as refused:
        read_hdf5(tmp_path / "a.h5", "pred", GIB)
    assert refused.value.findings[0].code == "too_large"
    assert str(refused.value) == (
        "The dataset has lzf chunks of several megabytes. Write smaller ones, or use gzip."
    )


def test_scale_offset_trusts_its_own_number_of_values(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("pred", data=VALUES, chunks=(5, 10), scaleoffset=0)
    data = path.read_bytes()
    honest = struct.pack("<5L", 2, 0, 50, 0, 2)
    assert data.count(honest) == 1
    path.write_bytes(data.replace(honest, struct.pack("<5L", 2, 0, 2**31 - 1, 0, 2)))
    assert refusal(path) == ["unreadable"]


def test_memory_of_many_chunks(tmp_path: Path, measure: Measure) -> None:
    """The library takes kilobytes for each chunk that is read at once."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("pred", (50_000,), "u1", chunks=(1,))
    codes, peak = measure(read_hdf5, path, "pred", GIB)
    assert codes == []
    assert peak < 32 * MIB


def files(path: Path) -> Iterator[bytes]:
    options: list[dict[str, object]] = [
        {},
        {"chunks": (5, 10), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": (5, 10), "compression": "lzf"},
        {"chunks": (5, 10), "scaleoffset": 0},
        {"chunks": (5, 10), "maxshape": (None, None)},
    ]
    for libver in ("earliest", "latest"):
        for one in options:
            with h5py.File(path, "w", libver=libver) as file:
                file.create_dataset("pred", data=VALUES, **one)
            yield path.read_bytes()


def test_truncations(tmp_path: Path) -> None:
    for data in files(tmp_path / "good.h5"):
        for length in range(8, len(data), 29):
            (tmp_path / "a.h5").write_bytes(data[:length])
            assert refusal(tmp_path / "a.h5") == ["unreadable"]
            with pytest.raises(InputRefusedError):
                hdf5_names(tmp_path / "a.h5")


FLIPS = """
import json, random, resource, sys
from pathlib import Path
from fivesigma_scoring.files.hdf5 import hdf5_names, read_hdf5
from fivesigma_scoring.report import InputRefusedError

good, target, first, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
for number in range(first, last):
    draw, data = random.Random(number), bytearray(good.read_bytes())
    for _ in range(draw.choice((1, 1, 1, 2, 8))):
        at = draw.randrange(min(len(data), 3000))
        data[at] ^= draw.choice((255, 1 << draw.randrange(8)))
    target.write_bytes(data)
    try:
        hdf5_names(target)
        outcome = f"read {read_hdf5(target, 'pred', 2**24).nbytes <= 2**24}"
    except InputRefusedError:
        outcome = "refused"
    except Exception as error:
        outcome = repr(error)
    print(json.dumps([number, outcome]), flush=True)
"""


def outcomes(good: Path, target: Path, first: int, last: int) -> Iterator[str]:
    """What became of each damaged copy; a crash of the library counts, and the next one follows."""
    while first < last:
        command = [sys.executable, "-c", FLIPS, str(good), str(target), str(first), str(last)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=250)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        yield from (outcome for _, outcome in lines)
        first = lines[-1][0] + 1 if lines else first
        if done.returncode < 0:
            yield "crashed"
            first += 1
        else:
            assert done.returncode == 0, done.stderr


def test_flipped_bits(tmp_path: Path) -> None:
    """In other processes: a crash of the C library is the sandbox's business, an error is ours."""
    found: list[str] = []
    for number, data in enumerate(files(tmp_path / "good.h5")):
        (tmp_path / "good.h5").write_bytes(data)
        found += outcomes(tmp_path / "good.h5", tmp_path / "a.h5", 50 * number, 50 * number + 50)
    assert len(found) == 500
    assert set(found) <= {"read True", "refused", "crashed"}
    assert found.count("crashed") < 25  # none with HDF5 2.0
    assert found.count("read True") > 100
    assert found.count("refused") > 100
