"""One child process of the supervisor: how it starts, what it prints, how it is ended."""

from __future__ import annotations

import collections
import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fivesigma_backend.core.sandbox import kernel

_TAIL_LINES = 40
_CHUNK = 65_536
_LAST_CHUNKS = 32


@dataclass(frozen=True, slots=True)
class Child:
    """What to run. `env` None inherits; `ready` None means ready once started.

    `ready` is asked about 20 times a second and should answer or give up quickly; an `OSError`
    (connection refused, no such file) means "not yet". A child that runs `once` has done its work
    when it ends with exit code 0, and is not restarted then.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    ready: Callable[[], bool] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 10.0
    start_timeout: float = 30.0
    cwd: Path | None = None
    pass_fds: Sequence[int] = ()
    once: bool = False


class Running:
    """A started child, leader of its own session and process group."""

    def __init__(self, child: Child, show: Callable[[bytes], None]) -> None:
        self._child, self._show = child, show
        self._tail: collections.deque[bytes] = collections.deque(maxlen=_TAIL_LINES)
        self._line = b""
        self.since = time.monotonic()
        output, inner = os.pipe()
        try:
            self._process = _spawn(child, inner)
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(inner)
        os.set_blocking(output, False)
        self.pid, self.output = self._process.pid, output
        try:
            self.pidfd = os.pidfd_open(self.pid)
        except OSError:
            self.kill()
            self._process.wait()
            os.close(output)
            raise

    def is_ready(self) -> bool:
        """Whether the child says that it can be used."""
        try:
            return self._child.ready is None or self._child.ready()
        except OSError:
            return False

    def pump(self) -> bool:
        """Show the whole lines that have come, each with the child's name; False at the end."""
        try:
            data = os.read(self.output, _CHUNK)
        except BlockingIOError:
            return True
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > _CHUNK or not data:
            lines, self._line = [*lines, self._line], b""
        for line in lines:
            self._take(line)
        return bool(data)

    def _take(self, line: bytes) -> None:
        if line:
            self._tail.append(line)
            self._show(b"%s | %s\n" % (self._child.name.encode(), line))

    @property
    def tail(self) -> str:
        """The last lines that the child printed."""
        return b"\n".join(self._tail).decode(errors="replace")

    def ask_to_stop(self) -> None:
        """Send the stop signal to the child alone: it knows how to stop what it started."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, self._child.stop_signal)

    def kill(self) -> None:
        """Kill the child with all of its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def collect(self) -> int:
        """After its end: kill what it left in its group, take its last lines, its exit code."""
        # Before it is collected the number of its group can't be anybody else's.
        self.kill()
        code = self._process.wait()
        # Not until the end: what has left the group may keep the pipe open, and even fill it.
        for _ in range(_LAST_CHUNKS):
            if not select.select([self.output], [], [], 0)[0] or not self.pump():
                break
        self._take(self._line)
        os.close(self.output)
        os.close(self.pidfd)
        return code


def _spawn(child: Child, output: int) -> subprocess.Popen[bytes]:
    supervisor = os.getpid()

    def bind_life() -> None:
        # Runs between fork and exec. That is dangerous where other threads may hold locks at the
        # moment of the fork; this makes two system calls and imports nothing.
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        # Where the supervisor died before that line, no signal will ever come.
        if os.getppid() != supervisor:
            os._exit(1)

    return subprocess.Popen(  # noqa: S603 - the supervisor's own table of commands
        child.argv,
        env=child.env,
        cwd=child.cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=child.pass_fds,
        start_new_session=True,  # Ctrl-C is for the supervisor, which stops them in order
        preexec_fn=bind_life,  # noqa: PLW1509 - see there
    )
