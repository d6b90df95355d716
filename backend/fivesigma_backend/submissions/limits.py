"""The allowance of a team, as it is shown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.access import Access
from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from ..core.clock import rfc3339
from .admission import own_team, phase_for_checking
from .models import Entry
from .quota import limits_of, usage_of
from .rules import allowance
from .schemas import LimitsOut


def limits_out(
    session: Session, access: Access, phase_slug: str | None, now: datetime
) -> LimitsOut:
    """What the actor's team has used and has left in a phase (by default the open one)."""
    phase = phase_for_checking(session, access, phase_slug, now)
    return limits_in(session, access, phase, own_team(session, access).id, now)


def limits_in(
    session: Session, access: Access, phase: Phase, team_id: str, now: datetime
) -> LimitsOut:
    """What a team has used and has left in a phase."""
    definition = PhaseDefinition.model_validate(phase.definition)
    entry = session.scalar(
        select(Entry).where(Entry.phase_id == phase.id, Entry.team_id == team_id)
    )
    limits = limits_of(access.challenge, definition, entry)
    left = allowance(limits, usage_of(session, entry.id if entry else None, now), now)
    return LimitsOut(
        phase=phase.slug,
        per_day=limits.per_day,
        total=limits.total,
        concurrent=limits.concurrent,
        window="calendar" if limits.calendar else "rolling",
        used_today=left.used_today,
        used_total=left.used_total,
        running=left.running,
        remaining=left.remaining,
        next_at=rfc3339(left.next_at) if left.next_at else None,
    )
