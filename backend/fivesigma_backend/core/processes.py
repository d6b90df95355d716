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
import logging
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fivesigma_backend.core.lockfile import AlreadyRunning, locked
from fivesigma_backend.core.running import Child, Running
from fivesigma_backend.core.watchdog import Watchdog

__all__ = ["AlreadyRunning", "Child", "StartFailed", "Supervisor"]

logger = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0
_ASK_AGAIN = 0.05


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
        self.done = False


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
        self._watchdog: Watchdog | None = None
        self._signals = 0

    def run(self, started: Callable[[], None] | None = None) -> int:
        """Run until SIGINT, SIGTERM or SIGHUP, then stop everything; the exit code.

        `started` is called once, when every child is ready. A second signal while stopping kills
        what is left. Raises `AlreadyRunning`, and `StartFailed` after stopping the others.
        """
        with locked(self._lock_file), self._listening(), self._selector:
            try:
                self._watch()
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
        if self._watchdog:
            self._watchdog.add(running.pid)
        logger.info("%s started as process %d", slot.child.name, running.pid)

    def _await_ready(self, slot: _Slot) -> None:
        child, deadline = slot.child, time.monotonic() + slot.child.start_timeout
        while not self._signals:
            if slot.done:
                return
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
            empty = [slot for slot in self._slots if slot.running is None and not slot.done]
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
        if self._watchdog:
            self._watchdog.remove(running.pid)
        if slot.child.once and code == 0:
            slot.done = True
            return
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        slot.epitaph = _with_tail(f"{slot.child.name} ended with {name}", running)
        if time.monotonic() - running.since > STEADY_SECONDS:
            slot.pause = FIRST_PAUSE
        if self._signals:
            logger.info("%s ended with %s", slot.child.name, name)
        else:
            again = "%s (process %d) ended with %s; starts again in %g s"
            logger.warning(again, slot.child.name, running.pid, name, slot.pause)
        self._pause(slot)

    def _pump(self, running: Running) -> None:
        if not running.pump():
            self._selector.unregister(running.output)

    def _stop(self) -> None:
        patience = self._signals
        for slot in reversed(self._slots):
            deadline = time.monotonic() + slot.child.stop_timeout
            if slot.running:
                slot.running.ask_to_stop()
            while slot.running and self._signals <= patience and time.monotonic() < deadline:
                self._turn(deadline - time.monotonic())
            if slot.running:
                logger.warning("%s did not stop and is killed", slot.child.name)
                slot.running.kill()
            while slot.running:
                self._turn(None)
        if self._watchdog:
            self._watchdog.close()

    def _turn(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(None if timeout is None else max(timeout, 0.0)):
            # What came before in this turn may have closed it, and its number may be reused.
            if self._selector.get_map().get(key.fd) is key:
                key.data()

    def _watch(self) -> None:
        """Start the watchdog, again if somebody killed it."""
        if self._watchdog:
            self._selector.unregister(self._watchdog.pidfd)
            self._watchdog.close()
        self._watchdog = Watchdog()
        self._selector.register(self._watchdog.pidfd, selectors.EVENT_READ, self._watch)
        for slot in self._slots:
            if slot.running:
                self._watchdog.add(slot.running.pid)

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
