"""Every way in which a job can die or answer nonsense."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import psutil
import pytest
from fivesigma_backend.core.sandbox import JobCrashed, Sandbox


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
