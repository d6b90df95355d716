"""The owner's side of the fork server: start it with an empty environment, ask it for children."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO

from fivesigma_backend.core.sandbox.errors import SandboxUnavailable

_START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_DETAIL_BYTES = 16_384


class ForkServerGone(SandboxUnavailable):
    """The fork server died; a new one can be started."""


class ForkServer:
    """One running fork server process and the socket to it."""

    def __init__(
        self,
        jobs: Mapping[str, str],
        preload: Sequence[str],
        path: Sequence[str],
        threads: int,
        rehearsal: str | None,
    ) -> None:
        if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
            raise SandboxUnavailable("scoring needs Linux 5.4 or newer")
        self.owner = os.getpid()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        config = {
            "jobs": dict(jobs),
            "preload": list(preload),
            "path": list(path),
            "rehearsal": rehearsal,
            "control": theirs.fileno(),
            "owner": self.owner,
        }
        with theirs, tempfile.TemporaryFile() as log:
            # Its own session: Ctrl-C in the owner's terminal is for the owner to handle.
            # No parent-death signal here: the kernel sends that when the *thread* that started
            # the process ends, and this may be any thread of a pool. Instead the server leaves
            # when the socket closes, which the kernel does for an owner killed with -9 too.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", _SERVER, json.dumps(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd="/",
                env=_environment(threads),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            self.pid = self._process.pid
            theirs.close()
            self._await_ready(log)

    def _await_ready(self, log: IO[bytes]) -> None:
        self._control.settimeout(_START_SECONDS)
        try:
            ready = self._control.recv(64)
        except OSError:
            ready = b""
        self._control.settimeout(None)
        if ready:
            return
        self.close()
        log.seek(max(0, log.seek(0, os.SEEK_END) - _DETAIL_BYTES))
        detail = log.read().decode(errors="replace")
        raise SandboxUnavailable("the sandbox's fork server did not start", detail)

    @property
    def alive(self) -> bool:
        """Whether this process started it and it still runs."""
        return self.owner == os.getpid() and self._process.poll() is None

    def fork(self, answer: int, log: int, status: int) -> None:
        """Ask for a child that holds the other ends of these descriptors."""
        try:
            socket.send_fds(self._control, [b"fork"], [answer, log, status])
        except OSError as error:
            raise ForkServerGone("the sandbox's fork server is gone; try again") from error

    def close(self) -> None:
        """Stop it and its children; a copy inherited through a fork only lets go of it."""
        self._control.close()
        if self.owner != os.getpid():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
            return
        self._process.kill()
        self._process.wait()


_SERVER = "fivesigma_backend.core.sandbox.server"


def _environment(threads: int) -> dict[str, str]:
    """All that the server and its children get to know; above all no setting and no secret."""
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "POLARS_MAX_THREADS": str(threads),
        # Each column of each row group on its way is a thread: with many, a good file had too many.
        "POLARS_ROW_GROUP_PREFETCH_SIZE": "4",
        # No pool and no allocator thread before the fork; huge pages, as a short-lived child
        # spends a third of its time on page faults otherwise.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "_RJEM_MALLOC_CONF": "background_thread:false,thp:always",
    }
    # Some installations of Python don't find their own library without it.
    if library_path := os.environ.get("LD_LIBRARY_PATH"):
        environment["LD_LIBRARY_PATH"] = library_path
    return environment
