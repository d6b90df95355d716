"""Templates for how long an event lasts and how much may be handed in.

An organiser picks one; the challenge's first opening becomes the given time and all its times are
moved and scaled with it, so that phases keep their order.
"""

import datetime as dt
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from fivesigma_datasets.errors import DataError


@dataclass(frozen=True)
class Pace:
    """Length of the event in days, submissions of a team per day and at the same time."""

    days: float
    per_day: int
    concurrent: int


PACES = {
    "one-day": Pace(days=1, per_day=30, concurrent=2),
    "school-week": Pace(days=7, per_day=10, concurrent=2),
    "semester": Pace(days=120, per_day=5, concurrent=2),
}

_LIMITS = re.compile(r"^limits = .*$", re.MULTILINE)
_TIME = re.compile(r"^([a-z_]+ = )(\d{4}-\d\d-\d\dT[0-9:]+(?:Z|[+-]\d\d:\d\d))$", re.MULTILINE)


def check_pace(pace: str | None, opens: dt.datetime | None) -> None:
    """Raise ``DataError`` for an unknown pace, an opening without one, or one without an offset."""
    if pace is not None and pace not in PACES:
        raise DataError(f"There is no pace {pace!r}; there are: {', '.join(PACES)}.")
    if opens is not None and pace is None:
        raise DataError(f"An opening time needs a pace: {', '.join(PACES)}.")
    if opens is not None and opens.tzinfo is None:
        raise DataError("The opening time needs an offset from UTC, such as +00:00.")


def paced(text: str, pace: str, opens: dt.datetime) -> str:
    """A ``challenge.toml`` whose phases run at this pace from ``opens`` on, in whole minutes.

    ``per_day`` and ``concurrent`` are replaced in every phase that has limits; a total stays.
    Raises ``DataError`` for an unknown pace or a time without an offset.
    """
    check_pace(pace, opens)
    chosen = PACES[pace]
    times = [dt.datetime.fromisoformat(match[2]) for match in _TIME.finditer(text)]
    first, last = min(times), max(times)
    length = dt.timedelta(days=chosen.days) / max(last - first, dt.timedelta(minutes=1))
    start = opens.astimezone(dt.UTC).replace(second=0, microsecond=0)

    def moved(match: re.Match[str]) -> str:
        time = start + (dt.datetime.fromisoformat(match[2]) - first) * length
        return f"{match[1]}{time.replace(second=0, microsecond=0):%Y-%m-%dT%H:%M:%SZ}"

    return _LIMITS.sub(lambda match: _limited(match[0], chosen), _TIME.sub(moved, text))


def _limited(line: str, pace: Pace) -> str:
    limits: dict[str, Any] = tomllib.loads(line)["limits"]
    limits |= {"per_day": pace.per_day, "concurrent": pace.concurrent}
    literals = (
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
        for key, value in limits.items()
    )
    return f"limits = {{ {', '.join(literals)} }}"
