"""Names of teams. Pure functions of plain values."""

from __future__ import annotations

import unicodedata

LONGEST_NAME = 60


def team_name_key(name: str) -> str:
    """The form of a team's name under which it is unique in a challenge."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def numbered(name: str, attempt: int) -> str:
    """The name to try at the `attempt`-th time: `ada`, then `ada-2`, `ada-3`, …"""
    if attempt == 1:
        return name
    suffix = f"-{attempt}"
    return name[: LONGEST_NAME - len(suffix)] + suffix
