"""Looking at a challenge's folder: which files there are, and whether it may be trusted."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.storage import file_sha256
from .definition import FILE_NAME, Definition, DefinitionError

LARGEST_TEXT = 1024 * 1024
MOST_FILES = 10_000


@dataclass(frozen=True)
class FolderFile:
    """A plain file of a challenge's folder."""

    path: Path
    size: int
    sha256: str


Inventory = Mapping[str, FolderFile]


def take_inventory(folder: Path) -> Inventory:
    """Every file by its path inside the folder. Raises DefinitionError for links and devices."""
    found: dict[str, FolderFile] = {}
    problems = []
    for path in sorted(_walk(folder)):
        name = path.relative_to(folder).as_posix()
        if problem := _problem(path, name):
            problems.append(problem)
        elif len(found) == MOST_FILES:
            problems.append(f"the folder has more than {MOST_FILES:,} files; pack some together")
            break
        elif not problems:
            found[name] = FolderFile(path, path.stat().st_size, file_sha256(path))
    if problems:
        raise DefinitionError(problems)
    return found


def check_files(definition: Definition, inventory: Inventory) -> None:
    """All that the definition names is there. Raises DefinitionError with what is not."""
    problems = []
    for key, name in _named(definition):
        if name not in inventory:
            problems.append(f'{key}: there is no file "{name}" in the folder')
        elif not inventory[name].size:
            problems.append(f'{key}: the file "{name}" is empty')
    if problems:
        raise DefinitionError(problems)


def read_text(inventory: Inventory, name: str) -> str:
    """A text of the folder (card, rules). Raises DefinitionError where it can't be shown."""
    file = inventory[name]
    if file.size > LARGEST_TEXT:
        raise DefinitionError([f'"{name}" is larger than 1 MiB; it is a text to be read by people'])
    try:
        text = file.path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise DefinitionError([f'"{name}" is not UTF-8 text; save it as UTF-8']) from error
    if "\0" in text:
        raise DefinitionError([f'"{name}" contains NUL characters, so it is not a text'])
    return text


def _walk(folder: Path) -> Iterator[Path]:
    def stop(error: OSError) -> None:
        raise DefinitionError([f"the folder can't be read: {error}"])

    # Links to folders stand among the names of folders and are not followed.
    for root, folders, files in os.walk(folder, onerror=stop):
        here = Path(root)
        yield from (here / name for name in files)
        yield from (here / name for name in folders if (here / name).is_symlink())


def _problem(path: Path, name: str) -> str | None:
    mode = path.lstat().st_mode
    if not name.isprintable():
        return f"{name!r}: the name of a file may hold printable characters only"
    if stat.S_ISLNK(mode):
        return (
            f'"{name}" is a link; a challenge\'s folder holds plain files, copy what it points to'
        )
    if not stat.S_ISREG(mode):
        return f'"{name}" is no plain file; remove it from the folder'
    return None


def _named(definition: Definition) -> Iterator[tuple[str, str]]:
    yield FILE_NAME, FILE_NAME
    yield "card", definition.card
    if definition.rules is not None:
        yield "rules", definition.rules
    for name, file in definition.files.items():
        yield f"files.{name}.path", file.path
    for name, test_set in definition.test_sets.items():
        yield f"test_sets.{name}.solution", test_set.solution
        yield f"test_sets.{name}.sample", test_set.sample
