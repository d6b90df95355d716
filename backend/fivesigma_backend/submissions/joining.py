"""Becoming one team: saying yes to an invitation or to a merge. Callers own the transaction.

Both are the same act: a team, of one or more, becomes part of another under the quota rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from ..challenges.models import Challenge
from ..core.errors import Conflict
from ..core.events import Events
from ..teams.bans import settle_team_ban
from ..teams.invitations import ACCEPTED, answer_invitation, end_open_questions
from ..teams.membership import (
    KIND,
    fresh_team,
    lock_own_team,
    lock_teams,
    members_of,
    move_member,
    own_membership,
    require_leader,
    require_unlocked,
    team_members,
)
from ..teams.models import Team
from ..teams.notices import notify
from ..teams.proposals import answer_proposal, require_room
from .leaving import start_alone
from .merging import PhaseShare, absorb, has_submissions


def accept_invitation(
    session: Session,
    events: Events,
    challenge: Challenge,
    invitation_id: str,
    user_id: str | None,
    now: datetime,
) -> Team:
    """Join the team that invited, with all that one has handed in alone.

    Who is in a team with others leaves it by that. Raises Conflict after the lock, where there is
    no place or no quota for both, and for a leader who would leave others behind.
    """
    lock_teams(session, challenge.id)
    require_unlocked(session, challenge, now)
    invitation = answer_invitation(session, invitation_id, ACCEPTED, now)
    member = own_membership(session, challenge.id, user_id)
    own, into = fresh_team(session, member.team_id), fresh_team(session, invitation.team_id)
    if own.id == into.id:
        raise Conflict("You are in this team already.", code="already_member")
    if len(members_of(session, own.id)) > 1:
        if member.leader:
            raise Conflict(
                "You lead a team with others. Hand it over, or propose to merge the teams.",
                code="hand_over_first",
            )
        own = start_alone(session, challenge, own, member, now)
    _become_part(session, events, challenge, own, into, now)
    return into


def accept_merge(
    session: Session,
    events: Events,
    challenge: Challenge,
    proposal_id: str,
    user_id: str | None,
    now: datetime,
) -> Team:
    """Take in the team that proposed to merge. Raises as `accept_invitation`."""
    into = lock_own_team(session, challenge.id, user_id)
    require_unlocked(session, challenge, now)
    proposal = answer_proposal(session, proposal_id, ACCEPTED, now)
    if proposal.into_team_id != into.id:
        raise Conflict("Your team has changed meanwhile. Reload and try again.")
    require_leader(session, into, user_id)
    leaving = fresh_team(session, proposal.from_team_id)
    _become_part(session, events, challenge, leaving, into, now)
    return into


def _become_part(
    session: Session, events: Events, challenge: Challenge, own: Team, into: Team, now: datetime
) -> None:
    require_room(session, challenge, own, into)
    joining = members_of(session, own.id)
    for member in team_members(session, own.id):
        move_member(session, member, into, leader=False, merged=True, now=now)
    done = absorb(session, events, challenge, own.id, into.id, now)
    end_open_questions(session, own.id, into.id, [one.user_id for one in joining], now)
    own.merged_into_id = into.id
    if not has_submissions(session, own.id):
        own.name_key = own.id  # nothing is shown under its name any more: others may take it
    session.flush()
    settle_team_ban(session, into, now)
    names = ", ".join(member.username for member in joining)
    text = _words(own, into, names, done)
    notify(session, challenge.id, KIND, text, now=now, team_id=into.id)


def _words(own: Team, into: Team, names: str, done: Sequence[PhaseShare]) -> str:
    cleared = [f"“{share.title}”" for share in done if share.finals]
    text = f"“{own.name}” ({names}) is part of the team “{into.name}” now."
    if cleared:
        text += f" Your final selections in {', '.join(cleared)} were cleared: select anew."
    return text
