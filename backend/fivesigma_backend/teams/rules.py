"""Names, sizes and the lock of teams. Pure functions of plain values."""

from __future__ import annotations

import unicodedata
from datetime import datetime

LONGEST_NAME = 60
LONGEST_KEY = 120
MOST_INVITATIONS = 20
MOST_PROPOSALS = 5
# A spreadsheet takes a cell that begins like this for a formula.
FORMULA_STARTS = ("=", "+", "-", "@")
# Control and format characters (bidirectional overrides, zero widths), surrogates, line breaks.
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def team_name_key(name: str) -> str:
    """The form of a team's name under which it is unique in a challenge."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def numbered(name: str, attempt: int) -> str:
    """The name to try at the `attempt`-th time: `ada`, then `ada-2`, `ada-3`, …"""
    if attempt == 1:
        return name
    suffix = f"-{attempt}"
    return name[: LONGEST_NAME - len(suffix)] + suffix


def name_problem(name: str) -> str | None:
    """Why a team can't be called `name`; None if it can."""
    key = team_name_key(name)
    if not key:
        return "Give the team a name."
    if len(name) > LONGEST_NAME or len(key) > LONGEST_KEY:
        return f"The name is too long: at most {LONGEST_NAME} characters."
    if any(unicodedata.category(character) in INVISIBLE for character in name):
        return "The name has control or invisible characters. Type it without them."
    # The normal form too, since spreadsheets know the full-width signs.
    if name.lstrip().startswith(FORMULA_STARTS) or key.startswith(FORMULA_STARTS):
        return (
            f"A name can't begin with {' '.join(FORMULA_STARTS)}, which spreadsheets take for a "
            "formula. Begin with a letter or a digit."
        )
    return None


def lock_moment(lock_at: datetime | None, last_close: datetime | None) -> datetime | None:
    """From when teams stay as they are: the time that was set, else the last close."""
    return lock_at if lock_at is not None else last_close


def is_locked(lock: datetime | None, now: datetime) -> bool:
    """Whether joining, leaving and merging are over."""
    return lock is not None and now >= lock


def size_problem(first: int, second: int, max_size: int) -> str | None:
    """Why teams of these sizes can't become one; None if they can."""
    if first + second <= max_size:
        return None
    if max_size == 1:
        return "In this challenge everybody takes part alone."
    return f"A team has at most {max_size} members here; together you would be {first + second}."
