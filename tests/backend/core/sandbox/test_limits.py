"""Jobs that want more than they may have."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest
from fivesigma_backend.core.sandbox import (
    JobCancelled,
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    Limits,
    Sandbox,
)

MIB = 1 << 20
GIB = 1 << 30


def test_memory_hog(sandbox: Sandbox) -> None:
    with pytest.raises(JobOutOfMemory):
        sandbox.run("hog", {}, readable=[], limits=Limits(memory_bytes=200 * MIB))


def test_memory_within_the_limit_is_fine(sandbox: Sandbox) -> None:
    limits = Limits(memory_bytes=600 * MIB)
    answer = sandbox.run("reserve", {"bytes": 300 * MIB}, readable=[], limits=limits)
    assert answer == {"bytes": 300 * MIB}


def test_one_absurd_allocation(sandbox: Sandbox) -> None:
    with pytest.raises(JobOutOfMemory) as caught:
        sandbox.run("reserve", {"bytes": 5 * GIB}, readable=[])
    assert "MemoryError" in caught.value.detail


def test_endless_loop(sandbox: Sandbox) -> None:
    with pytest.raises(JobTimedOut, match="processor"):
        sandbox.run("spin", {}, readable=[], limits=Limits(cpu_seconds=1))


def test_endless_sleep(sandbox: Sandbox) -> None:
    with pytest.raises(JobTimedOut, match="longer"):
        sandbox.run("sleep", {}, readable=[], limits=Limits(wall_seconds=0.3))


def test_too_many_threads(sandbox: Sandbox) -> None:
    with pytest.raises(JobCrashed, match="30 threads"):
        sandbox.run("many_threads", {"threads": 60}, readable=[], limits=Limits(threads=30))


def test_cancelled_while_running(sandbox: Sandbox) -> None:
    answers = iter([False, False, True])
    with pytest.raises(JobCancelled):
        sandbox.run("sleep", {}, readable=[], cancelled=lambda: next(answers))


def test_error_while_asking_ends_the_job(
    sandbox: Sandbox,
    server_of: Callable[[Sandbox], psutil.Process],
    eventually: Callable[[Callable[[], bool], str], None],
) -> None:
    answers = iter([False, False, False])

    with pytest.raises(StopIteration):
        sandbox.run("sleep", {}, readable=[], cancelled=lambda: next(answers))
    eventually(lambda: not server_of(sandbox).children(), "the job outlived its caller")


def test_huge_answer(sandbox: Sandbox) -> None:
    with pytest.raises(JobCrashed, match="answer exceeds"):
        sandbox.run("huge_answer", {"bytes": 64 * MIB}, readable=[])


def test_endless_printing_is_ended_and_its_tail_kept(sandbox: Sandbox) -> None:
    with pytest.raises(JobCrashed, match="printed") as caught:
        sandbox.run("chatter", {}, readable=[])
    assert 0 < len(caught.value.detail) <= 16_384


@pytest.mark.parametrize(
    "wrong",
    [{"address_space_bytes": GIB}, {"wall_seconds": 0}, {"open_files": 3}, {"file_bytes": -1}],
)
def test_limits_that_nothing_survives_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Limits(**wrong)
