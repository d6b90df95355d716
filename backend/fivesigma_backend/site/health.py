"""Whether this process can serve: database, broker and storage, each tried for real."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from uuid import uuid4

from fastapi import FastAPI
from obstore.exceptions import BaseError
from sqlalchemy.exc import SQLAlchemyError

from ..core.migrate import is_current
from ..core.platform import Platform
from ..core.storage import Storage

logger = logging.getLogger(__name__)
# Everybody may ask, and each trial writes: a crowd of askers shares one answer this long.
FRESH_SECONDS = 2.0


class Readiness:
    """The last answer and how to get a new one."""

    def __init__(self, platform: Platform, timer: Callable[[], float] = time.monotonic) -> None:
        self._platform = platform
        self._timer = timer
        self._lock = threading.Lock()
        self._tried_at: float | None = None
        self._parts: dict[str, bool] = {}

    def parts(self) -> dict[str, bool]:
        """Each part by name, and whether it works."""
        with self._lock:
            now = self._timer()
            if self._tried_at is None or now - self._tried_at >= FRESH_SECONDS:
                self._parts = try_parts(self._platform)
                self._tried_at = self._timer()
            return dict(self._parts)


def readiness_of(app: FastAPI, platform: Platform) -> Readiness:
    """The one answer that everybody who asks this application shares."""
    if not hasattr(app.state, "readiness"):
        app.state.readiness = Readiness(platform)
    readiness: Readiness = app.state.readiness
    return readiness


def try_parts(platform: Platform) -> dict[str, bool]:
    """Try every part once."""
    return {
        "database": _database_is_current(platform),
        "broker": platform.events.reachable(),
        "storage": _storage_takes_writes(platform.storage),
    }


def _database_is_current(platform: Platform) -> bool:
    try:
        return is_current(platform.db)
    except (SQLAlchemyError, OSError) as error:
        logger.warning("the database is not ready: %s", error)
        return False


def _storage_takes_writes(storage: Storage) -> bool:
    """Store and remove a blob. Its bytes are never anybody else's, so it can't be a shared one."""
    probe = storage.spool / f"ready-{uuid4().hex}"
    try:
        probe.write_text(probe.name)
        storage.delete(storage.put(probe))
    except (OSError, BaseError) as error:
        logger.warning("the storage is not ready: %s", error)
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True
