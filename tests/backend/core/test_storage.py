"""Blobs by their content: stored once, streamed in parts, folders given back."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from fivesigma_backend.core.storage import Storage

CONTENT = bytes(range(256)) * 8192  # 2 MiB, more than one chunk
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["a folder", "not this machine's"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A store in a folder, and one whose blobs have to be fetched (here from memory)."""
    near = request.param == "a folder"
    return Storage((tmp_path / "store").as_uri() if near else "memory:///", tmp_path / "data")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


def test_a_blob_has_the_name_of_its_content_and_comes_back(storage: Storage, file: Path) -> None:
    assert storage.put(file) == NAME
    assert storage.put(file) == NAME
    assert storage.exists(NAME)
    assert [name for name, _ in storage.blobs()] == [NAME]
    assert storage.local(NAME).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("start", "length"), [(0, None), (10, 5), (0, len(CONTENT)), (2**20 - 1, 2), (len(CONTENT), 0)]
)
def test_any_part_of_a_blob_can_be_streamed(
    storage: Storage, file: Path, start: int, length: int | None
) -> None:
    storage.put(file)
    part = b"".join(storage.stream(NAME, start, length))
    assert part == CONTENT[start : None if length is None else start + length]


def test_a_blob_that_is_not_there_is_said_to_be_missing(storage: Storage) -> None:
    assert not storage.exists(NAME)
    storage.delete(NAME)
    with pytest.raises(FileNotFoundError):
        storage.local(NAME)


def test_equal_folders_are_one_blob_and_come_back_whole(storage: Storage, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for age, folder in enumerate(folders):
        (folder / "inner").mkdir(parents=True)
        (folder / "inner" / "x.txt").write_text("x")
        os.utime(folder / "inner" / "x.txt", (age, age))
    first, second = (storage.put_folder(folder) for folder in folders)
    assert first == second
    given = storage.local_folder(first)
    assert (given / "inner" / "x.txt").read_text() == "x"
    assert storage.local_folder(first) == given


def test_old_local_files_are_cleared_away_and_young_ones_are_not(
    storage: Storage, file: Path, tmp_path: Path
) -> None:
    storage.put(file)
    old, young = storage.spool / "upload-old", storage.spool / "upload-young"
    job = storage.spool / "fivesigma-job-old"
    job.mkdir()
    for path in (old, young):
        path.write_text("x")
    for path in (old, job):
        os.utime(path, (0, 0))
    storage.tidy()
    assert [path.name for path in storage.spool.iterdir()] == ["upload-young"]
    os.utime(young, (0, 0))
    storage.tidy()  # it looked a moment ago
    assert young.exists()
    assert storage.exists(NAME)


def test_unpacked_folders_stay_since_scoring_reads_them(storage: Storage, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "x.txt").write_text("x")
    unpacked = storage.local_folder(storage.put_folder(folder))
    os.utime(unpacked, (0, 0))
    storage.tidy()
    assert (unpacked / "x.txt").read_text() == "x"
