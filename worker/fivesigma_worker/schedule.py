"""Beat: the clock that rings for a housekeeping tick every two seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from celery import Celery
from celery.beat import EmbeddedService, ScheduleEntry, Scheduler, Service
from fivesigma_backend.core.queue import TICK_QUEUE, TICK_TASK
from redis.exceptions import RedisError

TICK_SECONDS = 2.0
BEAT_SCHEDULE = {
    "tick": {"task": TICK_TASK, "schedule": TICK_SECONDS, "options": {"queue": TICK_QUEUE}}
}
# Ticks that nobody has answered yet; further ones would be worth nothing.
MOST_WAITING = 5
logger = logging.getLogger(__name__)


class BoundedScheduler(Scheduler):  # type: ignore[misc]  # Celery is not typed
    """Keeps the schedule in memory, and stops ringing while nobody answers.

    Without this a beat whose workers are away for a week would fill the broker with ticks.
    `waiting` counts the messages that wait in a queue.
    """

    def __init__(self, *arguments: Any, waiting: Callable[[str], int], **options: Any) -> None:
        self._waiting = waiting
        super().__init__(*arguments, **options)

    def is_due(self, entry: ScheduleEntry) -> tuple[bool, float]:
        """Whether to ring now, and in how many seconds to ask again."""
        due, delay = super().is_due(entry)
        if not due:
            return False, delay
        try:
            return self._waiting(entry.options["queue"]) < MOST_WAITING, delay
        except (RedisError, OSError) as error:
            logger.warning("beat can't reach the broker, trying again: %s", error)
            return False, TICK_SECONDS


def beat_thread(celery: Celery, broker_url: str) -> Any:
    """A beat for a thread of the worker: `start()` it, `stop()` it."""
    return EmbeddedService(celery, thread=True, scheduler_cls=_scheduler(broker_url))


def beat_service(celery: Celery, broker_url: str) -> Any:
    """A beat for a process of its own: `start()` returns after `stop()`."""
    return Service(
        celery, max_interval=1, scheduler_cls=_scheduler(broker_url), remote_control=True
    )


def _scheduler(broker_url: str) -> Callable[..., BoundedScheduler]:
    client = redis.Redis.from_url(broker_url, socket_connect_timeout=2, socket_timeout=2)

    def waiting(queue: str) -> int:
        length = client.llen(queue)
        assert isinstance(length, int)  # the client is not an asynchronous one
        return length

    return partial(BoundedScheduler, waiting=waiting)
