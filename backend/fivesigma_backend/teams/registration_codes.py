"""The codes that let people take part: 80 random bits, easy to read aloud and to type."""

from __future__ import annotations

import re
import secrets

from ..core.security import digest

# Crockford's alphabet: no I, L, O and U, which look like 1, 1, 0 and V.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})


def new_code() -> str:
    """A fresh code, such as `7H2K-9XQM-0VBT-C3RD`; only its hash is ever stored."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(letters[at : at + 4] for at in range(0, LENGTH, 4))


def code_hash(typed: str) -> str:
    """What is stored and looked up of a code, however it was typed.

    The database compares hashes, so the time it takes tells nothing of any code.
    """
    letters = re.sub(r"[\s\-–—_.]", "", typed).upper().translate(_READ_AS)
    # A lone surrogate can be sent in JSON, and has no bytes to hash.
    return digest(letters.encode("utf-8", "replace").decode())
