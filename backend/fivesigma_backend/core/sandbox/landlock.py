"""Landlock: the kernel lets the job see listed paths only, whoever it runs as.

The calls and structures are those of the kernel's `Documentation/userspace-api/landlock.rst`.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

from fivesigma_backend.core.sandbox import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_FOR_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

READ = _READ_FILE | _READ_DIR
# Directories, regular files and links in them: make, rename, truncate, remove; no device, no
# socket, no named pipe, and nowhere the right to execute.
WRITE = READ | _WRITE_FILE | (1 << 4) | (1 << 5) | (1 << 7) | (1 << 8) | (1 << 13) | _TRUNCATE

# How many rights to files each ABI version knows; older ones refuse what they don't know.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


def version() -> int:
    """The kernel's Landlock ABI, 0 where there is none."""
    try:
        return kernel.system_call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> int:
    """Confine the calling thread to these paths; ABI used, 0 where there is no Landlock.

    Needs `no_new_privs`. From ABI 4 on TCP is closed too, from 6 on signals to other processes
    and abstract Unix sockets.
    """
    abi = version()
    if not abi:
        return 0
    rights = (1 << _RIGHTS[min(abi, 5)]) - 1
    attributes = struct.pack("=QQQ", rights, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = kernel.system_call(_CREATE_RULESET, _pointer(attributes), size, 0)
    for path in readable:
        _allow(ruleset, path, READ)
    for path in writable:
        _allow(ruleset, path, WRITE & rights)
    kernel.system_call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return abi


def _allow(ruleset: int, path: Path, rights: int) -> None:
    place = os.open(path, os.O_PATH)
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _FOR_FILES
        rule = struct.pack("=Qi", rights, place)
        kernel.system_call(_ADD_RULE, ruleset, _PATH_BENEATH, _pointer(rule), 0)
    finally:
        os.close(place)


def _pointer(data: bytes) -> ctypes.c_void_p:
    return ctypes.cast(ctypes.create_string_buffer(data, len(data)), ctypes.c_void_p)
