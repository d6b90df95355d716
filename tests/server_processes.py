"""Real processes of `fivesigma-server` for tests: started, watched, and none left behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil

COMMAND = [sys.executable, "-P", "-m", "fivesigma_backend.cli"]
# Generous: nothing here measures speed, and the machine may be busy.
PATIENCE = 90.0
READY = re.compile(r"ready on (http://\S+)")


def environment(**changes: str) -> dict[str, str]:
    """The environment of this process without settings, and with `changes`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIVESIGMA_")}
    return {**kept, **changes}


def server(
    *arguments: str, text: str = "", check: bool = True, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=text,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=check,
        timeout=PATIENCE,
    )


def eventually(what: Callable[[], object]) -> None:
    """Wait until `what()` is true."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether a GET of `url` succeeds."""
    try:
        return httpx2.get(url, timeout=5).is_success
    except httpx2.TransportError:
        return False


class Process:
    """A running command, what it has printed so far, and every process it ever had."""

    def __init__(self, command: list[str], variables: Mapping[str, str]) -> None:
        self._popen = subprocess.Popen(
            command,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self.pid = self._popen.pid
        self.printed = ""
        self.tree: set[psutil.Process] = set()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout
        with self._popen.stdout as lines:
            for line in lines:
                self.printed += line

    def url(self) -> str:
        """Where `up` answers, once it does."""
        eventually(lambda: READY.search(self.printed) or self._popen.poll() is not None)
        found = READY.search(self.printed)
        assert found, self.printed
        return found[1]

    def children(self) -> dict[str, psutil.Process]:
        """The direct children by the part of the platform that they are."""
        me = psutil.Process(self.pid)
        self.tree |= set(me.children(recursive=True))
        found = {}
        for child in me.children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended meanwhile, or is a zombie
                found[_part(child)] = child
        return found

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self.children()
        self._popen.send_signal(number)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        code = self._popen.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def running(self) -> list[str]:
        """What is left of the whole tree."""
        alive = [one for one in self.tree if one.is_running()]
        return [str(one) for one in alive if one.status() != psutil.STATUS_ZOMBIE]

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self._popen.poll() is None:
            self.children()
            self._popen.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self._popen.kill()
        for one in self.tree:
            if one.is_running():
                one.kill()


def _part(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    for part in ("valkey-server", "watchdog", "fivesigma_worker", "demo", "serve"):
        if part in line:
            return part
    return line


@contextmanager
def running(*arguments: str, **variables: str) -> Iterator[Process]:
    """A command that runs while the test does."""
    process = Process([*COMMAND, *arguments], variables)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def up(folder: Path, *arguments: str, **variables: str) -> Iterator[Process]:
    """The whole platform on a free port, with its data in `folder`."""
    options = ["up", "--port", "0", "--data-dir", str(folder), *arguments]
    with running(*options, **variables) as process:
        yield process
