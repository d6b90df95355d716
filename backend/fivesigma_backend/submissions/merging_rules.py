"""Used quota when teams change. Pure functions of plain values.

What counts against a quota are moments: the times of counting submissions, and those inherited from
a team that was left. Two teams that share a past have inherited the same moments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from .rules import DAY, Limits

Moments = Counter[datetime]


def days_started(opens_at: datetime, now: datetime, limits: Limits) -> int:
    """How many days of a phase have begun: rolling ones since it opened, or days of the zone."""
    if not limits.calendar:
        return (now - opens_at) // DAY + 1
    zone = ZoneInfo(limits.zone)
    return (now.astimezone(zone).date() - opens_at.astimezone(zone).date()).days + 1


def most_together(limits: Limits, opens_at: datetime, now: datetime) -> int | None:
    """How much two teams may have used between them to merge: min(total, per day × days started).

    None where the phase sets neither limit.
    """
    by_day = None
    if limits.per_day is not None:
        by_day = limits.per_day * days_started(opens_at, now, limits)
    return min((one for one in (limits.total, by_day) if one is not None), default=None)


def still_inherited(
    own: Iterable[datetime], first: Iterable[datetime] = (), second: Iterable[datetime] = ()
) -> Moments:
    """What an entry with the submissions `own` inherits from two others.

    A moment that both inherited is one, and none that came back as a submission of its own.
    """
    return (Counter(first) | Counter(second)) - Counter(own)


def read_moments(stored: Sequence[str] | None) -> list[datetime]:
    """The moments of `Entry.inherited`."""
    return [datetime.fromisoformat(text) for text in stored or ()]


def write_moments(moments: Moments) -> list[str] | None:
    """Moments as `Entry.inherited` keeps them, to the microsecond; None for none."""
    return [moment.astimezone(UTC).isoformat() for moment in sorted(moments.elements())] or None
