"""Ringing the bell of the workers.

A message carries no work: the rows of the database do. So a bell that can't be rung (the broker is
away) is logged and forgotten; the housekeeping tick finds the work anyway.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Protocol

from celery import Celery
from sqlalchemy.orm import Session

from .db import after_commit

SCORE_TASK = "fivesigma.score"
SCORE_QUEUE = "score"
TICK_TASK = "fivesigma.tick"
TICK_QUEUE = "tick"
FIGURES_TASK = "fivesigma.figures"
FIGURES_QUEUE = "figures"
logger = logging.getLogger(__name__)


def worker_command(*arguments: str) -> list[str]:
    """The command line of the worker's package, which the backend never imports."""
    return [sys.executable, "-P", "-m", "fivesigma_worker", *arguments]


class Bell(Protocol):
    """Something that can wake the workers of a queue."""

    def ring(self, task: str, queue: str) -> None:
        """Wake one worker; never raises."""


def celery_broker_url(url: str) -> str:
    """`url` in the spelling that Celery knows: a Unix socket is `redis+socket://` there."""
    return url.replace("unix://", "redis+socket://", 1) if url.startswith("unix://") else url


def celery_options() -> dict[str, Any]:
    """Options shared by the sending and the receiving side."""
    return {
        "task_ignore_result": True,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {"socket_connect_timeout": 2, "socket_timeout": 10},
        "task_default_queue": SCORE_QUEUE,
        "enable_utc": True,
    }


class CeleryBell:
    """Rings by sending a Celery message by name, so the web service never imports the worker."""

    def __init__(self, broker_url: str) -> None:
        self._celery = Celery(
            "fivesigma", broker=celery_broker_url(broker_url), set_as_current=False
        )
        self._celery.conf.update(celery_options())

    def ring(self, task: str, queue: str) -> None:
        """Send the message; a broker that is away is logged, not raised."""
        try:
            self._celery.send_task(task, queue=queue, retry=False)
        except Exception as error:  # noqa: BLE001 - whatever the broker's client raises: the tick helps
            logger.warning("the broker could not be reached, the next tick will help: %s", error)


def ring_after_commit(session: Session, bell: Bell, task: str, queue: str) -> None:
    """Ring once the transaction of `session` is committed."""
    after_commit(session, lambda: bell.ring(task, queue))
