"""Receiving a file: a push parser over the raw body, into a capped and hashed spool file.

The body is read by hand because a framework's form parser would take all of it before anything is
decided. Here leave is asked for when the file part begins, and the file never grows over its cap.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from ..core.errors import BadRequest, TooLarge
from ..core.pages import size as in_words

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELDS = ("csrf_token", "phase", "message", "metadata")
LARGEST_FIELD = 64 * 1024
FORM_OVERHEAD = 1024 * 1024
BATCH = 1024 * 1024

Admit = Callable[[dict[str, str]], Awaitable[int]]


@dataclass
class Received:
    """A form that has arrived: its text fields, and its file in the spool."""

    path: Path
    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""
    size: int = 0
    sha256: str = ""


class Spool:
    """A temporary file that counts and hashes what is written; gone when the block ends."""

    def __init__(self, folder: Path) -> None:
        handle, name = tempfile.mkstemp(dir=folder, prefix="upload-")
        self.path = Path(name)
        self.size = 0
        self._file = os.fdopen(handle, "wb")
        self._hash = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def finish(self) -> str:
        """All is written: the SHA-256 as hex."""
        self._file.flush()
        return self._hash.hexdigest()


class _Form:
    """What the parser's callbacks have seen so far."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.pending = bytearray()
        self.ended = False
        self._header = ""
        self._value = bytearray()
        self._headers: dict[str, bytes] = {}
        self._name = ""
        self._in_file = False

    def on_part_begin(self) -> None:
        self._headers, self._value, self._header = {}, bytearray(), ""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end].decode("latin-1").lower()

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        known = self._headers.get(self._header, b"")
        self._headers[self._header] = known + data[start:end]

    def on_header_end(self) -> None:
        self._header = ""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file = self._name == "file"
        if self._in_file:
            if self.filename is not None:
                raise BadRequest("Send one file at a time: this form has two.")
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")
        elif self._name not in FIELDS:
            known = ", ".join(("file", *FIELDS))
            raise BadRequest(f"Unknown form field “{self._name[:60]}”. Known are: {known}.")
        elif self._name in self.fields:
            raise BadRequest(f"The form has the field “{self._name}” twice.")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.pending += data[start:end]
            return
        self._value += data[start:end]
        if len(self._value) > LARGEST_FIELD:
            raise TooLarge(f"The form field “{self._name}” is larger than 64 kB.")

    def on_part_end(self) -> None:
        if self._in_file:
            return
        try:
            self.fields[self._name] = self._value.decode("utf-8")
        except UnicodeDecodeError:
            raise BadRequest(f"The form field “{self._name}” is not UTF-8 text.") from None

    def on_end(self) -> None:
        self.ended = True


async def receive(request: Request, spool: Spool, admit: Admit) -> Received:
    """Read a multipart form with one `file`, asking `admit` for leave before its first byte.

    `admit` gets the fields that came before the file and returns the largest size it may have.
    Raises BadRequest for what is no such form (or was cut off) and TooLarge.
    """
    form = _Form()
    cap: int | None = None
    total = 0
    try:
        parser = MultipartParser(_boundary(request), _callbacks(form))
        async for chunk in request.stream():
            parser.write(chunk)
            total += len(chunk)
            if total > (cap or len(chunk)) + FORM_OVERHEAD:
                raise too_large(cap) if cap else TooLarge("The form's fields are too large.")
            if form.filename is not None and cap is None:
                cap = await admit(form.fields)
                _check_announced(request, cap)
            if cap is not None and len(form.pending) >= BATCH:
                await _flush(form, spool, cap)
        parser.finalize()
    except FormParserError as error:
        raise BadRequest(f"The form can't be read: {error}.", code="bad_form") from None
    except ClientDisconnect:
        raise BadRequest("The upload was cut off. Nothing was stored.", code="cut_off") from None
    return await _finish(form, spool, cap)


async def _finish(form: _Form, spool: Spool, cap: int | None) -> Received:
    if form.filename is None or cap is None:
        raise BadRequest("The form has no file. Send it in the field “file”.", code="no_file")
    if not form.ended:
        raise BadRequest("The upload was cut off. Nothing was stored.", code="cut_off")
    await _flush(form, spool, cap)
    sha256 = await run_in_threadpool(spool.finish)
    return Received(spool.path, form.fields, clean_filename(form.filename), spool.size, sha256)


async def _flush(form: _Form, spool: Spool, cap: int) -> None:
    if spool.size + len(form.pending) > cap:
        raise too_large(cap)
    data = bytes(form.pending)
    form.pending.clear()
    await run_in_threadpool(spool.write, data)


def too_large(cap: int) -> TooLarge:
    """The refusal of a file over the cap of its test set."""
    return TooLarge(
        f"The file is larger than {in_words(cap)}, which is the most that is taken here."
    )


def clean_filename(name: str) -> str:
    """The last part of a file's name as sent, without control characters, at most 200 long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(character for character in last if character.isprintable()).strip()
    return printable[-200:] or "submission"


def _check_announced(request: Request, cap: int) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > cap + FORM_OVERHEAD:
        raise too_large(cap)


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise BadRequest("Send the file as multipart/form-data.", code="bad_form")
    return boundary


def _callbacks(form: _Form) -> MultipartCallbacks:
    return {
        "on_part_begin": form.on_part_begin,
        "on_header_field": form.on_header_field,
        "on_header_value": form.on_header_value,
        "on_header_end": form.on_header_end,
        "on_headers_finished": form.on_headers_finished,
        "on_part_data": form.on_part_data,
        "on_part_end": form.on_part_end,
        "on_end": form.on_end,
    }
