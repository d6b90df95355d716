"""Folders of which only a part is in force: the rest as it was, or as it is going to be.

While a test set is being re-scored, the stored folder says all that is new but keeps the old
solution; when the new one takes over, its files are put in.
"""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core.storage import Storage
from .changes import merged
from .definition import FILE_NAME, Definition, DefinitionError
from .details import Details, details_of
from .folder import Inventory, take_inventory


@dataclass(frozen=True)
class Grafted:
    """A folder that was put together: what it says, what it holds, and its blob.

    `details` are those of the samples that came from the donor.
    """

    definition: Definition
    inventory: Inventory
    folder_sha256: str
    details: Details


@contextmanager
def grafted(
    storage: Storage,
    base: Path,
    base_definition: Definition,
    donor: Path,
    donor_definition: Definition,
    names: Iterable[str],
) -> Iterator[Grafted]:
    """The folder `base` with the files and the scoring of the test sets `names` from `donor`.

    Its files are there until the block ends, its blob for good. Raises DefinitionError where a
    file of the donor has the name of another file of the base.
    """
    wanted = sorted(names)
    definition = merged(base_definition, donor_definition, wanted)
    with tempfile.TemporaryDirectory(dir=storage.spool) as scratch:
        folder = Path(scratch) / "folder"
        shutil.copytree(base, folder)
        replaced = _files_of(base_definition, wanted)
        for path in replaced - _others(definition, wanted):
            (folder / path).unlink(missing_ok=True)
        for path in _files_of(definition, wanted):
            if path not in replaced:
                _require_free(donor / path, folder / path, path)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(donor / path, folder / path)
        inventory = take_inventory(folder)
        samples = [inventory[definition.test_sets[name].sample] for name in wanted]
        details = details_of(samples, report=lambda _line: None)
        yield Grafted(definition, inventory, storage.put_folder(folder), details)


def _files_of(definition: Definition, names: Iterable[str]) -> set[str]:
    """Solutions and samples of test sets, by their paths."""
    return {
        path
        for name in names
        for path in (definition.test_sets[name].solution, definition.test_sets[name].sample)
    }


def _others(definition: Definition, names: Iterable[str]) -> set[str]:
    """Paths that a definition names for anything else."""
    texts = {FILE_NAME, definition.card, *({definition.rules} if definition.rules else ())}
    rest = definition.test_sets.keys() - set(names)
    files = {file.path for file in definition.files.values()}
    return {*texts, *files, *_files_of(definition, rest)}


def _require_free(source: Path, target: Path, name: str) -> None:
    if target.exists() and not filecmp.cmp(source, target, shallow=False):
        raise DefinitionError(
            [
                f'"{name}" is the file of a test set that is being re-scored and something else in '
                "the other version of the folder; give one of them another name"
            ]
        )
