"""`Sandbox`: what the worker and the web process hold."""

from __future__ import annotations

import dataclasses
import json
import math
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fivesigma_backend.core.sandbox.child import LAYERS_JOB
from fivesigma_backend.core.sandbox.errors import SandboxUnavailable
from fivesigma_backend.core.sandbox.forkserver import ForkServer, ForkServerGone
from fivesigma_backend.core.sandbox.limits import DEFAULT_LIMITS, Limits
from fivesigma_backend.core.sandbox.run import Run


class Sandbox:
    """Runs jobs from a literal table in confined children of a warm fork server.

    Any number of threads may call `run` at once; each waits for its own child. The fork server
    starts with the first run (or `warm`), and anew when it has died.

    `jobs` maps names to "module:function", a function from a JSON object to a JSON object.
    `preload` names modules to import before the first fork; that must not start a pool of
    threads. `rehearsal` names a function to call then, so that no child has to find out what it
    has found out; it must not start a thread, or the sandbox refuses to work. `path` adds to the
    children's `sys.path`. `threads` is the size of polars' pool in each child. `scratch` is where
    the jobs' scratch folders are made.
    """

    def __init__(
        self,
        jobs: Mapping[str, str],
        preload: Sequence[str] = ("numpy", "polars"),
        *,
        path: Sequence[str] = (),
        threads: int = 2,
        rehearsal: str | None = None,
        scratch: Path | None = None,
    ) -> None:
        self._jobs, self._scratch = dict(jobs), scratch
        self._options = (tuple(preload), tuple(path), threads, rehearsal)
        self._lock = threading.Lock()
        self._server: ForkServer | None = None
        self._closed = False

    def run(
        self,
        job: str,
        arguments: Mapping[str, Any],
        *,
        readable: Sequence[Path],
        limits: Limits = DEFAULT_LIMITS,
        cancelled: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        """Run one job in a child of its own and return its answer.

        Blocks until the child has ended. `cancelled` is asked a few times a second.

        Raises `JobCrashed`, `JobTimedOut`, `JobOutOfMemory` or `JobCancelled` by what became of
        the job, and `SandboxUnavailable` where not the job failed but the sandbox: then calling
        again may succeed.
        """
        if job not in self._jobs:
            raise ValueError(f"no job {job!r}; there are: {', '.join(sorted(self._jobs))}")
        return self._run(job, arguments, readable, limits, cancelled)

    def warm(self) -> None:
        """Start the fork server now, so that the first run needn't wait for it."""
        self._ready()

    def layers(self) -> dict[str, bool | str]:
        """The layers of protection that a child finds itself behind, measured in one."""
        return self._run(LAYERS_JOB, {}, (), DEFAULT_LIMITS, None)

    @property
    def server_pid(self) -> int | None:
        """The fork server's process, None while there is none."""
        server = self._server
        return server.pid if server is not None and server.alive else None

    def close(self) -> None:
        """Kill running jobs, stop the fork server, and refuse further runs."""
        with self._lock:
            self._closed = True
            self._discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(
        self,
        job: str,
        arguments: Mapping[str, Any],
        readable: Sequence[Path],
        limits: Limits,
        cancelled: Callable[[], bool] | None,
    ) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(
            prefix="fivesigma-job-", dir=self._scratch, ignore_cleanup_errors=True
        ) as scratch:
            request = {
                "job": job,
                "arguments": dict(arguments),
                "readable": [str(path.resolve()) for path in readable],
                "scratch": scratch,
                "limits": dataclasses.asdict(limits)
                # The kernel's limit is the second line: it estimates, and can't say why it killed.
                | {"cpu_seconds": math.ceil(limits.cpu_seconds * 1.2) + 1},
            }
            return self._attempt(json.dumps(request).encode(), limits, cancelled)

    def _attempt(
        self, request: bytes, limits: Limits, cancelled: Callable[[], bool] | None
    ) -> dict[str, Any]:
        run, server = Run(limits, cancelled), self._ready()
        try:
            return run.result(server, request)
        except ForkServerGone:
            self._forget(server)
            # A server that died while nobody looked is noticed here only: start a new one. But
            # what has been asked for may have begun, and whether to repeat that is the caller's.
            if run.asked:
                raise
        return Run(limits, cancelled).result(self._ready(), request)

    def _ready(self) -> ForkServer:
        with self._lock:
            if self._closed:
                raise SandboxUnavailable("the sandbox is closed")
            if self._server is None or not self._server.alive:
                self._discard()
                self._server = ForkServer(self._jobs, *self._options)
            return self._server

    def _forget(self, server: ForkServer) -> None:
        with self._lock:
            if self._server is server:
                self._discard()

    def _discard(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
