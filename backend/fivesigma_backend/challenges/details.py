"""What pages show of published files beside their names: pictures, tables, arrays, text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .definition import Definition
from .folder import FolderFile, Inventory
from .pictures import NotShown, is_called_picture, look_at_picture
from .previews import preview_of

Report = Callable[[str], None]
Details = Mapping[str, dict[str, Any] | None]
"""What is shown of each file, by its SHA-256."""


def details_of_published(definition: Definition, inventory: Inventory, report: Report) -> Details:
    """Look at every published file; what is called a picture and is none is told to `report`."""
    files = definition.published().values()
    return details_of((inventory[file.path] for file in files), report)


def details_of(files: Iterable[FolderFile], report: Report) -> Details:
    """Look at `files`, each once."""
    return {file.sha256: _details(file, report) for file in files}


def _details(file: FolderFile, report: Report) -> dict[str, Any] | None:
    if not is_called_picture(file.path.name):
        return preview_of(file.path)
    try:
        return look_at_picture(file.path).as_json()
    except NotShown as reason:
        report(f'"{file.path.name}" can be downloaded but is not shown as a picture: {reason}')
        return None
