"""Loading the challenges that ship with the package: prepared into a folder, then loaded."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from fivesigma_datasets import DataError, prepare

from ..core.platform import Platform
from ..core.settings import Settings
from .definition import DefinitionError
from .live import Live
from .loading import LoadResult, load_challenge
from .present import Report
from .workplace import passing, prepared

LARGEST_SEED = 2**48


def load_builtin(
    platform: Platform,
    name: str,
    *,
    size: Literal["small", "full"] = "small",
    data: Sequence[Path] = (),
    seed: int | None = None,
    pace: str | None = None,
    opens: datetime | None = None,
    update: bool = False,
    organiser_ids: Sequence[str] = (),
    actor_id: str | None = None,
    report: Report = print,
    live: Live | None = None,
) -> LoadResult:
    """Load the built-in challenge `name`.

    Small data are shipped and need no seed. A real event (`full`, or files in `data`) has a secret
    one: `seed`, else one that is drawn once and kept in the data folder. `pace` (such as
    `school-week`) lets the event begin at `opens`, or now, and last as long as that. A simulation
    that was killed goes on where it was. Raises as `load_challenge`, DefinitionError for data that
    can't be used, and Conflict while another process simulates the same challenge.
    """
    if seed is None and (data or size == "full"):
        seed = kept_seed(platform.settings, name)
    begins = platform.clock() if pace is not None and opens is None else opens
    wanted: dict[str, Any] = {"size": size, "data": data, "pace": pace, "opens": begins}
    make = partial(_make, name, seed=seed, report=report, **wanted)
    simulated = size == "full" and not data
    asked = {"seed": seed, "pace": pace, "opens": opens and opens.isoformat()}
    with (
        prepared(platform, name, asked, make, report) if simulated else passing(platform, make)
    ) as folder:
        return load_challenge(
            platform,
            folder,
            update=update,
            organiser_ids=organiser_ids,
            actor_id=actor_id,
            report=report,
            live=live,
        )


def _make(name: str, folder: Path, **wanted: Any) -> None:
    try:
        prepare(name, folder, processes=os.cpu_count() or 1, **wanted)
    except DataError as error:
        raise DefinitionError([str(error)]) from error


def kept_seed(settings: Settings, name: str) -> int:
    """The secret seed of the challenge `name`: drawn on first use, for the owner's eyes only."""
    path = settings.data_dir / "secrets" / "seeds" / Path(name).name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written whole under another name and then linked, so that nobody ever reads half a seed.
    handle, partial = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(str(secrets.randbelow(LARGEST_SEED)))
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)
        return int(path.read_text())
    finally:
        Path(partial).unlink()
