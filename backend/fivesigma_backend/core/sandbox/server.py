"""The fork server: a process that has imported everything and does nothing but fork.

Started by `ForkServer` as `python -m`, it talks over one inherited socket. Each message there
carries three descriptors, for answer, log and status of one job. It forks a child for it, reports
the child's pid and later its end on the status socket, and kills the child when the other side
closes or shuts down that socket. It never sees what a job is asked or answers, so nothing of one
team can reach the child of another through it. It leaves when its owner does.

`multiprocessing`'s own forkserver would be less code, but it inherits the whole environment,
secrets included, and imports the owner's `__main__` into every child.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fivesigma_backend.core.sandbox import child, kernel

_PARENT_CHECK = 1.0
_SETTLING = 5.0


class Server:
    """Forks one child per request and tells how each ended."""

    def __init__(
        self,
        control: socket.socket,
        owner: int,
        jobs: Mapping[str, child.Job],
        layers: Mapping[str, bool | str],
    ) -> None:
        self._control, self._owner = control, owner
        self._jobs, self._layers = jobs, layers
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, self._accept)
        self._myself = os.pidfd_open(os.getpid())
        self._empty = os.open(os.devnull, os.O_RDONLY)
        self._running: dict[int, socket.socket] = {}
        self._leaving = False

    def serve(self) -> None:
        """Serve until the owner is gone, then leave no child behind."""
        while not self._leaving:
            for key, _ in self._selector.select(_PARENT_CHECK):
                key.data()
            # A copy of the owner's end may survive in some process that the owner forked.
            self._leaving |= os.getppid() != self._owner
        for pid in self._running:
            reap(pid)

    def _accept(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._control, 64, 3)
        if not message:
            self._leaving = True
        elif len(descriptors) == 3:
            self._start(*descriptors)
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _start(self, answer: int, log: int, status: int) -> None:
        channel = socket.socket(fileno=os.dup(status))
        channel.setblocking(False)
        try:
            pid = os.fork()
        except OSError as error:
            _tell(channel, failed=f"fork: {error}")
            channel.close()
            return
        if pid == 0:
            child.run(self._jobs, self._layers, self._myself, (answer, log, self._empty))
            os._exit(1)  # never reached; whatever happens, a child must not serve
        self._running[pid] = channel
        pidfd = os.pidfd_open(pid)
        self._selector.register(pidfd, selectors.EVENT_READ, lambda: self._ended(pid, pidfd))
        self._selector.register(channel, selectors.EVENT_READ, lambda: self._abandoned(pid))
        _tell(channel, pid=pid)

    def _abandoned(self, pid: int) -> None:
        """Nobody waits for this job any more."""
        if channel := self._running.get(pid):
            self._selector.unregister(channel)
            os.kill(pid, signal.SIGKILL)

    def _ended(self, pid: int, pidfd: int) -> None:
        self._selector.unregister(pidfd)
        os.close(pidfd)
        channel = self._running.pop(pid)
        with contextlib.suppress(KeyError):
            self._selector.unregister(channel)
        with channel:
            _tell(channel, **reap(pid))


def reap(pid: int) -> dict[str, Any]:
    """Kill what is left of the child's process group, then collect the child."""
    # In this order: as long as the leader isn't collected its group's number can't be reused.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    return {
        "exit": os.waitstatus_to_exitcode(status),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
    }


def _tell(channel: socket.socket, **fields: Any) -> None:
    # Whoever asked may be gone. A few short messages always fit into the socket's buffer.
    with contextlib.suppress(OSError):
        channel.send(json.dumps(fields).encode())


def _rehearse(target: str) -> None:
    """Call a function whose traces every child shall inherit; a thread must not be among them."""
    before = _helper_threads()
    _find(target)()
    gc.collect()
    if (after := _helper_threads()) != before:
        raise RuntimeError(f"the rehearsal started threads: {after}")


def _find(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _resolve(target: str) -> child.Job:
    function = _find(target)
    if len(inspect.signature(function).parameters) > 1:
        told: child.Job = function
        return told
    return lambda arguments, _stage: function(arguments)


def _helper_threads() -> str:
    """The threads that imports have started, once they sleep.

    A child has none of them. That is harmless for one that waits for its first work (polars keeps
    such a one for spilled files) and deadlocks for a pool that has worked or still holds a lock.
    """
    deadline = time.monotonic() + _SETTLING
    while True:
        threads = [
            (task / "stat").read_text().split("(")[1].rsplit(")")
            for task in Path("/proc/self/task").iterdir()
            if task.name != str(os.getpid())
        ]
        if all(state.split()[0] == "S" for _, state in threads):
            return ", ".join(sorted(name for name, _ in threads))
        if time.monotonic() > deadline:
            raise RuntimeError(f"threads that imports started keep running: {threads}")
        time.sleep(0.01)


def main() -> None:
    """Get ready, say so, and serve."""
    config = json.loads(sys.argv[1])
    sys.path.extend(config["path"])
    control = socket.socket(fileno=config["control"])
    try:  # before any import starts a thread, as a threaded process can't have a user namespace
        network: str | bool = kernel.isolate_network()
    except OSError:
        network = False
    for name in config["preload"]:
        importlib.import_module(name)
    jobs = {name: _resolve(target) for name, target in config["jobs"].items()}
    if config["rehearsal"]:
        _rehearse(config["rehearsal"])
    layers = {
        "scrubbed environment": True,
        "network namespace": network,
        "threads at fork": _helper_threads() or "none",
    }
    server = Server(control, config["owner"], jobs, layers)
    child.prepare()
    gc.freeze()  # or the first collection in every child copies each page it looks at
    control.send(b"ready")
    server.serve()


if __name__ == "__main__":
    main()
