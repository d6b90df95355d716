"""Compressed text as a stream of pieces, whatever the archive claims about its sizes."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO

import zstandard

from fivesigma_scoring import findings
from fivesigma_scoring.report import InputRefusedError

CHUNK = 256 * 1024
GZ_CHUNK, GZ_FORMAT = 16 * 1024, 31
ZST_CHUNK, ZST_WINDOW = 1024, 2**27
PARTS = 100_000
"""Members of a gz or frames of a zst; tools that compress in blocks write one for each 64 KiB."""
DIRECTORY_LIMIT = 64 * 1024
END_OF_DIRECTORY, END_BYTES = b"PK\x05\x06", 22
LOCATOR, LOCATOR_BYTES = b"PK\x06\x07", 20
BIG_END_BYTES = 56
READER_ERRORS = (
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
    zstandard.ZstdError,
)


def expand(stream: BinaryIO, kind: str) -> Iterator[bytes]:
    """The text behind ``gz``, ``zst`` or ``zip``, in pieces of at most a few hundred kilobytes.

    Raises
    ------
    InputRefusedError
        The archive is damaged, or not of exactly one file.

    """
    try:
        yield from {"gz": _gz, "zst": _zst, "zip": _zip}[kind](stream)
    except InputRefusedError:
        raise
    except READER_ERRORS as error:
        raise InputRefusedError(findings.cut_short("archive")) from error


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _gz(stream: BinaryIO) -> Iterator[bytes]:
    """Member by member; zeros between and behind them are nothing."""
    member, parts, rest = zlib.decompressobj(GZ_FORMAT), 1, b""
    while rest := rest or stream.read(GZ_CHUNK):
        if member.eof:
            rest = rest.lstrip(b"\0")
            if not rest:
                continue
            member, parts = zlib.decompressobj(GZ_FORMAT), parts + 1
            _check_parts(parts)
        yield member.decompress(rest, CHUNK)
        rest = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise EOFError


def _zst(stream: BinaryIO) -> Iterator[bytes]:
    """Fed in small pieces: 4 bytes may become 128 KiB, and the object takes no limit on output."""
    codec = zstandard.ZstdDecompressor(max_window_size=ZST_WINDOW)
    frame, parts = codec.decompressobj(), 1
    while chunk := stream.read(ZST_CHUNK):
        rest = chunk
        while rest:
            if frame.eof:
                frame, parts = codec.decompressobj(), parts + 1
                _check_parts(parts)
            yield frame.decompress(rest)
            rest = frame.unused_data if frame.eof else b""
    if not frame.eof:
        raise EOFError


def _check_parts(parts: int) -> None:
    """Each takes its time, even if it is empty."""
    if parts > PARTS:
        raise InputRefusedError(findings.wrong_archive(f"more than {PARTS:,} compressed parts"))


def _zip(stream: BinaryIO) -> Iterator[bytes]:
    entries = too_many_entries(stream)
    if entries:
        raise InputRefusedError(findings.wrong_archive(f"{entries:,} files or more"))
    with zipfile.ZipFile(stream) as archive:
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not member.filename.startswith("__MACOSX/")
        ]
        if len(members) != 1:
            raise InputRefusedError(findings.wrong_archive(f"{len(members):,} files"))
        if members[0].flag_bits & 1:
            raise InputRefusedError(findings.encrypted())
        if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputRefusedError(findings.wrong_archive("an unusual compression method"))
        with archive.open(members[0]) as text:
            yield from _blocks(text)


def too_many_entries(stream: BinaryIO) -> int:
    """Announced number of members where a zip's directory is too large to be read; else 0.

    `zipfile` reads all of the directory into memory, and believes the 64-bit record where there is
    one.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - DIRECTORY_LIMIT - END_BYTES - LOCATOR_BYTES - BIG_END_BYTES))
    tail = stream.read()
    stream.seek(0)
    at = tail.rfind(END_OF_DIRECTORY)
    if at < 0 or len(tail) < at + END_BYTES:
        raise EOFError
    entries, length = struct.unpack_from("<HL", tail, at + 10)
    locator = at - LOCATOR_BYTES
    if tail.startswith(LOCATOR, max(0, locator)):
        if locator < BIG_END_BYTES:
            raise EOFError
        entries, length = struct.unpack_from("<QQ", tail, locator - BIG_END_BYTES + 32)
    return max(1, entries) if length > DIRECTORY_LIMIT else 0
