"""Containers: what a file is by its first bytes, and decompression that stops at a limit."""

import io
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import zstandard

from fivesigma_scoring import findings
from fivesigma_scoring.files.streams import GZ_FORMAT, ZST_WINDOW, expand
from fivesigma_scoring.report import Finding, InputRefusedError

BOMB_RATIO = 50
HARMLESS = 64 * 2**20
"""So many bytes are kept while they are expanded, however few they came from."""

COMPRESSED = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst", b"PK\x03\x04": "zip"}
TABLES = {b"PAR1": "parquet", b"\x93NUMPY": "npy", b"\x89HDF\r\n\x1a\n": "hdf5"}
FOREIGN = {
    b"PK\x05\x06": "an empty zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"root\x00": "a ROOT file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3\x00": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x80\x02": "a Python pickle, which is never read",
    b"\x80\x03": "a Python pickle, which is never read",
    b"\x80\x04": "a Python pickle, which is never read",
    b"\x80\x05": "a Python pickle, which is never read",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"\x7fELF": "a program",
}
FOREIGN_NAMES = (".pkl", ".pickle", ".joblib")
UTF16 = (b"\xff\xfe", b"\xfe\xff")


def identify(head: bytes) -> str:
    """``gz``, ``zst``, ``zip``, ``parquet``, ``npy``, ``hdf5`` or ``text``, by the first bytes.

    An ``.npz`` is a ``zip``: see `npz.is_npz`.

    Raises
    ------
    InputRefusedError
        The file is empty or of a kind that is not read.

    """
    if not head:
        raise InputRefusedError(findings.empty())
    for magic, name in (COMPRESSED | TABLES).items():
        if head.startswith(magic):
            return name
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            raise InputRefusedError(findings.wrong_format(what))
    if head.startswith(UTF16):
        raise InputRefusedError(findings.not_utf8((1,), 1))
    return "text"


def check_name(filename: str) -> None:
    """Refuse by name what the first bytes do not always give away: old pickles are plain text.

    Raises
    ------
    InputRefusedError
        The name is that of a pickle.

    """
    if filename.lower().endswith(FOREIGN_NAMES):
        raise InputRefusedError(findings.wrong_format("a Python pickle, which is never read"))


def read_capped(path: Path, kind: str, limit: int) -> bytes:
    """The text in `path`, decompressed according to `kind`, at most `limit` bytes.

    Raises
    ------
    InputRefusedError
        The container is damaged, holds something else than one text file, or expands past `limit`.

    """
    _check_readable(kind)
    if kind == "text":
        if path.stat().st_size > limit:
            raise InputRefusedError(findings.too_large(limit, expanded=True))
        return path.read_bytes()
    with path.open("rb") as stream:
        data = _expanded(stream, kind, limit)
    if identify(data) != "text":
        raise InputRefusedError(findings.wrong_archive("something else than CSV"))
    return data


def _check_readable(kind: str) -> None:
    """Where text is read, HDF5 is not."""
    if kind == "hdf5":
        raise InputRefusedError(findings.wrong_format("an HDF5 file"))


def _expanded(stream: BinaryIO, kind: str, limit: int) -> bytes:
    """All of the text; what looks like a bomb is gone through once before it gets memory."""
    buffer, size, kept = io.BytesIO(), 0, True
    for chunk in expand(stream, kind):
        size += len(chunk)
        if size > limit:
            raise InputRefusedError(expands_too_far(stream.tell(), limit))
        if kept and size > max(HARMLESS, BOMB_RATIO * stream.tell()):
            buffer, kept = io.BytesIO(), False
        if kept:
            buffer.write(chunk)
    if not kept:
        stream.seek(0)
        buffer.writelines(expand(stream, kind))
    return buffer.getvalue()


def expands_too_far(sent: int, limit: int) -> Finding:
    """The finding on more than `limit` bytes out of `sent` ones."""
    bomb = limit > BOMB_RATIO * sent
    return findings.zip_bomb(limit) if bomb else findings.too_large(limit, expanded=True)


def open_head(head: bytes, kind: str, limit: int) -> bytes:
    """The first `limit` bytes of text behind `head`, the first bytes of a file; never more work.

    Raises
    ------
    InputRefusedError
        The beginning is not what its magic bytes promise.

    """
    _check_readable(kind)
    try:
        if kind == "gz":
            return zlib.decompressobj(GZ_FORMAT).decompress(head, limit)
        if kind == "zst":
            codec = zstandard.ZstdDecompressor(max_window_size=ZST_WINDOW)
            return codec.stream_reader(head).read(limit)
        if kind == "zip":
            return _zip_head(head, limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise InputRefusedError(findings.cut_short("archive")) from error
    return head[:limit]


def _zip_head(head: bytes, limit: int) -> bytes:
    """Text of the first member; empty where it is a folder, or too far in to be seen."""
    flags, method = (int.from_bytes(head[at : at + 2], "little") for at in (6, 8))
    name, extra = (int.from_bytes(head[at : at + 2], "little") for at in (26, 28))
    body = head[30 + name + extra :]
    if flags & 1:
        raise InputRefusedError(findings.encrypted())
    if method == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-15).decompress(body, limit)
    length = int.from_bytes(head[18:22], "little")
    return body[: min(limit, length)] if method == zipfile.ZIP_STORED else b""
