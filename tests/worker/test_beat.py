"""Beat on a real broker: it rings, and stops ringing while nobody answers."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.queue import TICK_TASK
from fivesigma_backend.core.settings import Settings, load_settings
from fivesigma_worker.app import Resources, create_celery
from fivesigma_worker.schedule import MOST_WAITING, beat_thread
from server_processes import eventually


@pytest.fixture
def settings(broker_url: str, tmp_path: Path) -> Settings:
    return load_settings({}, data_dir=tmp_path, broker_url=broker_url)


@pytest.fixture
def queue(broker_url: str) -> Iterator[str]:
    """A queue of this test alone."""
    name = f"tick-{new_id()}"
    yield name
    with redis.Redis.from_url(broker_url) as client:
        client.delete(name)


def start(settings: Settings, broker_url: str, queue: str) -> threading.Thread:
    celery = create_celery(settings, Resources(settings))
    entry = {"task": TICK_TASK, "schedule": 0.01, "options": {"queue": queue}}
    celery.conf.beat_schedule = {"tick": entry}
    thread: threading.Thread = beat_thread(celery, broker_url)
    thread.start()
    return thread


def test_a_tick_is_a_bell_without_content_and_no_more_than_a_few_wait(
    settings: Settings, broker_url: str, queue: str
) -> None:
    beat = start(settings, broker_url, queue)
    with redis.Redis.from_url(broker_url) as client:
        eventually(lambda: client.llen(queue) == MOST_WAITING)
        message = json.loads(client.lpop(queue))
        assert message["headers"]["task"] == TICK_TASK
        assert message["content-type"] == "application/json"
        # One has gone, so one more comes; with a hundred ticks a second more would have.
        eventually(lambda: client.llen(queue) == MOST_WAITING)
        beat.service.stop()
        beat.join()
        assert client.llen(queue) == MOST_WAITING


def test_beat_outlives_a_broker_that_is_away(
    settings: Settings, tmp_path: Path, queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="fivesigma_worker.schedule"):
        beat = start(settings, f"unix://{tmp_path / 'nobody.sock'}", queue)
        eventually(lambda: "beat can't reach the broker" in caplog.text)
    assert beat.is_alive()
    beat.service.stop()
    beat.join()
