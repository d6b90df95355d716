"""Content-addressed blobs in any object store, and their local copies.

A blob is named by its SHA-256, so storing one twice is harmless and a name never changes meaning.
Blobs are deleted by housekeeping only, because one may be shared by several rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

CHUNK = 1024 * 1024
PARTS_IN_FLIGHT = 2
FOLDER = ".folder"
LONGEST_RANGE = 4 * CHUNK
TIDY_EVERY_SECONDS = 3600.0
OLDEST_LOCAL_SECONDS = 24 * 3600.0


class Storage:
    """Blobs in the object store at `url`, with a cache of local copies in `folder`."""

    def __init__(self, url: str, folder: Path) -> None:
        self._root: Path | None = None
        if url.startswith("file://"):
            self._root = Path(unquote(urlsplit(url).path))
            self._store: ObjectStore = LocalStore(self._root, mkdir=True)
        else:
            self._store = from_url(url)
        self._cache = folder / "cache"
        self.spool = folder / "spool"
        self._tidy_at = 0.0
        for needed in (self._cache, self.spool):
            needed.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, path: Path, sha256: str | None = None) -> str:
        """Store the file at `path`; returns its SHA-256 (hex), the name of the blob."""
        sha256 = sha256 or file_sha256(path)
        # Parts in flight are held in memory; by default there would be twelve.
        obstore.put(self._store, _key(sha256), path, max_concurrency=PARTS_IN_FLIGHT)
        return sha256

    def exists(self, sha256: str) -> bool:
        """Whether the blob is there."""
        try:
            obstore.head(self._store, _key(sha256))
        except FileNotFoundError:
            return False
        return True

    def delete(self, sha256: str) -> None:
        """Remove the blob; one that is not there is fine."""
        try:
            obstore.delete(self._store, _key(sha256))
        except FileNotFoundError:
            return

    def blobs(self) -> Iterator[tuple[str, datetime]]:
        """Names of all blobs, and when each was last stored."""
        for page in obstore.list(self._store, prefix="blobs"):
            for meta in page:
                yield meta["path"].rsplit("/", 1)[-1], meta["last_modified"]

    def stream(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes of a blob in chunks, from `start`, `length` of them (all by default)."""
        if length == 0:
            return
        # A short range is asked of a remote store; for a long one the blob is fetched to disk.
        if self._root is None and length is not None and length <= LONGEST_RANGE:
            yield bytes(obstore.get_range(self._store, _key(sha256), start=start, length=length))
            return
        with self.local(sha256).open("rb") as file:
            file.seek(start)
            left = length if length is not None else -1
            while chunk := file.read(CHUNK if left < 0 else min(CHUNK, left)):
                left -= len(chunk) if left >= 0 else 0
                yield chunk
                if left == 0:
                    return

    def local(self, sha256: str) -> Path:
        """A local file with the blob's bytes; fetched into the cache if the store is remote.

        Raises FileNotFoundError when there is no such blob.
        """
        if self._root is not None:
            path = self._root / _key(sha256)
            if not path.is_file():
                raise FileNotFoundError(f"blob {sha256} is missing from the store")
            return path
        path = self._cache / sha256
        if not path.is_file():
            self._fetch(sha256, path)
        return path

    def put_folder(self, folder: Path) -> str:
        """Store a folder of plain files as one uncompressed tar blob; returns its SHA-256."""
        with tempfile.NamedTemporaryFile(dir=self.spool, suffix=".tar") as file:
            with tarfile.open(file.name, "w") as archive:
                for path in sorted(folder.rglob("*")):
                    name = str(path.relative_to(folder))
                    archive.add(path, name, recursive=False, filter=_without_owner)
            return self.put(Path(file.name))

    def local_folder(self, sha256: str) -> Path:
        """The folder stored by `put_folder`, unpacked once into the cache."""
        target = self._cache / f"{sha256}{FOLDER}"
        if target.is_dir():
            return target
        unpacked = Path(tempfile.mkdtemp(dir=self._cache))
        with tarfile.open(self.local(sha256)) as archive:
            archive.extractall(unpacked, filter="data")
        try:
            unpacked.rename(target)
        except OSError:  # another process was faster: its copy is as good
            shutil.rmtree(unpacked)
        return target

    def tidy(self) -> None:
        """Delete old local files: copies of remote blobs, and what killed processes left behind.

        Cheap to call often: it looks once an hour. Each host has to do this for its own folder.
        """
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + TIDY_EVERY_SECONDS
        oldest = time.time() - OLDEST_LOCAL_SECONDS
        # Unpacked folders stay: scoring has them mapped into memory, and there are few.
        copies = (path for path in self._cache.iterdir() if path.suffix != FOLDER)
        for path in (*self.spool.iterdir(), *copies):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    _remove(path)

    def _fetch(self, sha256: str, path: Path) -> None:
        handle, name = tempfile.mkstemp(dir=self._cache)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in obstore.get(self._store, _key(sha256)):
                    file.write(chunk)
            Path(name).rename(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Equal folders make equal blobs: whose they are and when they were made is left out."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def _key(sha256: str) -> str:
    return f"blobs/{sha256[:2]}/{sha256}"
