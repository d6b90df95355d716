"""Everything a process needs, opened once from the settings: web, worker and commands alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .clock import Clock, utc_now
from .db import Database
from .events import Events
from .queue import Bell, CeleryBell
from .sandbox import Sandbox
from .settings import Settings, secret_key
from .storage import Storage
from .throttle import Throttle

SANDBOX_JOBS = {
    "check": "fivesigma_scoring.run:check_job",
    "figures": "fivesigma_scoring.exhibits:figures_job",
    "score": "fivesigma_scoring.run:score_job",
}
# All that a job would otherwise import in each child: what readers need, then the jobs themselves.
SANDBOX_PRELOAD = (
    "encodings.cp437",
    "h5py",
    "numpy",
    "numpy.ma",
    "polars",
    "fivesigma_scoring.run",
    "fivesigma_scoring.exhibits",
)
SANDBOX_REHEARSAL = "fivesigma_scoring.rehearsal:rehearse"


@dataclass(frozen=True)
class Platform:
    """The open resources of one process.

    `slots` bounds how much it scores at a time, and whoever holds `easel` makes figures beside it.
    """

    settings: Settings
    db: Database
    storage: Storage
    bell: Bell
    events: Events
    throttle: Throttle
    sandbox: Sandbox
    slots: threading.BoundedSemaphore
    secret: str
    clock: Clock = utc_now
    easel: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """Close what was opened."""
        self.sandbox.close()
        self.events.close()
        self.db.close()


def make_sandbox(scratch: Path | None = None) -> Sandbox:
    """A sandbox for checking and scoring; it starts with its first job.

    Its jobs' folders are made in `scratch` (by default the system's temporary folder), which
    housekeeping clears of what a kill leaves.
    """
    return Sandbox(SANDBOX_JOBS, SANDBOX_PRELOAD, rehearsal=SANDBOX_REHEARSAL, scratch=scratch)


def open_platform(
    settings: Settings, *, bell: Bell | None = None, clock: Clock = utc_now
) -> Platform:
    """Open database, store, broker and sandbox (which starts with its first job)."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    broker = settings.resolved_broker_url()
    storage = Storage(settings.resolved_storage_url(), settings.data_dir)
    return Platform(
        settings=settings,
        db=Database(settings.resolved_database_url()),
        storage=storage,
        bell=bell or CeleryBell(broker),
        events=Events(broker),
        throttle=Throttle(broker),
        sandbox=make_sandbox(storage.spool),
        slots=threading.BoundedSemaphore(settings.scoring_slots),
        secret=secret_key(settings),
        clock=clock,
    )


@contextmanager
def platform(settings: Settings) -> Iterator[Platform]:
    """`open_platform` that closes behind itself."""
    opened = open_platform(settings)
    try:
        yield opened
    finally:
        opened.close()
