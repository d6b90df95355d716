"""Writing a complete challenge folder: beside its place first, then renamed."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fivesigma_datasets.errors import DataError

MANIFEST = "manifest.json"


def start(out: Path) -> Path:
    """The folder to write into first; refuses to write over what is there."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is there already and not empty: name another folder or remove it.")
    staging = out.parent / f".{out.name}.partial"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def finish(staging: Path, out: Path) -> None:
    """Give a complete folder its name, so that a folder of that name is complete."""
    if out.exists():
        out.rmdir()
    staging.replace(out)


def checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files of a folder, in hexadecimal digits."""
    return {name: _sha256(folder / name) for name in names}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(folder: Path) -> dict[str, Any]:
    """The manifest of shipped data, whose files are as its ``sha256`` says.

    Raises ``DataError`` where a file is missing or another one.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        intact = checksums(folder, manifest["sha256"]) == manifest["sha256"]
    except (OSError, ValueError, LookupError, TypeError):
        intact = False  # whatever is wrong, the way out is the same
    if not intact:
        raise DataError("The shipped small data are damaged: reinstall the package.")
    return manifest


def settings_with(text: str, changes: Mapping[str, str]) -> str:
    """A ``challenge.toml`` with the lines ``key = …`` replaced; every key stands in one line.

    The values are TOML literals.
    """
    lines = text.splitlines()
    for key, value in changes.items():
        (number,) = (i for i, line in enumerate(lines) if line.startswith(f"{key} = "))
        lines[number] = f"{key} = {value}"
    return "\n".join(lines) + "\n"


def card_with(text: str, lines: Sequence[str]) -> str:
    """A card that ends with what these very data are."""
    return f"{text}\n## These data\n\n" + "".join(f"- {line}\n" for line in lines)
