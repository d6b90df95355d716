"""Runs the processes of `fivesigma-server up` as one: started in order, kept alive, stopped.

    supervisor = Supervisor([Child("broker", …), Child("worker", …), Child("web", …)], lock_file)
    exit_code = supervisor.run()

Nothing outlives the supervisor, not even after `kill -9`: the kernel then kills each child, whose
parent-death signal is set before it runs, and a watchdog kills what is left of the children's
process groups. Whatever leaves its group must see to itself, as the sandbox does.

The supervisor starts no thread: output, ends and signals all meet in one selector.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fivesigma_backend.core.running import Child, Running

__all__ = ["AlreadyRunning", "Child", "StartFailed", "Supervisor"]

logger = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0
_ASK_AGAIN = 0.05
_WATCHDOG = Path(__file__).with_name("watchdog.py")


class AlreadyRunning(Exception):
    """Another supervisor holds the lock; `pid` says which, where it is known."""

    def __init__(self, lock_file: Path, pid: int | None) -> None:
        self.pid = pid
        super().__init__(
            f"it already runs on {lock_file.parent} as process {pid or 'unknown'}: "
            "use that one, stop it first, or choose another data folder"
        )


class StartFailed(Exception):
    """A child ended or did not get ready; the text ends with what it printed last."""


class _Slot:
    """A child's place: the process that fills it now, or when to start the next."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.running: Running | None = None
        self.pause = FIRST_PAUSE
        self.restart_at = 0.0
        self.epitaph = ""


class Supervisor:
    """Starts children in order, restarts those that die, stops them in reverse order.

    `lock_file` keeps a second supervisor out. `show` gets the children's lines; by default they
    go to standard error. `run` belongs into the main thread: it handles signals, and the kernel
    ties the children's lives to the thread that started them.
    """

    def __init__(
        self,
        children: Sequence[Child],
        lock_file: Path,
        show: Callable[[bytes], None] | None = None,
    ) -> None:
        self._slots = [_Slot(child) for child in children]
        self._lock_file, self._show = lock_file, show or _to_standard_error
        self._selector = selectors.DefaultSelector()
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._signals = 0

    def run(self, started: Callable[[], None] | None = None) -> int:
        """Run until SIGINT, SIGTERM or SIGHUP, then stop everything; the exit code.

        `started` is called once, when every child is ready. A second signal while stopping kills
        what is left. Raises `AlreadyRunning`, and `StartFailed` after stopping the others.
        """
        with self._locked(), self._listening(), self._selector:
            try:
                self._start_watchdog()
                for slot in self._slots:
                    self._start(slot)
                    self._await_ready(slot)
                if started and not self._signals:
                    started()
                self._keep_alive()
            finally:
                self._stop()
        return 0

    def _start(self, slot: _Slot) -> None:
        try:
            running = slot.running = Running(slot.child, self._show)
        except OSError as error:
            raise StartFailed(f"{slot.child.name} can't be started: {error}") from error
        self._selector.register(running.pidfd, selectors.EVENT_READ, lambda: self._ended(slot))
        self._selector.register(running.output, selectors.EVENT_READ, lambda: self._pump(running))
        self._tell_watchdog(f"+{running.pid}")
        logger.info("%s started as process %d", slot.child.name, running.pid)

    def _await_ready(self, slot: _Slot) -> None:
        child, deadline = slot.child, time.monotonic() + slot.child.start_timeout
        while not self._signals:
            if slot.running is None:
                raise StartFailed(slot.epitaph)
            if slot.running.is_ready():
                return
            if time.monotonic() > deadline:
                late = f"was not ready after {child.start_timeout:g} seconds"
                raise StartFailed(_with_tail(f"{child.name} {late}", slot.running))
            self._turn(_ASK_AGAIN)

    def _keep_alive(self) -> None:
        while not self._signals:
            empty = [slot for slot in self._slots if slot.running is None]
            now = time.monotonic()
            for slot in empty:
                if slot.restart_at <= now:
                    self._restart(slot)
            pauses = [slot.restart_at - now for slot in empty if slot.running is None]
            self._turn(max(0.0, min(pauses)) if pauses else None)

    def _restart(self, slot: _Slot) -> None:
        try:
            self._start(slot)
        except StartFailed as error:  # no file descriptor or process left, say: try on
            logger.warning("%s", error)
            self._pause(slot)

    def _pause(self, slot: _Slot) -> None:
        slot.restart_at = time.monotonic() + slot.pause
        slot.pause = min(2 * slot.pause, LONGEST_PAUSE)

    def _ended(self, slot: _Slot) -> None:
        running, slot.running = slot.running, None
        if running is None:
            return
        self._selector.unregister(running.pidfd)
        with contextlib.suppress(KeyError):
            self._selector.unregister(running.output)
        code = running.collect()
        self._tell_watchdog(f"-{running.pid}")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        slot.epitaph = _with_tail(f"{slot.child.name} ended with {name}", running)
        logger.log(
            logging.INFO if self._signals else logging.WARNING,
            "%s (process %d) ended with %s",
            slot.child.name,
            running.pid,
            name,
        )
        if time.monotonic() - running.since > STEADY_SECONDS:
            slot.pause = FIRST_PAUSE
        self._pause(slot)

    def _pump(self, running: Running) -> None:
        if not running.pump():
            self._selector.unregister(running.output)

    def _stop(self) -> None:
        for slot in reversed(self._slots):
            if slot.running:
                slot.running.ask_to_stop()
                deadline, hurry = time.monotonic() + slot.child.stop_timeout, self._signals + 1
                while slot.running and self._signals < hurry and time.monotonic() < deadline:
                    self._turn(deadline - time.monotonic())
            if slot.running:
                logger.warning("%s did not stop and is killed", slot.child.name)
                slot.running.kill()
            while slot.running:
                self._turn(None)
        if self._watchdog and self._watchdog.stdin:
            self._watchdog.stdin.close()
            self._watchdog.wait()

    def _turn(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(None if timeout is None else max(timeout, 0.0)):
            key.data()

    def _start_watchdog(self) -> None:
        # -I -S: it shall be there within milliseconds and needs nothing installed. In a session of
        # its own no terminal and no `kill` of a group can take it along.
        self._watchdog = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            [sys.executable, "-I", "-S", str(_WATCHDOG)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for slot in self._slots:
            if slot.running:
                self._tell_watchdog(f"+{slot.running.pid}")

    def _tell_watchdog(self, line: str) -> None:
        assert self._watchdog
        assert self._watchdog.stdin
        try:
            self._watchdog.stdin.write(f"{line}\n".encode())
        except BrokenPipeError:  # somebody killed it; the new one is told of all that run
            self._watchdog.stdin.close()
            self._watchdog.wait()
            self._start_watchdog()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._lock_file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = file.read(32).strip()
                pid = int(holder) if holder.isdecimal() else None
                raise AlreadyRunning(self._lock_file, pid) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            # The file stays: to delete it would let two supervisors lock two files of one name.
            yield

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Count stop signals, and have each of them end the selector's wait."""

        def count(*_: object) -> None:
            self._signals += 1

        woken, wake = socket.socketpair()
        with woken, wake:
            woken.setblocking(False)
            wake.setblocking(False)
            self._selector.register(woken, selectors.EVENT_READ, lambda: woken.recv(64))
            former_wake = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
            former = {number: signal.signal(number, count) for number in STOP_SIGNALS}
            try:
                yield
            finally:
                for number, handler in former.items():
                    signal.signal(number, handler)
                signal.set_wakeup_fd(former_wake)


def _with_tail(text: str, running: Running) -> str:
    return f"{text}. It printed last:\n{running.tail}" if running.tail else f"{text}."


def _to_standard_error(line: bytes) -> None:
    # Nobody may be reading any more; the platform goes on.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
