"""Driving the application's uploads by hand: bodies that are slow, cut, or never end."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

BOUNDARY = "fivesigma-test-boundary"


@dataclass
class Answer:
    """What came back; `read` is how many bytes of the body were taken."""

    status: int
    headers: dict[str, str]
    body: bytes
    read: int

    def json(self) -> Any:
        return json.loads(self.body)


def as_zip(text: bytes) -> bytes:
    """A zip of one CSV."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("prediction.csv", text)
    return file.getvalue()


def multipart(*parts: tuple[str, str | None, bytes], end: bool = True) -> bytes:
    """A form of (name, filename or None, content)."""
    lines = []
    for name, filename, content in parts:
        of_file = f'; filename="{filename}"' if filename is not None else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{of_file}\r\n\r\n'
        lines.append(head.encode() + content + b"\r\n")
    return b"".join(lines) + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def send(
    app: Any,
    path: str,
    chunks: Iterable[bytes],
    *,
    token: str,
    headers: dict[str, str] | None = None,
    before_chunk: Callable[[int], None] = lambda number: None,
    cut: bool = False,
) -> Answer:
    """POST `chunks`; `cut` closes the connection behind the last one."""
    given = {
        "authorization": f"Bearer {token}",
        "content-type": f"multipart/form-data; boundary={BOUNDARY}",
    } | (headers or {})
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("testserver", 80), "state": {},
        "headers": [(key.encode(), value.encode()) for key, value in given.items()],
    }  # fmt: skip
    return asyncio.run(_exchange(app, scope, iter(chunks), before_chunk, cut))


async def _exchange(
    app: Any, scope: Any, chunks: Any, before_chunk: Callable[[int], None], cut: bool
) -> Answer:
    sent: list[Any] = []
    read = number = 0
    ended = False

    async def receive() -> Any:
        nonlocal read, number, ended
        if ended:
            await asyncio.sleep(3600)
        chunk = next(chunks, None)
        if chunk is None:
            ended = True
            return {"type": "http.disconnect"} if cut else {"type": "http.request", "body": b""}
        before_chunk(number)
        number += 1
        read += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def gather(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, gather)
    start = next(each for each in sent if each["type"] == "http.response.start")
    body = b"".join(each.get("body", b"") for each in sent if each["type"] == "http.response.body")
    headers = {key.decode(): value.decode() for key, value in start["headers"]}
    return Answer(start["status"], headers, body, read)
