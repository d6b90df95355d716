"""One supervisor per data folder: a lock that the kernel frees when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyRunning(Exception):
    """Another process holds the lock; `pid` says which, where it is known."""

    def __init__(self, lock_file: Path, pid: int | None) -> None:
        self.pid = pid
        super().__init__(
            f"it already runs on {lock_file.parent} as process {pid or 'unknown'}: "
            "use that one, stop it first, or choose another data folder"
        )


@contextlib.contextmanager
def locked(lock_file: Path) -> Iterator[None]:
    """Hold the lock, with the own pid in the file. Raises `AlreadyRunning`."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(32).strip()
            pid = int(holder) if holder.isdecimal() else None
            raise AlreadyRunning(lock_file, pid) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        # The file stays: to delete it would let two supervisors lock two files of one name.
        yield
