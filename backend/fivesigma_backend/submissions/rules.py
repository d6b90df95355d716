"""The rules of handing in: states, limits, quotas. Pure functions of plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ..challenges.rules import Window, window

DAY = timedelta(hours=24)
REJECTIONS_PER_SLOT = 5
LARGEST_LOST_LEASES = 10
LARGEST_CRASHES = 3
REPLAY_WINDOW = timedelta(minutes=10)
KEY_LIFETIME = timedelta(hours=24)


class State(StrEnum):
    """Where an evaluation is."""

    QUEUED = "queued"
    SCORING = "scoring"
    SCORED = "scored"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SCORING, State.CANCELLED}),
    State.SCORING: frozenset({State.QUEUED, State.SCORED, State.REJECTED, State.FAILED}),
    State.SCORED: frozenset(),
    State.REJECTED: frozenset({State.QUEUED}),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset(),
}
UNFINISHED = (State.QUEUED, State.SCORING)
# What uses up an allowance; everything else gives its slot back.
COUNTING = (State.QUEUED, State.SCORING, State.SCORED)
# What has a cap of its own: a file that hangs its reader costs more than one that is refused.
REFUSED = (State.REJECTED, State.FAILED)


class Intake(StrEnum):
    """Whether a phase takes a team's files: in time, late, or not (yet, any more, at all)."""

    UPCOMING = "upcoming"
    OPEN = "open"
    LATE = "late"
    CLOSED = "closed"
    NEVER = "never"


def own_close(closes_at: datetime | None, extension: datetime | None) -> datetime | None:
    """When a phase closes for a team: an extension gives more time, never less."""
    if closes_at is None or extension is None:
        return closes_at
    return max(closes_at, extension)


def intake(
    opens_at: datetime,
    closes_at: datetime | None,
    moment: datetime,
    *,
    uploads: bool = True,
    late: bool = False,
    unblinded: bool = False,
) -> Intake:
    """Whether a file that is sent at `moment` is taken, with `closes_at` of its team.

    Late ones (`late`, where the phase allows them) only once the phase is `unblinded`; from then on
    nothing comes in time.
    """
    if not uploads:
        return Intake.NEVER
    if unblinded:
        return Intake.LATE if late else Intake.CLOSED
    return {
        Window.UPCOMING: Intake.UPCOMING,
        Window.OPEN: Intake.OPEN,
        Window.CLOSED: Intake.CLOSED,
    }[window(opens_at, closes_at, moment)]


def may_become(state: State, target: State) -> bool:
    """Whether an evaluation may go from `state` to `target`."""
    return target in TRANSITIONS[state]


def after_crash(crashes: int) -> State:
    """Where an evaluation goes whose scorer died for the `crashes`-th time."""
    return State.FAILED if crashes >= LARGEST_CRASHES else State.QUEUED


def after_lost_lease(lost: int) -> State:
    """Where an evaluation goes whose worker fell silent for the `lost`-th time."""
    return State.FAILED if lost > LARGEST_LOST_LEASES else State.QUEUED


@dataclass(frozen=True)
class Limits:
    """Limits of a phase; None is unlimited. `zone` is where calendar days begin."""

    per_day: int | None = None
    total: int | None = None
    concurrent: int | None = None
    calendar: bool = False
    zone: str = "UTC"


@dataclass(frozen=True)
class Usage:
    """What a team has used of a phase.

    `recent` are the times of counting submissions of the last two days, `rejected` those of
    rejected and failed ones; `total` counts all that count, `running` those queued or being scored.
    """

    recent: Sequence[datetime] = ()
    rejected: Sequence[datetime] = ()
    total: int = 0
    running: int = 0


@dataclass(frozen=True)
class Allowance:
    """What is left. `remaining` None is unlimited; `rule` names the limit that refuses."""

    used_today: int
    used_total: int
    running: int
    remaining: int | None
    rule: str | None = None
    next_at: datetime | None = None

    @property
    def allowed(self) -> bool:
        """Whether one more may be handed in now."""
        return self.rule is None


def day_start(now: datetime, limits: Limits) -> datetime:
    """Since when submissions count as "today"."""
    if not limits.calendar:
        return now - DAY
    local = now.astimezone(ZoneInfo(limits.zone))
    return datetime.combine(local.date(), time(), tzinfo=local.tzinfo).astimezone(now.tzinfo)


def allowance(limits: Limits, usage: Usage, now: datetime) -> Allowance:
    """What a team may still hand in, and if nothing, by which rule and until when."""
    start = day_start(now, limits)
    today = sorted(moment for moment in usage.recent if _within(moment, start, limits))
    left = [
        max(0, limit - used)
        for limit, used in ((limits.per_day, len(today)), (limits.total, usage.total))
        if limit is not None
    ]
    rule, next_at = _refusal(limits, usage, today, now)
    return Allowance(
        used_today=len(today),
        used_total=usage.total,
        running=usage.running,
        remaining=min(left) if left else None,
        rule=rule,
        next_at=next_at,
    )


def _within(moment: datetime, start: datetime, limits: Limits) -> bool:
    # A rolling window is open at its old end: exactly 24 hours later the slot is free again.
    return moment >= start if limits.calendar else moment > start


def _refusal(
    limits: Limits, usage: Usage, today: Sequence[datetime], now: datetime
) -> tuple[str | None, datetime | None]:
    if limits.total is not None and usage.total >= limits.total:
        return "total", None
    if limits.per_day is not None:
        if len(today) >= limits.per_day:
            return "per_day", _next_slot(limits, today, limits.per_day, now)
        cap = limits.per_day * REJECTIONS_PER_SLOT
        refused = sorted(moment for moment in usage.rejected if moment > now - DAY)
        if len(refused) >= cap:
            return "rejections", refused[len(refused) - cap] + DAY
    if limits.concurrent is not None and usage.running >= limits.concurrent:
        return "concurrent", None
    return None, None


def _next_slot(
    limits: Limits, today: Sequence[datetime], per_day: int, now: datetime
) -> datetime | None:
    if per_day == 0:
        return None
    if not limits.calendar:
        return today[len(today) - per_day] + DAY
    local = now.astimezone(ZoneInfo(limits.zone))
    tomorrow = local.date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=local.tzinfo).astimezone(now.tzinfo)
