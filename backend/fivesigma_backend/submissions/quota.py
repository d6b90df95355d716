"""How much of a phase a team has used. Callers hold the lock of the entry where it decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, case, func, select
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Challenge
from ..core.clock import rfc3339
from ..core.errors import TooMany
from .merging_rules import read_moments
from .models import Entry, Evaluation, Submission
from .rules import (
    COUNTING,
    DAY,
    REFUSED,
    REPLAY_WINDOW,
    UNFINISHED,
    Allowance,
    Limits,
    State,
    Usage,
    allowance,
)

RETRY_WHILE_RUNNING = 10


def limits_of(challenge: Challenge, phase: PhaseDefinition, entry: Entry | None) -> Limits:
    """The limits that `challenge.toml` sets for a phase, and organisers for an entry of it."""
    given = phase.limits
    return Limits(
        per_day=_own(entry.per_day if entry else None, given.per_day),
        total=_own(entry.total if entry else None, given.total),
        concurrent=_own(entry.concurrent if entry else None, given.concurrent),
        calendar=given.window == "calendar",
        zone=challenge.definition.get("timezone", "UTC"),
    )


def _own(override: int | None, given: int | None) -> int | None:
    return given if override is None else override


class Used(NamedTuple):
    """Submissions of an entry that are alike: how many, and the first of them with a given file."""

    state: str
    at: datetime | None
    paid: bool
    n: int
    same: str | None


def _used() -> Select[Any]:
    """Sums, times and the same file in one statement: every file handed in asks for all three."""
    moment = Submission.submitted_at.type
    since, again = bindparam("since", type_=moment), bindparam("again_since", type_=moment)
    recent = case((Submission.submitted_at > since, Submission.submitted_at))
    paid = Submission.refunded_at.is_(None)
    is_same = (Submission.sha256 == bindparam("sha256")) & (Submission.submitted_at > again)
    return (
        # Ids grow with time.
        select(
            Evaluation.state, recent, paid, func.count(), func.min(case((is_same, Submission.id)))
        )
        .join(Submission, Submission.evaluation_id == Evaluation.id)
        .where(Submission.entry_id == bindparam("entry"), Submission.carried_from_id.is_(None))
        .group_by(Evaluation.state, recent, paid)
    )


_USED = _used()


def usage_of(session: Session, entry_id: str | None, now: datetime) -> Usage:
    """What an entry has used; an entry that does not exist yet has used nothing.

    A refunded submission takes up nothing but a worker, while it is being scored.
    """
    if entry_id is None:
        return Usage()
    return usage_and_same(session, session.get_one(Entry, entry_id), None, now)[0]


def usage_and_same(
    session: Session, entry: Entry, sha256: str | None, now: datetime
) -> tuple[Usage, str | None]:
    """What an entry has used, and its submission of the same file within the last minutes."""
    since = now - 2 * DAY
    wanted = {
        "entry": entry.id,
        "since": since,
        "sha256": sha256,
        "again_since": now - REPLAY_WINDOW,
    }
    rows = [Used._make(row) for row in session.execute(_USED, wanted)]
    inherited = read_moments(entry.inherited)
    used = [one for one in rows if one.paid]
    usage = Usage(
        recent=[*_times(used, COUNTING), *(at for at in inherited if at > since)],
        rejected=_times(used, REFUSED),
        total=sum(one.n for one in used if one.state in COUNTING) + len(inherited),
        running=sum(one.n for one in rows if one.state in UNFINISHED),
    )
    same = [one.same for one in rows if one.same is not None and one.state in COUNTING]
    return usage, min(same, default=None)


def _times(used: Sequence[Used], states: Sequence[State]) -> list[datetime]:
    """The recent times of what is in one of the states, each as often as it happened."""
    found = [one for one in used if one.state in states]
    return [one.at for one in found if one.at is not None for _ in range(one.n)]


def used_moments(session: Session, entry_id: str) -> list[datetime]:
    """When the submissions of an entry that count were handed in, without inherited ones."""
    return list(
        session.scalars(
            select(Submission.submitted_at)
            .join(Evaluation, Submission.evaluation_id == Evaluation.id)
            .where(Submission.entry_id == entry_id, Evaluation.state.in_(COUNTING))
            .where(Submission.carried_from_id.is_(None), Submission.refunded_at.is_(None))
        )
    )


def require_allowance(limits: Limits, usage: Usage, now: datetime) -> Allowance:
    """What is left; raises TooMany, naming the rule and when the next is possible."""
    left = allowance(limits, usage, now)
    if left.allowed:
        return left
    headers = {"X-Submissions-Remaining": str(left.remaining or 0)}
    if left.next_at is not None:
        headers["Retry-After"] = str(max(1, round((left.next_at - now).total_seconds())))
    elif left.rule == "concurrent":
        headers["Retry-After"] = str(RETRY_WHILE_RUNNING)
    raise TooMany(
        _words(left, limits),
        code="limit",
        headers=headers,
        rule=left.rule,
        remaining=left.remaining or 0,
        next_at=rfc3339(left.next_at) if left.next_at else None,
    )


def _words(left: Allowance, limits: Limits) -> str:
    if left.rule == "total":
        return f"Your team has used all {limits.total} submissions of this phase."
    if left.rule == "concurrent":
        return (
            f"{left.running} of your team's submissions are still being scored, and no more than "
            f"{limits.concurrent} may be at a time. Wait for one to finish."
        )
    moment = ""
    if left.next_at is not None:
        local = left.next_at.astimezone(ZoneInfo(limits.zone))
        moment = f" The next is possible at {local:%Y-%m-%d %H:%M} ({limits.zone})."
    if left.rule == "rejections":
        return f"Too many refused files in a day. Use “validate”, which costs nothing.{moment}"
    return f"Your team has used its {limits.per_day} submissions of the day.{moment}"
