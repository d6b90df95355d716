"""Moments as organisers write and read them: in the zone of their challenge."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from ..challenges.definition_model import Time
from ..core.errors import Unprocessable

_TIME: TypeAdapter[datetime] = TypeAdapter(Time)


def read_moment(text: str, zone: str) -> datetime:
    """The moment that `text` (RFC 3339; without offset local to `zone`) says, in UTC.

    Raises Unprocessable, also for a local time that the clocks skip or show twice.
    """
    try:
        written = datetime.fromisoformat(text.strip())
        return _TIME.validate_python(written, context={"zone": ZoneInfo(zone)}).astimezone(UTC)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise Unprocessable(f"“{text}”: {reason}.") from error
    except (ValueError, OverflowError) as error:
        raise Unprocessable(
            f"“{text}” is no time. Write it as 2026-12-21T00:00 ({zone}) or with an offset, as "
            "2026-12-21T00:00:00Z."
        ) from error


def written(moment: datetime | None, zone: str) -> str:
    """What a form's field shows for a moment: local to `zone`, as `read_moment` takes it."""
    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return local.isoformat(
        timespec="minutes" if not (local.second or local.microsecond) else "auto"
    )


def in_words(moment: datetime | None, zone: str) -> str:
    """A moment in a sentence: in UTC, and in `zone` where that is another."""
    if moment is None:
        return "no time set"
    text = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if zone == "UTC":
        return text
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone} ({text})"
