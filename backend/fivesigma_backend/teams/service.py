"""Joining a challenge: the participation and a team of one. Callers own the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.models import Challenge, Participation
from ..challenges.rules import banned_text
from ..challenges.service import is_organiser
from ..core.db import insert_missing
from ..core.errors import Forbidden
from ..core.ids import new_id
from ..core.security import Actor
from .models import Team, TeamMember
from .rules import LONGEST_NAME, numbered, team_name_key


@dataclass(frozen=True)
class Joined:
    """A person's place in a challenge. `fresh` says that it was made just now."""

    team: Team
    participation: Participation
    fresh: bool


def join(
    session: Session, challenge: Challenge, actor: Actor, *, accept_rules: bool, now: datetime
) -> Joined:
    """Take part, with a team of one; doing it again changes nothing but accepts newer rules.

    Whether the challenge's policy lets the person in was decided before (`registration.py`).
    Raises Forbidden while there are rules that were not accepted, and for who was excluded.
    """
    assert actor.user_id is not None, "the policy lets known people through only"
    present = participation_of(session, challenge.id, actor.user_id)
    require_acceptance(challenge, present, accept_rules=accept_rules)
    participation = _participate(session, challenge, actor.user_id, now)
    if participation.rules_version != challenge.rules_version:
        participation.rules_version = challenge.rules_version
        participation.rules_accepted_at = now if challenge.rules_version else None
        session.flush()
    team = _team_of(session, challenge.id, actor.user_id) or _team_of_one(
        session, challenge, actor, now
    )
    return Joined(team, participation, fresh=present is None)


def participation_of(session: Session, challenge_id: str, user_id: str) -> Participation | None:
    """The person's row in the challenge as it is now, banned or not."""
    return session.get(Participation, (challenge_id, user_id), populate_existing=True)


def require_acceptance(
    challenge: Challenge, present: Participation | None, *, accept_rules: bool
) -> None:
    """Refuse the banned, and whoever has yet to accept the present rules and does not now."""
    if present is not None and present.banned_at is not None:
        raise Forbidden(banned_text(present.banned_reason), code="banned")
    due = challenge.rules_version is not None and (
        present is None or present.rules_version != challenge.rules_version
    )
    if due and not accept_rules:
        raise Forbidden(
            f"Read the rules at /challenges/{challenge.slug}/rules and accept them to take part.",
            code="rules_not_accepted",
        )


def _participate(
    session: Session, challenge: Challenge, user_id: str, now: datetime
) -> Participation:
    """The row of the participation; who joins twice at once waits for oneself at the insert."""
    version = challenge.rules_version
    insert_missing(
        session,
        Participation,
        challenge_id=challenge.id,
        user_id=user_id,
        joined_at=now,
        rules_version=version,
        rules_accepted_at=now if version else None,
    )
    return session.scalars(
        select(Participation)
        .where(Participation.challenge_id == challenge.id, Participation.user_id == user_id)
        .execution_options(populate_existing=True)
    ).one()


def _team_of(session: Session, challenge_id: str, user_id: str) -> Team | None:
    return session.scalar(
        select(Team)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.challenge_id == challenge_id, TeamMember.user_id == user_id)
    )


def _team_of_one(session: Session, challenge: Challenge, actor: Actor, now: datetime) -> Team:
    # Whoever sees private scores is staff, whatever a token was restricted to.
    user_id = str(actor.user_id)
    staff = actor.is_admin or is_organiser(session, challenge.id, user_id)
    for attempt in count(1):
        team_id, name = new_id(), numbered(actor.username[:LONGEST_NAME], attempt)
        insert_missing(
            session,
            Team,
            id=team_id,
            challenge_id=challenge.id,
            name=name,
            name_key=team_name_key(name),
            staff=staff,
            created_at=now,
        )
        team = session.get(Team, team_id)
        if team is not None:
            break
    session.add(
        TeamMember(challenge_id=challenge.id, user_id=user_id, team_id=team_id, leader=True)
    )
    session.flush()
    return session.get_one(Team, team_id)
