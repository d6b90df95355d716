"""What organisers decide about a team in a phase: disqualify, restore, limits of its own.

Callers own the transaction and announce what changed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.models import Phase
from ..core.errors import Conflict, NotFound, Unprocessable
from ..teams.models import Team
from .judging import Judge, checked_reason
from .models import Entry
from .standings import lock_entry, restand

LARGEST_LIMIT = 1_000_000


@dataclass(frozen=True)
class OwnLimits:
    """What replaces a phase's limits for one team; None leaves the phase's."""

    per_day: int | None = None
    total: int | None = None
    concurrent: int | None = None


def disqualify_entry(
    session: Session, phase: Phase, team_id: str, reason: str, judge: Judge
) -> Entry:
    """Take the rank from a team in a phase, for a reason that it reads. A new reason replaces.

    What it hands in later is scored and shown, but unranked, too.
    """
    reason = checked_reason(reason)
    team = team_of(session, phase, team_id)
    if team.staff:
        raise Conflict(f"“{team.name}” is staff and has no rank to lose.")
    entry = lock_entry(session, phase.id, team.id)
    if entry.disqualified_at is None or entry.disqualified_reason != reason:
        before = _state(entry)
        entry.disqualified_at = entry.disqualified_at or judge.now
        entry.disqualified_reason = reason
        _keep(session, entry, phase, "entry.disqualified", before, judge)
        text = f"Your team is disqualified in “{phase.title}”. The reason: {reason}"
        _tell(session, phase, team, text, judge)
    return entry


def restore_entry(session: Session, phase: Phase, team_id: str, judge: Judge) -> Entry:
    """Let a disqualified team be ranked again."""
    team = team_of(session, phase, team_id)
    entry = lock_entry(session, phase.id, team.id)
    if entry.disqualified_at is not None:
        before = _state(entry)
        entry.disqualified_at = entry.disqualified_reason = None
        _keep(session, entry, phase, "entry.restored", before, judge)
        _tell(session, phase, team, f"Your team is ranked in “{phase.title}” again.", judge)
    return entry


def set_limits(
    session: Session, phase: Phase, team_id: str, limits: OwnLimits, judge: Judge
) -> Entry:
    """Give a team limits of its own in a phase; all None takes them away."""
    _check(limits)
    team = team_of(session, phase, team_id)
    entry = lock_entry(session, phase.id, team.id)
    before = limits_given(entry)
    if before != limits:
        entry.per_day, entry.total, entry.concurrent = (
            limits.per_day,
            limits.total,
            limits.concurrent,
        )
        session.flush()
        _record(session, entry, phase, "entry.limits", asdict(before), asdict(limits), judge)
        _tell(session, phase, team, _limits_text(phase, limits), judge)
    return entry


def limits_given(entry: Entry) -> OwnLimits:
    """The limits that a team has for itself."""
    return OwnLimits(entry.per_day, entry.total, entry.concurrent)


def team_of(session: Session, phase: Phase, team_id: str) -> Team:
    """The team of the phase's challenge. Raises NotFound."""
    team = session.scalar(
        select(Team).where(Team.id == team_id, Team.challenge_id == phase.challenge_id)
    )
    if team is None:
        raise NotFound("There is no such team here. The list of submissions has the ids of teams.")
    return team


def _check(limits: OwnLimits) -> None:
    for name, value in asdict(limits).items():
        least = 1 if name == "concurrent" else 0
        if value is not None and not least <= value <= LARGEST_LIMIT:
            raise Unprocessable(
                f"“{name}” must be from {least} to {LARGEST_LIMIT}, or left out for the phase's.",
                code="limit_value",
            )


def _limits_text(phase: Phase, limits: OwnLimits) -> str:
    words = {"per_day": "in a day", "total": "in total", "concurrent": "at a time"}
    given = [f"{n} {words[name]}" for name, n in asdict(limits).items() if n is not None]
    if not given:
        return f"Your team has the same limits as all others in “{phase.title}” again."
    return f"Your team may hand in {', '.join(given)} in “{phase.title}”."


def _keep(
    session: Session, entry: Entry, phase: Phase, action: str, before: dict[str, Any], judge: Judge
) -> None:
    session.flush()
    restand(session, entry, phase)
    _record(session, entry, phase, action, before, _state(entry), judge)


def _record(
    session: Session,
    entry: Entry,
    phase: Phase,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any],
    judge: Judge,
) -> None:
    target = f"{phase.slug}/{entry.team_id}"
    judge.record(session, phase.challenge_id, action, target, before, after)


def _tell(session: Session, phase: Phase, team: Team, text: str, judge: Judge) -> None:
    judge.tell(session, phase.challenge_id, team.id, text)


def _state(entry: Entry) -> dict[str, Any]:
    return {
        "disqualified": entry.disqualified_at is not None,
        "reason": entry.disqualified_reason,
    }
