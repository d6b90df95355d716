"""A challenge's folder that came as a zip: unpacked under limits, with nothing but plain files."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from ..core.storage import CHUNK
from .definition import FILE_NAME, DefinitionError
from .definition_model import check_path
from .folder import MOST_FILES

LARGEST_ZIP = 1024**3
LARGEST_FOLDER = 4 * 1024**3
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1
JUNK = ("__MACOSX/",)


def unpack_zip(path: Path, folder: Path, *, largest: int = LARGEST_FOLDER) -> None:
    """Write the files of a zip into a new `folder`; one folder around all of them is left out.

    What counts against `largest` are the bytes that come out, not those that the zip announces.
    Raises DefinitionError for what is no zip, or not one of plain files with safe names.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(archive, folder, largest)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        if isinstance(error, DefinitionError):
            raise
        raise DefinitionError([f"the zip can't be read: {error}; pack the folder again"]) from error


def _unpack(archive: zipfile.ZipFile, folder: Path, largest: int) -> None:
    members = _plain_files(archive)
    around = _folder_around([name for name, _ in members])
    folder.mkdir()
    left = largest
    for name, member in members:
        target = folder / name.removeprefix(around)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, target.open("xb") as file:
            left -= _copy(source, file, left)


def _plain_files(archive: zipfile.ZipFile) -> list[tuple[str, zipfile.ZipInfo]]:
    """The files by checked paths. Nothing is written yet."""
    members = archive.infolist()
    if len(members) > MOST_FILES:
        raise DefinitionError([f"the zip has more than {MOST_FILES:,} files; pack some together"])
    found: dict[str, zipfile.ZipInfo] = {}
    problems = []
    for member in members:
        if member.is_dir() or member.filename.startswith(JUNK):
            continue
        if problem := _problem(member, found):
            problems.append(problem)
        else:
            found[str(Path(member.filename))] = member
    problems += [
        f'"{name}" is both a file and a folder in the zip'
        for name in found
        if any(str(one) in found for one in Path(name).parents)
    ]
    if problems:
        raise DefinitionError(problems[:20])
    if not found:
        raise DefinitionError([f"the zip is empty; pack the folder that holds {FILE_NAME}"])
    return list(found.items())


def _problem(member: zipfile.ZipInfo, found: dict[str, zipfile.ZipInfo]) -> str | None:
    name = member.filename
    try:
        check_path(name)
    except ValueError:
        return f"{name[:200]!r}: expected a path inside the folder"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return f'"{name}" is a link or no plain file; pack what it points to'
    if member.flag_bits & ENCRYPTED:
        return f'"{name}" is encrypted; pack the folder without a password'
    if member.compress_type not in METHODS:
        return f'"{name}" is packed in a way that is not read here; use plain zip (deflate)'
    if str(Path(name)) in found:
        return f'"{name}" is in the zip twice'
    return None


def _folder_around(names: list[str]) -> str:
    """The one folder that all files are in, if the definition is in it: people zip folders."""
    first = names[0].split("/", 1)[0] + "/"
    if FILE_NAME not in names and all(name.startswith(first) for name in names):
        return first if first + FILE_NAME in names else ""
    return ""


def _copy(source: IO[bytes], file: IO[bytes], left: int) -> int:
    written = 0
    while chunk := source.read(CHUNK):
        written += len(chunk)
        if written > left:
            raise DefinitionError(["the zip unpacks to more than is taken here; leave data out"])
        file.write(chunk)
    return written
