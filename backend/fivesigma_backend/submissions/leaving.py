"""Leaving a team, or being removed from it, with its used quota. Callers own the transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.models import Challenge
from ..core.errors import Conflict
from ..teams.bans import settle_team_ban
from ..teams.founding import found_team
from ..teams.membership import (
    KIND,
    hand_over,
    lock_own_team,
    member_named,
    members_of,
    move_member,
    own_membership,
    require_leader,
    require_unlocked,
)
from ..teams.models import Team, TeamMember
from ..teams.notices import notify
from .merging import inherit_quota


def leave(
    session: Session,
    challenge: Challenge,
    user_id: str | None,
    now: datetime,
    successor: str | None = None,
) -> Team:
    """Leave for a team of one; a leader names a successor. The new team.

    Raises Conflict after the lock, for who is alone and for a leader without a successor.
    """
    team = lock_own_team(session, challenge.id, user_id)
    require_unlocked(session, challenge, now)
    if len(members_of(session, team.id)) == 1:
        raise Conflict("You are alone in your team, so there is nothing to leave.", code="alone")
    if successor and own_membership(session, challenge.id, user_id).leader:
        hand_over(session, challenge, user_id, successor, now)
    member = own_membership(session, challenge.id, user_id)
    if member.leader:
        raise Conflict(
            "You lead this team. Say who leads it after you, then leave.", code="hand_over_first"
        )
    return start_alone(session, challenge, team, member, now)


def remove(
    session: Session, challenge: Challenge, user_id: str | None, username: str, now: datetime
) -> Team:
    """Put another member out of the actor's team, into a team of one. The actor's team."""
    team = lock_own_team(session, challenge.id, user_id)
    require_leader(session, team, user_id)
    require_unlocked(session, challenge, now)
    chosen = member_named(session, team, username)
    if chosen.user_id == user_id:
        raise Conflict("Nobody removes themselves: leave the team instead.", code="leave_instead")
    member = own_membership(session, challenge.id, chosen.user_id)
    text = f"You were removed from the team “{team.name}”. You are in a team of your own now."
    notify(session, challenge.id, KIND, text, now=now, user_id=chosen.user_id, actor_id=user_id)
    start_alone(session, challenge, team, member, now)
    return team


def start_alone(
    session: Session, challenge: Challenge, old: Team, member: TeamMember, now: datetime
) -> Team:
    """A new team of one for a member, charged with the used quota of the old one."""
    user = session.get_one(User, member.user_id)
    new = found_team(session, challenge.id, user.username, staff=old.staff, now=now)
    move_member(session, member, new, leader=True, merged=False, now=now)
    inherit_quota(session, challenge, old.id, new.id, now)
    settle_team_ban(session, old, now)
    settle_team_ban(session, new, now)
    text = f"{user.username} is no longer in your team."
    notify(session, challenge.id, KIND, text, now=now, team_id=old.id)
    return new
