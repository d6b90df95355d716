"""The sandbox that most tests share, and what a test needs to look at it from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from fivesigma_backend.core.sandbox import Sandbox

HERE = str(Path(__file__).parent)
NAMES = (
    "echo environment read_csv attempt scratch hog reserve spin sleep many_threads leave segfault "
    "abort huge_answer chatter raw_answer not_a_number wrong_type fail panic stages libraries"
)
JOBS = {name: f"sandbox_jobs:{name}" for name in NAMES.split()}


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(JOBS, path=[HERE]) as shared:
        yield shared


@pytest.fixture
def own() -> Iterator[Sandbox]:
    """A sandbox that the test may break; its fork server runs."""
    with Sandbox(JOBS, preload=(), path=[HERE]) as fresh:
        fresh.warm()
        yield fresh


@pytest.fixture
def need(sandbox: Sandbox) -> Callable[[str], None]:
    """Skip the test where the kernel or the container doesn't grant a layer."""

    def check(*names: str) -> None:
        layers = sandbox.layers()
        if not any(layers[name] for name in names):
            pytest.skip(f"not granted here: {' nor '.join(names)}")

    return check


@pytest.fixture
def attempt(sandbox: Sandbox) -> Callable[..., str | None]:
    """Let a job try something; the name of the `OSError` that it met, None if it succeeded."""

    def run(what: str, *readable: Path, **arguments: object) -> str | None:
        error: str | None = sandbox.run("attempt", {"what": what, **arguments}, readable=readable)[
            "error"
        ]
        return error

    return run


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool], str], None]:
    """Wait until something holds."""

    def wait(condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.02)

    return wait


@pytest.fixture
def server_of() -> Callable[[Sandbox], psutil.Process]:
    """The fork server's process."""
    return lambda sandbox: psutil.Process(sandbox.server_pid)
