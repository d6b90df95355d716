"""Who is in which team, and what its leader decides. Callers own the transaction.

Whatever changes who is in which team takes `lock_teams` first, then locks the rows of members, then
entries: so two changes at once wait for each other, and never in a ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.definition import Definition
from ..challenges.models import Challenge, Participation
from ..challenges.service import phases_of
from ..core.errors import Conflict, Forbidden, NotFound, Unprocessable
from .models import FormerMember, Team, TeamMember
from .notices import notify
from .rules import is_locked, lock_moment, name_problem, team_name_key

KIND = "team"


@dataclass(frozen=True)
class Member:
    """A member as the team's page shows it."""

    user_id: str
    username: str
    leader: bool
    banned: bool


def own_membership(session: Session, challenge_id: str, user_id: str | None) -> TeamMember:
    """The row that says which team somebody is in. Raises NotFound for who has none."""
    found = session.get(TeamMember, (challenge_id, user_id), populate_existing=True)
    if found is None:
        raise NotFound("You have no team in this challenge. Join it first.")
    return found


def own_team_ids(session: Session, challenge_id: str, user_id: str | None) -> list[str]:
    """The team somebody is in, then those that were merged while they were a member.

    What these have in closed phases is still theirs to look at; what a team keeps after somebody
    left it is not.
    """
    own = select(TeamMember.team_id).where(
        TeamMember.challenge_id == challenge_id, TeamMember.user_id == user_id
    )
    merged = (
        select(FormerMember.team_id)
        .join(Team, Team.id == FormerMember.team_id)
        .where(Team.challenge_id == challenge_id, FormerMember.user_id == user_id)
        .where(FormerMember.merged)
    )
    return list(session.scalars(own.union_all(merged)))


def members_of(session: Session, team_id: str) -> list[Member]:
    """The members of a team, the leader first, then by name."""
    rows = session.execute(
        select(User.id, User.username, TeamMember.leader, Participation.banned_at)
        .join(TeamMember, TeamMember.user_id == User.id)
        .outerjoin(
            Participation,
            (Participation.challenge_id == TeamMember.challenge_id)
            & (Participation.user_id == User.id),
        )
        .where(TeamMember.team_id == team_id)
        .order_by(TeamMember.leader.desc(), User.username_key)
    )
    return [Member(*row[:3], banned=row[3] is not None) for row in rows]


def lock_teams(session: Session, challenge_id: str) -> None:
    """Let nobody else change who is in which team of a challenge until the transaction ends.

    Not a lock of the teams' own rows: workers write those while they hold evaluations, which a
    merge moves. The weaker kind, which keys that point at the challenge don't wait for.
    """
    session.execute(
        select(Challenge.id).where(Challenge.id == challenge_id).with_for_update(key_share=True)
    )


def lock_own_team(session: Session, challenge_id: str, user_id: str | None) -> Team:
    """Somebody's team as it is now and stays until the transaction ends."""
    lock_teams(session, challenge_id)
    return fresh_team(session, own_membership(session, challenge_id, user_id).team_id)


def fresh_team(session: Session, team_id: str) -> Team:
    """A team as it is now."""
    return session.get_one(Team, team_id, populate_existing=True)


def require_leader(session: Session, team: Team, user_id: str | None) -> None:
    """Refuse whoever does not lead the locked team (any more)."""
    if not own_membership(session, team.challenge_id, user_id).leader:
        raise Forbidden("Only the leader of the team can do this.", code="not_leader")


def teams_lock_at(session: Session, challenge: Challenge) -> datetime | None:
    """From when the teams of a challenge stay as they are; None for never."""
    given = Definition.model_validate(challenge.definition).teams.lock_at
    closes = [phase.closes_at for phase in phases_of(session, challenge.id)]
    last = max((close for close in closes if close), default=None) if all(closes) else None
    return lock_moment(given, last)


def require_unlocked(session: Session, challenge: Challenge, now: datetime) -> None:
    """Refuse what changes who is in which team after the lock."""
    lock = teams_lock_at(session, challenge)
    if lock is not None and is_locked(lock, now):
        raise Conflict(
            f"Teams stay as they are since {lock:%Y-%m-%d %H:%M} UTC: nobody can join or leave "
            "one, and none can merge.",
            code="teams_locked",
        )


def max_size(challenge: Challenge) -> int:
    """How many members a team may have."""
    return Definition.model_validate(challenge.definition).teams.max_size


def rename(session: Session, challenge: Challenge, user_id: str | None, name: str) -> Team:
    """Give the actor's team another name. Raises Unprocessable and Conflict if it can't have it."""
    name = name.strip()
    problem = name_problem(name)
    if problem is not None:
        raise Unprocessable(problem, code="team_name")
    team = lock_own_team(session, challenge.id, user_id)
    require_leader(session, team, user_id)
    key = team_name_key(name)
    holder = session.scalar(
        select(Team.id).where(Team.challenge_id == challenge.id, Team.name_key == key)
    )
    if holder not in (None, team.id):
        raise Conflict("Another team has this name already. Choose another.", code="name_taken")
    team.name, team.name_key = name, key
    session.flush()
    return team


def hand_over(
    session: Session, challenge: Challenge, user_id: str | None, successor: str, now: datetime
) -> Team:
    """Make another member the leader. Raises Unprocessable for who is not in the team."""
    team = lock_own_team(session, challenge.id, user_id)
    require_leader(session, team, user_id)
    chosen = member_named(session, team, successor)
    if chosen.banned:
        raise Unprocessable(f"“{successor}” was excluded and can't lead.", code="banned")
    for member in session.scalars(select(TeamMember).where(TeamMember.team_id == team.id)):
        member.leader = member.user_id == chosen.user_id
    session.flush()
    text = f"{chosen.username} leads your team now."
    notify(session, team.challenge_id, KIND, text, now=now, team_id=team.id)
    return team


def member_named(session: Session, team: Team, username: str) -> Member:
    """The member called so. Raises Unprocessable, naming those there are."""
    members = members_of(session, team.id)
    for member in members:
        if member.username.casefold() == username.strip().casefold():
            return member
    names = ", ".join(member.username for member in members)
    raise Unprocessable(f"There is no “{username}” in your team: {names}.", code="no_member")


def move_member(
    session: Session,
    member: TeamMember,
    target: Team,
    *,
    leader: bool,
    merged: bool,
    now: datetime,
) -> None:
    """Put a member of a locked team into another one and remember where they were."""
    been = FormerMember(team_id=member.team_id, user_id=member.user_id, left_at=now, merged=merged)
    back = delete(FormerMember).where(FormerMember.team_id == target.id)
    session.execute(back.where(FormerMember.user_id == member.user_id))
    session.merge(been)
    member.team_id, member.leader = target.id, leader
    session.flush()


def team_members(session: Session, team_id: str) -> Sequence[TeamMember]:
    """The rows of a team's members, locked so that a file on its way sees where they end up."""
    return session.scalars(
        select(TeamMember)
        .where(TeamMember.team_id == team_id)
        .order_by(TeamMember.user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
