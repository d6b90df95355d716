"""One job seen from its owner: three channels, the limits, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fivesigma_backend.core.sandbox.errors import (
    JobCancelled,
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    SandboxError,
    SandboxUnavailable,
)
from fivesigma_backend.core.sandbox.forkserver import ForkServer, ForkServerGone
from fivesigma_backend.core.sandbox.limits import Limits

_WATCH_SECONDS = 0.02
_CANCEL_SECONDS = 0.2
_KILL_SECONDS = 10.0
_LOG_BYTES = 16_384
_STAGE_BYTES = 40
_CHUNK = 65_536
_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")

# How Rust, C++ and C libraries say that an allocation failed before they abort.
_NO_MEMORY = ("memory allocation of", "std::bad_alloc", "Cannot allocate memory", "MemoryError")


class Run:
    """One job from fork to end, driven by the thread that waits for it."""

    def __init__(self, limits: Limits, cancelled: Callable[[], bool] | None) -> None:
        self._limits, self._cancelled = limits, cancelled
        self._verdict: SandboxError | None = None
        self._ended: dict[str, Any] = {}
        self._answer, self._log = bytearray(), bytearray()
        self._started = self._next_look = self._next_question = 0.0
        self._log_bytes = 0
        self._pid: int | None = None
        self.asked = False

    def result(self, server: ForkServer, request: bytes) -> dict[str, Any]:
        """Run the job and give its answer, or raise what happened instead."""
        self._started = time.monotonic()
        with contextlib.ExitStack() as stack:
            self._open(stack, server)
            self._send(request)
            while not self._ended:
                for key, _ in self._selector.select(_WATCH_SECONDS):
                    key.data()
                if not self._ended:
                    self._watch()
            self._drain()
        return self._judge()

    def _open(self, stack: contextlib.ExitStack, server: ForkServer) -> None:
        self._channel, answer = map(stack.enter_context, socket.socketpair())
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._status, status = map(stack.enter_context, pair)
        self._printed, log = map(os.fdopen, os.pipe(), ("rb", "wb"), (0, 0))
        stack.enter_context(self._printed)
        with answer, status, log:
            server.fork(answer.fileno(), log.fileno(), status.fileno())
            self.asked = True
        self._channel.settimeout(self._limits.wall_seconds)
        os.set_blocking(self._printed.fileno(), False)
        self._selector = stack.enter_context(selectors.DefaultSelector())
        for source, reader in (
            (self._status, self._read_status),
            (self._channel, self._read_answer),
            (self._printed, self._read_log),
        ):
            self._selector.register(source, selectors.EVENT_READ, reader)

    def _send(self, request: bytes) -> None:
        # A child that is dead already says why through its status.
        with contextlib.suppress(OSError):
            self._channel.sendall(request)
            self._channel.shutdown(socket.SHUT_WR)
        self._channel.setblocking(False)

    def _read_status(self) -> None:
        try:
            message = self._status.recv(4096)
        except ConnectionResetError:
            message = b""
        if not message:
            raise ForkServerGone("the sandbox's fork server died; try again")
        news = json.loads(message)
        if "failed" in news:
            raise SandboxUnavailable("the sandbox could not start a process", news["failed"])
        self._pid = news.get("pid", self._pid)
        self._ended = news if "exit" in news else {}

    def _read_answer(self) -> bool:
        try:
            data = self._channel.recv(_CHUNK)
        except ConnectionResetError:
            data = b""
        if not data:
            self._selector.unregister(self._channel)
        self._answer += data
        if len(self._answer) > self._limits.output_bytes:
            self._answer.clear()
            self._stop(JobCrashed(f"the answer exceeds {self._limits.output_bytes:,} bytes"))
        return bool(data)

    def _read_log(self) -> bool:
        data = self._printed.read(_CHUNK)
        if data is None:
            return False
        if not data:
            self._selector.unregister(self._printed)
        self._log += data
        del self._log[:-_LOG_BYTES]
        self._log_bytes += len(data)
        if self._log_bytes > self._limits.output_bytes:
            self._stop(JobCrashed(f"printed more than {self._limits.output_bytes:,} bytes"))
        return bool(data)

    def _drain(self) -> None:
        """Read what the child wrote before it ended; never wait for more."""
        for source, reader in (
            (self._channel, self._read_answer),
            (self._printed, self._read_log),
        ):
            with contextlib.suppress(BlockingIOError):
                while source in self._selector.get_map() and reader():
                    pass

    def _watch(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _WATCH_SECONDS
        elapsed = now - self._started
        if self._verdict:
            if elapsed > self._limits.wall_seconds + _KILL_SECONDS:
                raise SandboxUnavailable("the job can't be killed; is its disk stuck?")
            return
        resident, threads, processor = self._usage()
        if elapsed > self._limits.wall_seconds:
            self._stop(JobTimedOut(f"took longer than {self._limits.wall_seconds:g} seconds"))
        elif processor > self._limits.cpu_seconds:
            self._stop(self._processor_time())
        elif resident > self._limits.memory_bytes:
            self._stop(JobOutOfMemory(f"needed more than {self._limits.memory_bytes:,} bytes"))
        elif threads > self._limits.threads:
            self._stop(JobCrashed(f"started more than {self._limits.threads} threads"))
        elif self._cancelled and now >= self._next_question:
            self._next_question = now + _CANCEL_SECONDS
            if self._cancelled():
                self._stop(JobCancelled("was cancelled"))

    def _usage(self) -> tuple[int, int, float]:
        """Resident bytes, threads and processor seconds of the child while it runs, else zeros."""
        if self._pid is None:
            return 0, 0, 0.0
        try:
            stat = Path(f"/proc/{self._pid}/stat").read_text()
        except OSError:
            return 0, 0, 0.0
        # proc_pid_stat(5), counted from the state, which follows the name in parentheses.
        fields = stat.rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return int(fields[21]) * _PAGE, int(fields[17]), ticks / _TICKS

    def _stop(self, verdict: SandboxError) -> None:
        """Have the server kill the job; it then reports the end as always."""
        if self._verdict is None:
            self._verdict = verdict
            with contextlib.suppress(OSError):
                self._status.shutdown(socket.SHUT_WR)

    def _judge(self) -> dict[str, Any]:
        *stages, answer = bytes(self._answer).split(b"\n")
        try:
            return self._result(answer)
        except SandboxError as error:
            error.stage = stages[-1][:_STAGE_BYTES].decode(errors="replace") if stages else ""
            raise

    def _result(self, answer: bytes) -> dict[str, Any]:
        printed = self._log.decode(errors="replace")
        if self._verdict:
            self._verdict.detail = printed
            raise self._verdict
        if self._ended["exit"]:
            raise self._failure(printed)
        try:
            result = json.loads(answer)["result"]
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise JobCrashed("the answer is not the JSON of a job", printed) from error
        if not isinstance(result, dict):
            raise JobCrashed("the answer is not a JSON object", printed)
        return result

    def _processor_time(self) -> JobTimedOut:
        return JobTimedOut(f"used more than {self._limits.cpu_seconds:g} s of processor time")

    def _failure(self, printed: str) -> SandboxError:
        code = self._ended["exit"]
        if self._ended["cpu_seconds"] > self._limits.cpu_seconds:
            verdict = self._processor_time()
            verdict.detail = printed
            return verdict
        if b'"out_of_memory"' in self._answer[-64:] or any(t in printed for t in _NO_MEMORY):
            return JobOutOfMemory("asked for more memory than it may have", printed)
        if code < 0:
            return JobCrashed(f"was ended by {signal.Signals(-code).name}", printed)
        return JobCrashed(f"failed with exit code {code}", printed)
