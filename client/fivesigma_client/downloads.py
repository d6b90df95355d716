"""Fetching a published file: into a `.part`, continued where it was cut, checked, then renamed."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import httpx2

from .answers import File
from .errors import BadAnswer, Misused, Unreachable
from .progress import Seen, Watch
from .transport import Transport, checked

SUFFIX = ".part"


def target_names(files: Sequence[File]) -> dict[str, str]:
    """What each file is called on disk, by its name. Raises BadAnswer for a name that may harm.

    Two files of one file name get the name in front.
    """
    often = Counter(one.filename for one in files)
    return {
        one.name: _harmless(
            one.filename if often[one.filename] == 1 else f"{one.name}-{one.filename}"
        )
        for one in files
    }


def _harmless(name: str) -> str:
    """A name that stays in its folder, is visible, and replaces no configuration of the user."""
    unsafe = any(character in '/\\:*?"<>|' or not character.isprintable() for character in name)
    if not name or unsafe or name.startswith((".", "-", " ")) or len(name.encode()) > 200:
        raise BadAnswer("The server offers a file under a name that is not safe to use.")
    return name


def download_file(
    transport: Transport, path: str, file: File, target: Path, *, force: bool, watch: Watch
) -> Path:
    """Bring `file` to `target`. Raises Misused if something else is there, unless `force`."""
    if target.exists():
        if target.is_file() and _sha256(target) == file.sha256:
            return target
        if target.is_dir() or not force:
            raise Misused(f"{target} is there with other contents. Move it, or use --force.")
    part = target.with_name(target.name + SUFFIX)
    with watch(target.name, file.size) as seen:
        fetch = _Fetch(transport, path, file, part, seen)
        # Twice, as what an earlier run left behind may be of another file.
        for _ in range(2):
            transport.repeat(fetch.go_on)
            if _sha256(part) == file.sha256:
                part.replace(target)
                return target
            part.unlink()
    raise BadAnswer(f"{file.filename} arrives damaged: its SHA-256 is wrong. Try again later.")


class _Fetch:
    """The bytes of one file on their way into its part."""

    def __init__(self, transport: Transport, path: str, file: File, part: Path, seen: Seen) -> None:
        self._transport = transport
        self._path = path
        self._file = file
        self._part = part
        self._seen = seen

    def go_on(self) -> None:
        """Append what is missing. Whatever goes wrong, what has arrived is kept."""
        try:
            with self._part.open("ab") as out:
                have = out.tell()
                if have < self._file.size or have == 0:
                    self._append(out, have)
                out.flush()
                os.fsync(out.fileno())
        finally:
            self._drop_if_empty()

    def _drop_if_empty(self) -> None:
        """A refusal leaves no empty part behind; an empty file is whole as it is."""
        if self._file.size and self._part.is_file() and not self._part.stat().st_size:
            self._part.unlink()

    def _append(self, out: BinaryIO, have: int) -> None:
        # Packed by nobody on the way, so that positions are those of the file.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": f'"{self._file.sha256}"'}
        with self._transport.stream(self._path, headers) as answer:
            if not answer.is_success:
                answer.read()
            checked(answer)
            if have and not _continues(answer, have):
                out.truncate(0)
            self._write(answer, out)
        if out.tell() < self._file.size:
            raise Unreachable(f"The download of {self._file.filename} was cut off.")

    def _write(self, answer: httpx2.Response, out: BinaryIO) -> None:
        # As it arrives: what is gathered into larger pieces first is lost when the line is cut.
        for chunk in answer.iter_raw():
            out.write(chunk)
            self._seen(out.tell())
            if out.tell() > self._file.size:
                return


def _continues(answer: httpx2.Response, have: int) -> bool:
    """Whether the answer begins where the part ends; else it is the whole file."""
    if answer.status_code != 206:
        return False
    if not answer.headers.get("content-range", "").startswith(f"bytes {have}-"):
        raise BadAnswer("The server sent another part of the file than asked for.")
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
