"""Kills the process groups of a supervisor that died without stopping them.

`Watchdog` is the supervisor's side. The other side is this file run by path, with nothing but the
standard library: its standard input has lines `+group` and `-group`, and the end of it means that
the supervisor is gone, whatever killed it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys


class Watchdog:
    """A process that knows which groups to kill; `pidfd` is readable once somebody killed it."""

    def __init__(self) -> None:
        # -I -S: it shall be there within milliseconds and needs nothing installed. In a session
        # of its own no terminal and no signal to a group can take it along.
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            [sys.executable, "-I", "-S", __file__],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        self.pidfd = os.pidfd_open(self._process.pid)

    def add(self, group: int) -> None:
        """Kill this group if the supervisor dies."""
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """The group has ended; its number may become anybody's."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Let it go; it kills what it still knows."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        os.close(self.pidfd)

    def _tell(self, line: str) -> None:
        assert self._process.stdin
        # A dead one shows in its pidfd, and its successor is told everything.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line.encode())


def main() -> None:
    """Follow the supervisor's groups, and outlive it just long enough to end them."""
    groups: set[int] = set()
    for line in sys.stdin:
        change, group = line[0], int(line[1:])
        if change == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
