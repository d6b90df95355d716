"""One tar file with a list of SHA-256 at its end, by which a cut or damaged one is known."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

COMPLETE = "complete.json"
CHUNK = 1024 * 1024
LARGEST_LIST = 2**30


class Damaged(Exception):
    """The archive is not as it was written."""


class ArchiveWriter:
    """Adds members to an archive and remembers their SHA-256."""

    def __init__(self, file: IO[bytes], spool: Path) -> None:
        self._archive = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - finish() ends it
        self._spool = spool
        self._sums: dict[str, str] = {}

    @contextmanager
    def member(self, name: str) -> Iterator[IO[bytes]]:
        """A file to write the member `name` to."""
        with tempfile.TemporaryFile(dir=self._spool) as file:
            yield file
            size = file.tell()
            file.seek(0)
            self._sums[name] = _sha256(file)
            file.seek(0)
            self._add(name, size, file)

    def add_text(self, name: str, content: bytes) -> None:
        """A short member."""
        with self.member(name) as file:
            file.write(content)

    def add_file(self, name: str, sha256: str, path: Path) -> None:
        """A file whose SHA-256 is known."""
        with path.open("rb") as file:
            self._sums[name] = sha256
            self._add(name, path.stat().st_size, file)

    def finish(self) -> None:
        """Add the list of what is in the archive, and end it."""
        content = json.dumps(self._sums).encode()
        self._add(COMPLETE, len(content), BytesIO(content))
        self._archive.close()

    def _add(self, name: str, size: int, file: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self._archive.addfile(member, file)


def check_whole(archive: tarfile.TarFile) -> None:
    """Raises Damaged unless every listed member is there and as it was written."""
    try:
        listed = dict(json.loads(read_member(archive, COMPLETE)))
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged("the backup has no end: it was cut off") from error
    for name, sha256 in listed.items():
        try:
            digest = _sha256(open_member(archive, name))
        except KeyError:
            digest = ""
        if digest != sha256:
            raise Damaged(f"the backup is damaged at {name}")


def read_member(archive: tarfile.TarFile, name: str) -> bytes:
    """The content of a short member. Raises KeyError if there is none of this name."""
    return open_member(archive, name).read(LARGEST_LIST)


def open_member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A member to read from. Raises KeyError if there is no file of this name."""
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
