"""The Linux calls that Python has no function for, each answering with success or `OSError`."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CLONE_NEWIPC = 0x08000000
CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38

_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """Set a property of the calling thread or process."""
    arguments = [ctypes.c_ulong(value) for value in (first, second, 0, 0)]
    _checked(_libc.prctl(ctypes.c_int(option), *arguments), "prctl")


def system_call(number: int, *arguments: ctypes.c_void_p | int | None) -> int:
    """Make a call that the C library doesn't wrap."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *words), f"system call {number}")


def drop_capabilities() -> None:
    """Give up every capability for good: root without them is an ordinary user."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(header, nothing), "capset")


def isolate_network() -> str:
    """Move into an empty network and IPC namespace and say by whose right.

    Its loopback device is down and nobody inside may raise it. Without privileges this takes a
    user namespace, in which only the own user and group exist.
    """
    try:
        _checked(_libc.unshare(CLONE_NEWNET | CLONE_NEWIPC), "unshare")
    except PermissionError:
        user, group = os.geteuid(), os.getegid()
        _checked(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        return "user namespace"
    return "privileged"
