"""How values and places of a participant's file are put into words."""

from collections.abc import Sequence

from fivesigma_scoring.report import ROWS_SHOWN

TEXT_SHOWN = 40
NAMES_SHOWN = 8


def shorten(text: object) -> str:
    """At most 40 printable characters of a value that a participant wrote."""
    clean = "".join(character if character.isprintable() else "?" for character in str(text)[:200])
    return clean if len(clean) <= TEXT_SHOWN else clean[: TEXT_SHOWN - 3] + "..."


def listed(names: Sequence[object]) -> str:
    """The first eight of `names`, and how many more there are."""
    shown = ", ".join(shorten(name) or '""' for name in names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return shown + (f" and {more:,} more" if more > 0 else "")


def places_shown(rows: Sequence[int]) -> tuple[int, ...]:
    """The first five of `rows`."""
    return tuple(int(row) for row in rows[:ROWS_SHOWN])


def values_do_not(count: int) -> str:
    """Subject and verb for `count` offending values."""
    return "1 value does not" if count == 1 else f"{count:,} values do not"
