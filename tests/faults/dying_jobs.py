"""The platform's jobs, except that files of certain names kill the process that reads them.

`reading-abort.csv` dies in `abort()` while it is read, `scoring-loop.csv` hangs while it is scored:
what makes a library crash changes with each of its releases, the ways to die in C don't.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from fivesigma_scoring import run

Stage = Callable[[str], None]
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
PORTION = 16 << 20


def score(arguments: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """`run.score_job`, deadly to some files."""
    return run.score_job(arguments, _deadly(arguments["filename"], stage))


def check(arguments: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """`run.check_job`, deadly to some files."""
    return run.check_job(arguments, _deadly(arguments["filename"], stage))


def _deadly(filename: str, stage: Stage) -> Stage:
    when, _, how = PurePath(filename).stem.partition("-")
    if when == "opening":
        _DEATHS[how]()

    def tell(name: str) -> None:
        stage(name)
        if name == when:
            _DEATHS[how]()

    return tell


def _exhaust() -> None:
    """Touch ever more memory in C."""
    while True:
        libc.memset(libc.malloc(PORTION), 1, PORTION)


def _loop() -> None:
    """Loop in C and never let go of the interpreter's lock."""
    sum(range(10**18))


def _raise() -> None:
    raise RuntimeError("the private value 42")


def _print() -> None:
    while True:
        os.write(1, b"the private value 42\n" * 4096)


def _fork() -> None:
    """A child that would live on; the parent dies all the same."""
    if os.fork() == 0:
        libc.pause()
    libc.abort()


_DEATHS: dict[str, Callable[[], Any]] = {
    "abort": libc.abort,
    "segfault": lambda: ctypes.string_at(0),
    "memory": _exhaust,
    "loop": _loop,
    "raise": _raise,
    "print": _print,
    "fork": _fork,
    "exit": lambda: os._exit(3),
}
