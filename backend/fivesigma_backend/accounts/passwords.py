"""Hashing passwords with Argon2id: slow on purpose, so never inside a transaction."""

from __future__ import annotations

import base64
import os
import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()
# One hash takes 64 MiB. More at a time than there are cores would gain nothing but memory.
_SLOTS = BoundedSemaphore(os.cpu_count() or 1)


def _hash_of_nobody() -> str:
    """A hash that no password has, with the present parameters: it costs as much to verify."""
    salt, output = (
        base64.b64encode(os.urandom(length)).rstrip(b"=").decode()
        for length in (_HASHER.salt_len, _HASHER.hash_len)
    )
    costs = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${output}"


_NOBODY = _hash_of_nobody()


def hash_password(password: str) -> str:
    """What is stored of `password`."""
    with _SLOTS:
        return _HASHER.hash(_bytes(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether `stored` is the hash of `password`; for nobody (None) it takes the same time."""
    with _SLOTS:
        try:
            return _HASHER.verify(stored or _NOBODY, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False


def needs_rehash(stored: str) -> bool:
    """Whether `stored` was made with other parameters than the present ones."""
    return _HASHER.check_needs_rehash(stored)


def _bytes(password: str) -> bytes:
    # An accented letter may be sent as one character or as two, depending on the keyboard.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
