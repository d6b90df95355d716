"""``.npz``: arrays by name in a zip, as numpy.savez writes them, read under limits."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files import array_findings
from fivesigma_scoring.files.container import expands_too_far
from fivesigma_scoring.files.npy import HEADER_BYTES, NUMBERS, ArrayHeader, read_npy_header
from fivesigma_scoring.files.streams import CHUNK, READER_ERRORS, too_many_entries
from fivesigma_scoring.report import InputRefusedError

SUFFIX = ".npy"
ENCRYPTED = 1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
LOCAL_BYTES = 30


@dataclass(frozen=True)
class NpzFile:
    """What was read.

    Attributes
    ----------
    arrays
        Name to array, in the order asked for; booleans come as uint8, byte for byte.
    extra_names
        Members that were not asked for, without ``.npy``.

    """

    arrays: dict[str, NDArray[Any]]
    extra_names: tuple[str, ...]


Look = Callable[[str, ArrayHeader], None]
"""Refuses an array by its name and header."""


def _any_header(_name: str, _header: ArrayHeader) -> None:
    """Refuse nothing."""


def is_npz(head: bytes) -> bool:
    """Whether the first member of a zip, by the file's first bytes, is called ``….npy``."""
    length = int.from_bytes(head[26:28], "little")
    name = head[LOCAL_BYTES : LOCAL_BYTES + length]
    return head.startswith(b"PK\x03\x04") and len(name) == length and name.endswith(b".npy")


def npz_names(path: Path) -> tuple[str, ...]:
    """Names of the arrays in the order of the archive, without ``.npy``.

    Raises
    ------
    InputRefusedError
        The archive is damaged or odd.

    """
    with _opened(path) as archive:
        return tuple(_name(member) for member in _arrays(archive))


def read_npz(
    path: Path,
    wanted: Sequence[str],
    limit: int,
    types: str = NUMBERS,
    look: Look = _any_header,
) -> NpzFile:
    """Read arrays of numbers.

    Parameters
    ----------
    path
        The archive.
    wanted
        Names as `npz_names` gives them.
    limit
        Cap in bytes on the wanted members together, expanded.
    types
        Names the types that are meant, for the report.
    look
        Told the name and the header of each array before it gets memory; may refuse it.

    Raises
    ------
    InputRefusedError
        The archive is damaged or odd, lacks an array, expands past `limit`, or an array is none of
        numbers.

    """
    with _opened(path) as archive:
        members = {_name(member): member for member in _arrays(archive)}
        missing = [name for name in wanted if name not in members]
        if missing:
            raise InputRefusedError(
                *(array_findings.missing_array(name, tuple(members)) for name in missing)
            )
        chosen = {name: members[name] for name in wanted}
        _check_sizes(list(chosen.values()), limit)
        arrays = {name: _read(archive, member, types, look) for name, member in chosen.items()}
        extra = tuple(_name(one) for one in archive.infolist() if one not in chosen.values())
    return NpzFile(arrays, extra)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with path.open("rb") as stream:
            _check_directory(stream)
            with zipfile.ZipFile(stream) as archive:
                _check_names([member.filename for member in archive.infolist()])
                yield archive
    except InputRefusedError:
        raise
    except READER_ERRORS as error:
        raise InputRefusedError(findings.cut_short(".npz file")) from error


def _check_directory(stream: BinaryIO) -> None:
    entries = too_many_entries(stream)
    if entries:
        raise InputRefusedError(array_findings.too_many_members(entries))


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if "/" in name or "\\" in name:
            raise InputRefusedError(array_findings.odd_member(name, "lies in a folder"))
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise InputRefusedError(array_findings.repeated_array(repeated[0].removesuffix(SUFFIX)))


def _arrays(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [member for member in archive.infolist() if member.filename.endswith(SUFFIX)]


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(SUFFIX)


def _check_sizes(members: Sequence[zipfile.ZipInfo], limit: int) -> None:
    """Judge what the directory declares; `_read` takes no more than that out of a member."""
    if any(member.flag_bits & ENCRYPTED for member in members):
        raise InputRefusedError(findings.encrypted())
    for member in members:
        if member.compress_type not in METHODS:
            what = "has an unusual compression method"
            raise InputRefusedError(array_findings.odd_member(member.filename, what))
    if sum(member.file_size for member in members) > limit:
        sent = sum(member.compress_size for member in members)
        raise InputRefusedError(expands_too_far(sent, limit))


def _read(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, types: str, look: Look
) -> NDArray[Any]:
    with archive.open(member) as stream:
        head = stream.read(HEADER_BYTES)
        header = read_npy_header(head, types, _name(member))
        if member.file_size != header.offset + header.nbytes:
            raise EOFError
        look(_name(member), header)
        values = np.empty(header.nbytes, np.uint8)
        _fill(values, head[header.offset :], stream)
    return values.view(header.stored).reshape(header.shape, order=header.order)


def _fill(values: NDArray[np.uint8], first: bytes, stream: IO[bytes]) -> None:
    """Fill `values` to the brim; at its end the stream checks its checksum."""
    room, at, chunk = values.data, 0, first
    while chunk or (chunk := stream.read(CHUNK)):
        room[at : at + len(chunk)] = chunk
        at, chunk = at + len(chunk), b""
    if at != len(room):
        raise EOFError
