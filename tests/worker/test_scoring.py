"""What the worker makes of a sandbox that fails, of a missing file, and of being stopped."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest
from fivesigma_backend.core.sandbox import (
    JobCancelled,
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    SandboxUnavailable,
)
from fivesigma_backend.submissions.models import Evaluation
from fivesigma_worker.housekeeping import tick
from fivesigma_worker.scoring import drain
from sqlalchemy import select
from stories import API, Story


class FailingSandbox:
    """Fails as told, then works: failures are what can't be had from the real one on demand."""

    def __init__(self, real: Any, *failures: Exception) -> None:
        self.real = real
        self.failures = list(failures)
        self.runs = 0

    def run(self, *arguments: Any, **options: Any) -> Any:
        self.runs += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.real.run(*arguments, **options)


def with_sandbox(story: Story, *failures: Exception) -> FailingSandbox:
    failing = FailingSandbox(story.platform.sandbox, *failures)
    story.platform = dataclasses.replace(story.platform, sandbox=failing)  # type: ignore[arg-type]
    return failing


def state_of(story: Story) -> Evaluation:
    with story.platform.db.read() as session:
        return session.scalars(select(Evaluation)).one()


@pytest.mark.parametrize("failure", [JobCrashed, JobTimedOut, JobOutOfMemory])
def test_a_scorer_that_dies_twice_is_tried_a_third_time(
    story: Story, failure: type[Exception]
) -> None:
    sent = story.person("ada").submit(story.prediction()).json()
    failing = with_sandbox(story, failure("died"), failure("died"))
    story.drain()
    assert failing.runs == 3
    assert state_of(story).state == "scored"
    assert state_of(story).submission_id == sent["id"]


def test_a_scorer_that_always_dies_ends_as_failed_and_tells_participants_no_detail(
    story: Story,
) -> None:
    ada = story.person("ada")
    sent = ada.submit(story.prediction()).json()
    with_sandbox(story, *(JobCrashed("died", "Traceback: truth is 42") for _ in range(3)))
    story.drain()
    found = ada.get(f"{API}/submissions/{sent['id']}")
    assert found.json()["status"] == "failed"
    assert found.json()["reference"]
    assert "truth is 42" not in found.text
    assert "truth is 42" in (state_of(story).failure or "")


def test_a_broken_sandbox_is_not_the_files_fault_but_is_not_tried_for_ever(story: Story) -> None:
    story.person("ada").submit(story.prediction())
    with_sandbox(story, *(SandboxUnavailable("broken") for _ in range(99)))
    story.drain()
    found = state_of(story)
    assert (found.state, found.lost_leases, found.crashes) == ("failed", 11, 0)


def test_a_missing_blob_is_a_failure_with_a_reference(story: Story) -> None:
    sent = story.person("ada").submit(story.prediction()).json()
    story.platform.storage.delete(sent["sha256"])
    story.drain()
    assert state_of(story).state == "failed"
    assert state_of(story).reference


def test_a_worker_that_is_stopped_gives_its_work_back(story: Story) -> None:
    story.person("ada").submit(story.prediction())
    stopping = threading.Event()

    class Stopped(FailingSandbox):
        def run(self, *arguments: Any, **options: Any) -> Any:
            stopping.set()
            assert options["cancelled"]()
            raise JobCancelled("stopped")

    story.platform = dataclasses.replace(story.platform, sandbox=Stopped(None))  # type: ignore[arg-type]
    assert drain(story.platform, stopping) == 1
    assert (state_of(story).state, state_of(story).lost_leases) == ("queued", 0)


def test_a_bell_without_work_and_a_doubled_bell_do_no_harm(story: Story) -> None:
    assert story.drain() == 0
    story.person("ada").submit(story.prediction())
    assert story.drain() == 1
    assert story.drain() == 0


def test_the_tick_rings_for_what_waits(story: Story) -> None:
    story.person("ada").submit(story.prediction())
    bell: Any = story.platform.bell
    bell.rung.clear()
    tick(story.platform, threading.Event())
    assert bell.rung == [("fivesigma.score", "score")]
    story.drain()
    bell.rung.clear()
    tick(story.platform, threading.Event())
    assert ("fivesigma.score", "score") not in bell.rung


def test_all_slots_busy_means_that_somebody_else_scores(story: Story) -> None:
    story.person("ada").submit(story.prediction())
    slots = story.platform.settings.scoring_slots
    for _ in range(slots):
        assert story.platform.slots.acquire(blocking=False)
    assert story.drain() == 0
    for _ in range(slots):
        story.platform.slots.release()
    assert story.drain() == 1
