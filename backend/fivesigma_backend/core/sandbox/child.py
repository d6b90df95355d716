"""What a freshly forked child does: cut every tie, confine itself, run one job, end.

Runs in the child only. It never returns to the fork server's code.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import json
import os
import resource
import select
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Never

from fivesigma_backend.core.sandbox import kernel, landlock, seccomp

Stage = Callable[[str], None]
Job = Callable[[dict[str, Any], Stage], dict[str, Any]]

# Answers with the layers that this very child stands behind, whatever the caller's table says.
LAYERS_JOB = "sandbox.layers"

_ANSWER = 3


def prepare() -> None:
    """Work out, before the first fork, what is the same for every child."""
    _always_readable()
    seccomp.program()


class _LastWord:
    """Ends the process with the block that it wraps, after putting its error into the log."""

    def __enter__(self) -> None:
        faulthandler.enable(file=2, all_threads=False)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Never:
        if error is not None:
            with contextlib.suppress(Exception):
                traceback.print_exception(kind, error, trace)
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(0 if error is None else 1)


def run(
    jobs: Mapping[str, Job],
    layers: Mapping[str, bool | str],
    server: int,
    channels: tuple[int, int, int],
) -> None:
    """Run the job that the caller sends through the answer channel, and end the process.

    `server` is a pidfd of the fork server; `channels` are the answer socket, the log and an
    empty input.
    """
    answer, log, empty = channels
    os.setsid()
    _die_with(server)
    for target, source in ((0, empty), (1, log), (2, log), (_ANSWER, answer)):
        os.dup2(source, target)
    os.closerange(_ANSWER + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    with _LastWord():
        _serve(jobs, layers)


def _die_with(server: int) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    # The server may have died before the line above took effect; its pidfd tells.
    poll = select.poll()
    poll.register(server, select.POLLIN)
    if poll.poll(0):
        os._exit(1)


def _serve(jobs: Mapping[str, Job], layers: Mapping[str, bool | str]) -> None:
    with socket.socket(fileno=_ANSWER) as channel:
        request = json.loads(_read_all(channel))
        active = {**layers, **_confine(request)}
        if request["job"] == LAYERS_JOB:
            result: dict[str, Any] = dict(active)
        else:
            result = _attempt(channel, jobs[request["job"]], request["arguments"])
        # NaN is no JSON, and the databases that results end in refuse it.
        channel.sendall(json.dumps({"result": result}, allow_nan=False).encode())


def _attempt(channel: socket.socket, function: Job, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return function(arguments, functools.partial(_tell, channel))
    except MemoryError:
        channel.sendall(b'{"out_of_memory": true}')
        raise


def _tell(channel: socket.socket, stage: str) -> None:
    """Say what the job does next; the answer follows as the last line, and holds no line break."""
    channel.sendall(stage.encode() + b"\n")


def _read_all(channel: socket.socket) -> bytes:
    with channel.makefile("rb") as stream:
        return stream.read()


def _confine(request: Mapping[str, Any]) -> dict[str, bool | str]:
    scratch = Path(request["scratch"])
    os.chdir(scratch)
    os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)
    # If the whole machine runs out of memory, the kernel shall take the job, not the database.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    _limit(request["limits"])
    os.nice(request["limits"]["nice"])
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # nobody of the same user may look into its memory
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    readable = [Path(path) for path in request["readable"]]
    abi = landlock.restrict([*_always_readable(), *readable], [scratch, Path(os.devnull)])
    return {
        "resource limits": True,
        "no new privileges": True,
        "no capabilities": True,
        "landlock": f"ABI {abi}" if abi else False,
        "system call filter": seccomp.restrict(),
    }


def _limit(limits: Mapping[str, int]) -> None:
    for kind, value in (
        (resource.RLIMIT_AS, limits["address_space_bytes"]),
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_CORE, 0),
        # No RLIMIT_NPROC: it counts all processes of the user, the web server's threads too. The
        # system call filter refuses new processes, and the caller counts the threads.
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))


@functools.cache
def _always_readable() -> list[Path]:
    """Interpreter, libraries and the harmless facts that they look up; no home, no /proc."""
    places = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path}
    places |= {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"}
    places |= {"/usr/share/zoneinfo", "/etc/localtime", "/dev/urandom", "/dev/zero"}
    places |= {"/proc/meminfo", "/proc/cpuinfo", "/sys/devices/system/cpu"}
    paths = {path.resolve() for path in map(Path, places) if path.is_absolute() and path.exists()}
    return sorted(path for path in paths if paths.isdisjoint(path.parents))
