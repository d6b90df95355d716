"""The Celery side of the worker: one app from the settings, and the worker and beat it runs.

The rows of the database are the queue, a message only rings a bell. So nothing here cares for
durability: messages are acknowledged as they arrive, results are ignored, a lost one is made good
by the next tick.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from celery import Celery, signals
from celery.platforms import SecurityWarning
from fivesigma_backend import tables as tables  # rows refer to each other across features
from fivesigma_backend.core.platform import Platform, open_platform
from fivesigma_backend.core.queue import (
    FIGURES_QUEUE,
    SCORE_QUEUE,
    TICK_QUEUE,
    celery_broker_url,
    celery_options,
)
from fivesigma_backend.core.sandbox import SandboxUnavailable
from fivesigma_backend.core.settings import Settings
from fivesigma_backend.logs import configure_logging

from .schedule import BEAT_SCHEDULE, beat_service, beat_thread
from .tasks import TASKS, Task

QUEUES = (SCORE_QUEUE, TICK_QUEUE, FIGURES_QUEUE)
PING_SECONDS = 5.0
logger = logging.getLogger(__name__)


class Resources:
    """The platform of this process, opened once with its first task."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._platform: Platform | None = None
        self.stopping = threading.Event()

    def platform(self) -> Platform:
        """The open platform."""
        with self._lock:
            if self._platform is None:
                self._platform = open_platform(self._settings)
            return self._platform

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            if self._platform is not None:
                self._platform.close()
                self._platform = None


def create_celery(settings: Settings, resources: Resources) -> Celery:
    """The Celery app with every task registered."""
    celery = Celery("fivesigma", broker=celery_broker_url(settings.resolved_broker_url()))
    celery.conf.update(
        celery_options(),
        accept_content=["json"],
        task_serializer="json",
        beat_schedule=BEAT_SCHEDULE,
        broker_connection_retry=True,
        broker_connection_max_retries=None,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        # Its answer to a lost connection; the tasks here don't mind being rung for twice.
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )
    for name, task in TASKS.items():
        celery.task(_bound(task, resources), name=name)
    return celery


def _bound(task: Task, resources: Resources) -> Callable[[], None]:
    def run() -> None:
        task(resources.platform(), resources.stopping)

    return run


def run_worker(settings: Settings, queues: Iterable[str] = QUEUES, *, beat: bool = True) -> int:
    """Work until a signal asks for the end; returns the exit code.

    The pool is one of threads, since Celery's processes may not have children, and scoring needs
    one each; a thread only waits for its child. One thread more than slots keeps ticks going,
    another one makes figures.
    """
    _prepare(settings)
    resources = Resources(settings)
    celery = create_celery(settings, resources)
    _follow_life(resources, beat_thread(celery, settings.resolved_broker_url()) if beat else None)
    worker = celery.Worker(
        pool="threads",
        concurrency=settings.scoring_slots + 2,
        queues=list(queues),
        hostname=f"worker-{os.getpid()}@{socket.gethostname()}",
        loglevel=settings.log_level,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    try:
        worker.start()
    finally:
        resources.close()
    return int(worker.exitcode or 0)


def _follow_life(resources: Resources, clock: Any) -> None:
    """Start and stop with the worker what belongs to it."""

    def ready(**_: Any) -> None:
        if clock:
            clock.start()
        try:
            resources.platform().sandbox.warm()
        except SandboxUnavailable as error:  # each evaluation tries again, and reports
            logger.warning("scoring is not possible yet: %s %s", error, error.detail)

    def ending(**_: Any) -> None:  # runs within the signal's handler: no logging, no waiting
        resources.stopping.set()

    def ended(**_: Any) -> None:
        if clock:
            clock.service.stop()

    signals.worker_ready.connect(ready, weak=False)
    signals.worker_shutting_down.connect(ending, weak=False)
    signals.worker_shutdown.connect(ended, weak=False)


def run_beat(settings: Settings) -> None:
    """Ring for ticks until a signal asks for the end; needs no database."""
    _prepare(settings)
    celery = create_celery(settings, Resources(settings))
    service = beat_service(celery, settings.resolved_broker_url())

    def leave(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    service.start()


def answers_here(settings: Settings) -> bool:
    """Whether a worker or beat of this host (a container is one) answers through the broker."""
    celery = create_celery(settings, Resources(settings))
    here = celery.control.inspect(
        timeout=PING_SECONDS, pattern=f"*@{socket.gethostname()}", matcher="glob", limit=1
    )
    return bool(here.ping())


def _prepare(settings: Settings) -> None:
    configure_logging(settings)
    signals.setup_logging.connect(_keep_logging)
    # Celery warns root of pickled messages. Ours are JSON without content, and files of strangers
    # are read by the sandbox, which gives up the rights of root.
    warnings.simplefilter("ignore", SecurityWarning)


def _keep_logging(**_: Any) -> None:
    """Being connected keeps Celery from setting up logging of its own."""
