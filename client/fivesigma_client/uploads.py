"""Sending a file: streamed as a multipart form, its fields before the file, as often as needed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import httpx2

from .errors import Misused
from .progress import Seen, Watch
from .transport import PATIENT, Transport


class WatchedFile(io.FileIO):
    """A file that tells how far it was read."""

    def __init__(self, path: Path, seen: Seen) -> None:
        super().__init__(path, "rb")
        self._seen = seen

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        data = super().read(-1 if size is None else size)
        self._seen(self.tell())
        return data or b""


def clean(text: str) -> str:
    """`text` as it can be sent; what the terminal gave undecoded becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def upload(
    transport: Transport,
    path: str,
    file: Path,
    fields: Mapping[str, str | None],
    *,
    headers: Mapping[str, str] | None = None,
    watch: Watch,
) -> httpx2.Response:
    """POST `file` with the fields that have a value. The caller knows that repeating is safe."""
    if not file.is_file():
        raise Misused(f"{file} is no plain file.")
    given = {name: clean(value) for name, value in fields.items() if value}

    def attempt() -> httpx2.Response:
        # Opened for each attempt, as one may have ended in the middle of the file.
        size = file.stat().st_size
        with watch(file.name, size) as seen, WatchedFile(file, seen) as stream:
            part = (clean(file.name), stream, "application/octet-stream")
            return transport.send(
                "POST",
                path,
                data=given,
                files={"file": part},
                headers=dict(headers or {}),
                timeout=PATIENT,
            )

    return transport.repeat(attempt)
