"""Kills the process groups of a supervisor that died without stopping them.

Run by path, with nothing but the standard library. Standard input is a pipe from the supervisor
with lines `+group` and `-group`; its end means that the supervisor is gone, whatever killed it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


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
