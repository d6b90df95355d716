"""Who takes part, as organisers see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..accounts.rules import name_key, searchable
from ..challenges.models import Participation
from .models import RosterRow, Team, TeamMember

LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Participant:
    """One row of the list."""

    user: User
    participation: Participation
    team: Team | None
    roster_name: str | None

    @property
    def banned(self) -> bool:
        """Whether the person was excluded."""
        return self.participation.banned_at is not None

    @property
    def staff(self) -> bool:
        """Whether the team is shown unranked."""
        return self.team is not None and self.team.staff


def participants(
    session: Session, challenge_id: str, search: str, *, limit: int, cursor: str | None = None
) -> tuple[list[Participant], str | None]:
    """People whose username, team or name on the roster contains `search`, by username."""
    if not searchable(search, LONGEST_SEARCH) or not searchable(cursor or ""):
        return [], None
    query = _everybody(challenge_id)
    if key := name_key(search):
        query = query.where(or_(*_matches(key, search.strip())))
    if cursor:
        query = query.where(User.username_key > cursor)
    rows = session.execute(query.order_by(User.username_key).limit(limit + 1)).all()
    page = [Participant(*row) for row in rows[:limit]]
    return page, page[-1].user.username_key if len(rows) > limit else None


def participant(session: Session, challenge_id: str, user_id: str) -> Participant:
    """The row of one participant."""
    return Participant(*session.execute(_everybody(challenge_id).where(User.id == user_id)).one())


def count_participants(session: Session, challenge_id: str) -> int:
    """How many take part, the excluded among them."""
    own = Participation.challenge_id == challenge_id
    return session.scalar(select(func.count()).select_from(Participation).where(own)) or 0


def _everybody(challenge_id: str) -> Select[User, Participation, Team, str]:
    same = and_(
        TeamMember.challenge_id == Participation.challenge_id,
        TeamMember.user_id == Participation.user_id,
    )
    listed = and_(
        RosterRow.challenge_id == Participation.challenge_id,
        RosterRow.user_id == Participation.user_id,
    )
    return (
        select(User, Participation, Team, RosterRow.name)
        .join(Participation, Participation.user_id == User.id)
        .join(TeamMember, same, isouter=True)
        .join(Team, Team.id == TeamMember.team_id, isouter=True)
        .join(RosterRow, listed, isouter=True)
        .where(Participation.challenge_id == challenge_id)
    )


def _matches(key: str, typed: str) -> list[Any]:
    return [
        User.username_key.contains(key, autoescape=True),
        Team.name_key.contains(key, autoescape=True),
        RosterRow.name.icontains(typed, autoescape=True),
    ]
