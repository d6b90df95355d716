"""Excluding people, and teams that are shown unranked. Callers own the transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..accounts.rules import name_key, searchable
from ..challenges.boards import renew_boards
from ..challenges.models import Organiser, Participation
from ..core.audit import record_act
from ..core.errors import Conflict, NotFound, Unprocessable
from .membership import lock_teams
from .models import Team, TeamMember
from .registration_rules import LONGEST_MESSAGE, line_problem, one_line


def ban(
    session: Session,
    challenge_id: str,
    username: str,
    reason: str,
    *,
    now: datetime,
    actor_id: str | None,
) -> str:
    """Exclude a participant, who is told the reason. Somebody excluded gets the new reason.

    A team is on no board while all of its members are excluded. Gives the person's id. Raises
    Conflict for organisers.
    """
    reason = one_line(reason)
    if problem := line_problem(reason, "the reason", LONGEST_MESSAGE):
        raise Unprocessable(problem)
    team, one = _locked(session, challenge_id, username)
    if session.get(Organiser, (challenge_id, one.user_id)) is not None:
        raise Conflict(f"{username} organises this challenge. Take that role away first.")
    before = _state(one)
    one.banned_at, one.banned_reason = one.banned_at or now, reason
    _settle(session, team, one, "participant.banned", before, now, actor_id)
    return one.user_id


def unban(
    session: Session, challenge_id: str, username: str, *, now: datetime, actor_id: str | None
) -> str:
    """Let an excluded participant take part again; the team is back on the boards as it stood."""
    team, one = _locked(session, challenge_id, username)
    if one.banned_at is not None:
        before = _state(one)
        one.banned_at = one.banned_reason = None
        _settle(session, team, one, "participant.unbanned", before, now, actor_id)
    return one.user_id


def set_staff(
    session: Session,
    challenge_id: str,
    username: str,
    *,
    staff: bool,
    now: datetime,
    actor_id: str | None,
) -> str:
    """Show the team of a participant unranked, or rank it again.

    Raises Conflict for a team with an organiser or administrator, who may see private scores.
    """
    team, one = _locked(session, challenge_id, username)
    if team is None:
        raise NotFound(f"{username} has no team in this challenge.")
    if not staff and (known := _insider(session, team)):
        raise Conflict(f"{known} may see private scores, so the team can't be ranked.")
    if team.staff is not staff:
        team.staff = staff
        _record(
            session,
            challenge_id,
            "team.staff",
            team.id,
            {"staff": not staff},
            {"staff": staff},
            now,
            actor_id,
        )
        session.flush()
        renew_boards(session, challenge_id)
    return one.user_id


def settle_team_ban(session: Session, team: Team, now: datetime) -> None:
    """Note whether all members of a locked team are excluded. A team without members is not."""
    session.flush()
    banned = session.scalars(
        select(Participation.banned_at)
        .join(TeamMember, TeamMember.user_id == Participation.user_id)
        .where(TeamMember.team_id == team.id, Participation.challenge_id == team.challenge_id)
    ).all()
    everybody = bool(banned) and None not in banned
    if everybody != (team.banned_at is not None):
        team.banned_at = now if everybody else None
        session.flush()


def _locked(
    session: Session, challenge_id: str, username: str
) -> tuple[Team | None, Participation]:
    """The participant and the team; nobody joins or leaves one until the transaction ends."""
    lock_teams(session, challenge_id)
    user_id = searchable(username) and session.scalar(
        select(User.id)
        .join(Participation, Participation.user_id == User.id)
        .where(Participation.challenge_id == challenge_id)
        .where(User.username_key == name_key(username))
    )
    if not user_id:
        raise NotFound("Nobody of this name takes part. Reload the list of participants.")
    team = session.scalar(
        select(Team)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.challenge_id == challenge_id, TeamMember.user_id == user_id)
        .execution_options(populate_existing=True)
    )
    one = session.get_one(
        Participation, (challenge_id, user_id), with_for_update=True, populate_existing=True
    )
    return team, one


def _settle(
    session: Session,
    team: Team | None,
    one: Participation,
    action: str,
    before: dict[str, object],
    now: datetime,
    actor_id: str | None,
) -> None:
    if team is not None:
        settle_team_ban(session, team, now)
    _record(session, one.challenge_id, action, one.user_id, before, _state(one), now, actor_id)
    session.flush()
    renew_boards(session, one.challenge_id)


def _state(one: Participation) -> dict[str, object]:
    return {"banned": one.banned_at is not None, "reason": one.banned_reason}


def _insider(session: Session, team: Team) -> str | None:
    organises = select(Organiser.user_id).where(Organiser.challenge_id == team.challenge_id)
    return session.scalar(
        select(User.username)
        .join(TeamMember, TeamMember.user_id == User.id)
        .where(TeamMember.team_id == team.id)
        .where(User.is_admin | User.id.in_(organises))
        .order_by(User.username_key)
        .limit(1)
    )


def _record(
    session: Session,
    challenge_id: str,
    action: str,
    target: str,
    before: dict[str, object],
    after: dict[str, object],
    now: datetime,
    actor_id: str | None,
) -> None:
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action=action,
        target=target,
        challenge_id=challenge_id,
        before=before,
        after=after,
    )
