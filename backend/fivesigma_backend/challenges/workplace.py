"""Where the data of a built-in challenge are made: a long simulation outlives a killed run."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.errors import Conflict
from ..core.lockfile import AlreadyRunning, locked
from ..core.platform import Platform
from .present import Report

PLACE = "preparing"


@contextmanager
def prepared(
    platform: Platform,
    name: str,
    asked: Mapping[str, Any],
    make: Callable[[Path], None],
    report: Report,
) -> Iterator[Path]:
    """The folder that `make` wrote for what is `asked`, until the block ends well.

    One that an earlier run made and could not load is taken as it is; what a killed run left
    beside it is there for `make` to go on with. Raises Conflict while another process makes it.
    """
    place = platform.settings.data_dir / PLACE / Path(name).name
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with locked(place / "lock"):
            yield _made(place, asked, make, report)
            for one in place.iterdir():
                if one.name != "lock":
                    shutil.rmtree(one) if one.is_dir() else one.unlink()
    except AlreadyRunning as error:
        raise Conflict(
            f"The data of “{name}” are being made by process {error.pid}. Wait until it is done."
        ) from error


def _made(
    place: Path, asked: Mapping[str, Any], make: Callable[[Path], None], report: Report
) -> Path:
    folder, note = place / place.name, place / "made.json"
    wanted = json.dumps(asked, sort_keys=True)
    if folder.is_dir() and note.is_file() and note.read_text() == wanted:
        report("These data were made by an earlier run, which could not load them.")
        return folder
    note.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    make(folder)
    note.write_text(wanted)
    return folder


@contextmanager
def passing(platform: Platform, make: Callable[[Path], None]) -> Iterator[Path]:
    """The folder that `make` wrote, for data that are quickly made again."""
    with tempfile.TemporaryDirectory(dir=platform.storage.spool) as scratch:
        folder = Path(scratch) / "folder"
        make(folder)
        yield folder
