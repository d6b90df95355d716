"""Every way in which a job can die or answer nonsense."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import psutil
import pytest
from fivesigma_backend.core.sandbox import (
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    Limits,
    Sandbox,
    SandboxError,
)

MIB = 1 << 20


def test_exception_shows_its_traceback_to_operators_only(sandbox: Sandbox) -> None:
    with pytest.raises(JobCrashed) as caught:
        sandbox.run("fail", {}, readable=[])
    assert "RuntimeError: private value 42" in caught.value.detail
    assert "42" not in str(caught.value)


@pytest.mark.parametrize(
    ("job", "arguments", "text"),
    [
        ("leave", {"code": 7}, "exit code 7"),
        ("leave", {"code": 0}, "not the JSON"),
        ("segfault", {}, "SIGSEGV"),
        ("abort", {}, "SIGABRT"),
        ("panic", {}, "exit code"),
        ("not_a_number", {}, "exit code"),
        ("wrong_type", {}, "not a JSON object"),
        ("raw_answer", {"text": "<html>"}, "not the JSON"),
        ("raw_answer", {"text": '"result"'}, "not the JSON"),
        ("raw_answer", {"text": '{"result": 3}'}, "not a JSON object"),
        ("raw_answer", {"text": "[" * 200_000}, "not the JSON"),
        ("raw_answer", {"text": '{"result": {'}, "not the JSON"),
    ],
)
def test_crash(sandbox: Sandbox, job: str, arguments: dict[str, object], text: str) -> None:
    with pytest.raises(JobCrashed, match=text):
        sandbox.run(job, arguments, readable=[])


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        ("raise", JobCrashed),
        ("abort", JobCrashed),
        ("loop", JobTimedOut),
        ("hog", JobOutOfMemory),
    ],
)
def test_the_error_carries_what_the_job_said_last(
    sandbox: Sandbox, ending: str, error: type[SandboxError]
) -> None:
    arguments = {"stages": ["reading", "scoring"], "ending": ending}
    limits = Limits(wall_seconds=1, memory_bytes=300 * MIB)
    with pytest.raises(error) as caught:
        sandbox.run("stages", arguments, readable=[], limits=limits)
    assert caught.value.stage == "scoring"


def test_stages_are_no_part_of_the_answer(sandbox: Sandbox) -> None:
    arguments = {"stages": ["reading", "scoring"], "ending": "answer"}
    assert sandbox.run("stages", arguments, readable=[]) == arguments


@pytest.mark.parametrize(
    ("text", "stage"), [("", ""), ("x" * 1000 + "\n", "x" * 40), ("\n\n\ufffd\n{", "\ufffd")]
)
def test_nonsense_told_as_a_stage_does_no_harm(sandbox: Sandbox, text: str, stage: str) -> None:
    with pytest.raises(JobCrashed) as caught:
        sandbox.run("raw_answer", {"text": text}, readable=[])
    assert caught.value.stage == stage


def test_crashes_leave_neither_process_nor_descriptor(
    own: Sandbox,
    server_of: Callable[[Sandbox], psutil.Process],
    eventually: Callable[[Callable[[], bool], str], None],
) -> None:
    server = server_of(own)
    before = psutil.Process().num_fds(), server.num_fds()
    for _ in range(10):
        for job, arguments in (("echo", {}), ("leave", {"code": 1}), ("segfault", {})):
            with contextlib.suppress(JobCrashed):
                own.run(job, arguments, readable=[])
    eventually(
        lambda: (psutil.Process().num_fds(), server.num_fds()) == before, "descriptors leaked"
    )
    assert not server.children()
