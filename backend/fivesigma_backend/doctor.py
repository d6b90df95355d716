"""Looking whether everything that the platform stands on is in order.

A check never raises: what goes wrong is what it reports. A warning is worth a look, and leaves the
exit code at 0.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import text

from .core.db import Database
from .core.events import Events
from .core.migrate import is_current
from .core.platform import make_sandbox
from .core.settings import Settings
from .core.storage import Storage
from .logs import BlottingFormatter, secrets_of

OK, WARNING, FAILED = "ok", "warning", "failed"
VERSIONS = ("fivesigma", "celery", "fastapi", "numpy", "polars", "redis", "sqlalchemy", "uvicorn")
LITTLE_SPACE = 2 * 1024**3
GIB = 1024**3


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    name: str
    state: str
    detail: str

    def as_json(self) -> dict[str, str]:
        """The members of a finding in `doctor --json`."""
        return asdict(self)


class Trouble(Exception):
    """A check found something wrong, and says what to do."""


class Doubt(Exception):
    """A check found something that may be meant."""


def examine(settings: Settings) -> list[Finding]:
    """Do every check, and answer with one finding each."""
    return [_examine(settings, name, check) for name, check in CHECKS.items()]


def _examine(settings: Settings, name: str, check: Callable[[Settings], str]) -> Finding:
    try:
        state, detail = OK, check(settings)
    except Doubt as doubt:
        state, detail = WARNING, str(doubt)
    except Exception as error:  # noqa: BLE001 - a check fails in any way that a library knows
        state, detail = FAILED, str(error).strip() or type(error).__name__
    first_line = detail.splitlines()[0]
    return Finding(name, state, BlottingFormatter(secrets_of(settings)).blot(first_line))


def _versions(_settings: Settings) -> str:
    python = ".".join(str(part) for part in sys.version_info[:3])
    return ", ".join([f"Python {python}", *(f"{name} {version(name)}" for name in VERSIONS)])


def _data_folder(settings: Settings) -> str:
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"fivesigma")
        os.fsync(file.fileno())
    return f"{folder.resolve()} can be written"


def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.data_dir).free
    said = f"{free / GIB:.1f} GiB free under {settings.data_dir.resolve()}"
    if free < LITTLE_SPACE:
        raise Trouble(f"only {said}: make room, or move the data folder")
    return said


def _database(settings: Settings) -> str:
    database = Database(settings.resolved_database_url(), pool_size=1)
    try:
        with database.read() as session:
            session.execute(text("SELECT 1"))
        if not is_current(database):
            raise Trouble("has not the present schema: run `fivesigma-server migrate`")
        return f"{database.engine.dialect.name} answers and has the present schema"
    finally:
        database.close()


def _broker(settings: Settings) -> str:
    events = Events(settings.resolved_broker_url())
    try:
        if events.reachable():
            return "answers"
    finally:
        events.close()
    if settings.broker_url is None:
        raise Doubt("the bundled Valkey is not running; `fivesigma-server up` starts it")
    raise Trouble("does not answer: see FIVESIGMA_BROKER_URL, and whether the server runs")


def _store(settings: Settings) -> str:
    storage = Storage(settings.resolved_storage_url(), settings.data_dir)
    written = os.urandom(32)  # a name of its own: nothing that counts can be deleted below
    with tempfile.NamedTemporaryFile(dir=storage.spool) as file:
        file.write(written)
        file.flush()
        name = storage.put(Path(file.name))
    try:
        if b"".join(storage.stream(name)) != written:
            raise Trouble("gives back other bytes than were stored")
    finally:
        storage.delete(name)
    return "a blob was stored, read and deleted"


def _sandbox(_settings: Settings) -> str:
    with make_sandbox() as sandbox:
        layers = sandbox.layers()
    said = ", ".join(f"{name}: {_word(active)}" for name, active in layers.items())
    if missing := [name for name, active in layers.items() if active is False]:
        raise Doubt(f"{said}. This machine or container does not grant: {', '.join(missing)}")
    return said


def _word(active: bool | str) -> str:
    return active if isinstance(active, str) else ("on" if active else "off")


CHECKS: dict[str, Callable[[Settings], str]] = {
    "versions": _versions,
    "data folder": _data_folder,
    "free disk": _disk,
    "database": _database,
    "broker": _broker,
    "object store": _store,
    "sandbox": _sandbox,
}
