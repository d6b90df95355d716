"""More time for one team: its entry gets a close of its own, and the team is told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ..challenges.models import Challenge, Phase
from ..core.audit import record_act
from ..core.clock import rfc3339
from ..core.errors import Conflict, NotFound, Unprocessable
from ..teams.models import Team
from ..teams.notices import notify
from ..teams.rules import team_name_key
from .models import Entry
from .standings import lock_entry
from .succession import forget_carrying, lock_phases
from .times import in_words


def extend(
    session: Session,
    challenge: Challenge,
    phase_id: str,
    team: str,
    closes_at: datetime | None,
    *,
    now: datetime,
    actor_id: str | None,
) -> Entry:
    """Let a phase close at `closes_at` for a team (its id or name); None takes that back.

    Also after the close, until the phase is unblinded. Raises NotFound, Conflict and Unprocessable.
    """
    found = find_team(session, challenge.id, team)
    entry = lock_entry(session, phase_id, found.id)
    phases = lock_phases(session, challenge.id)
    phase = next(one for one in phases if one.id == phase_id)
    _require_possible(phase, closes_at, now)
    before, entry.closes_at = entry.closes_at, closes_at
    session.flush()
    if closes_at is not None:
        forget_carrying(phases, phase)
    if before != closes_at:
        _tell(session, challenge, phase, found, before, closes_at, now, actor_id)
    return entry


def find_team(session: Session, challenge_id: str, team: str) -> Team:
    """The team with this id or name. Raises NotFound."""
    found = session.scalars(
        select(Team).where(
            Team.challenge_id == challenge_id,
            or_(Team.id == team, Team.name_key == team_name_key(team)),
        )
    ).first()
    if found is None:
        raise NotFound(f"There is no team “{team}” in this challenge. The board has their names.")
    return found


def extensions_in(session: Session, phase: Phase) -> list[tuple[Team, datetime]]:
    """The teams that a phase closes later for, the last first."""
    rows = session.execute(
        select(Team, Entry.closes_at)
        .join(Entry, Entry.team_id == Team.id)
        .where(Entry.phase_id == phase.id, Entry.closes_at.is_not(None))
        .order_by(Entry.closes_at.desc(), Team.name_key)
    )
    return [(team, closes_at) for team, closes_at in rows if closes_at is not None]


def _require_possible(phase: Phase, closes_at: datetime | None, now: datetime) -> None:
    if phase.unblinded_at is not None:
        raise Conflict(
            f"“{phase.title}” is unblinded, so nobody can be given more time.", code="unblinded"
        )
    if closes_at is None:
        return
    if phase.closes_at is None:
        raise Conflict(f"“{phase.title}” has no close, so every team has all the time it wants.")
    if closes_at <= phase.closes_at:
        raise Unprocessable(
            f"“{phase.title}” closes at {in_words(phase.closes_at, 'UTC')} for everybody. An "
            "extension ends later than that."
        )
    if closes_at <= now:
        raise Unprocessable("This moment has passed already. An extension ends in the future.")


def _tell(
    session: Session,
    challenge: Challenge,
    phase: Phase,
    team: Team,
    before: datetime | None,
    closes_at: datetime | None,
    now: datetime,
    actor_id: str | None,
) -> None:
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action="phase.extend",
        target=f"{phase.slug}/{team.name}",
        challenge_id=challenge.id,
        before={"team_id": team.id, "closes_at": rfc3339(before) if before else None},
        after={"team_id": team.id, "closes_at": rfc3339(closes_at) if closes_at else None},
    )
    zone = challenge.definition.get("timezone", "UTC")
    text = (
        f"Your team has more time for “{phase.title}”: until {in_words(closes_at, zone)}."
        if closes_at
        else f"“{phase.title}” closes for your team when it does for everybody: "
        f"{in_words(phase.closes_at, zone)}."
    )
    notify(session, challenge.id, "extension", text, now=now, team_id=team.id, actor_id=actor_id)
