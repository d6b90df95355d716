"""A team as its members see it, with what it was asked and what a yes would mean."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.access import Access
from ..challenges.models import Challenge
from ..core.clock import rfc3339
from ..teams.membership import fresh_team, max_size, members_of, own_membership, teams_lock_at
from ..teams.models import Invitation, MergeProposal, Team
from ..teams.proposals import proposals_from, proposals_to
from ..teams.rules import is_locked
from .merging import PhaseShare, shares
from .team_schemas import InvitationOut, MemberOut, MergeOut, PhaseShareOut, TeamOut

MOST_SHOWN = 20


def team_out(session: Session, access: Access, now: datetime) -> TeamOut:
    """The actor's team. Raises NotFound for who has none."""
    challenge, user_id = access.challenge, access.actor.user_id
    member = own_membership(session, challenge.id, user_id)
    team = fresh_team(session, member.team_id)
    lock = teams_lock_at(session, challenge)
    return TeamOut(
        id=team.id,
        name=team.name,
        staff=team.staff,
        leader=member.leader,
        members=[
            MemberOut(username=one.username, leader=one.leader, banned=one.banned)
            for one in members_of(session, team.id)
        ],
        max_size=max_size(challenge),
        lock_at=rfc3339(lock) if lock else None,
        locked=is_locked(lock, now),
        invitations_sent=_sent(session, team),
        invitations_received=_received(session, challenge, team, str(user_id), now),
        merges_sent=[
            _merge(session, challenge, one, now) for one in proposals_from(session, team.id)
        ],
        merges_received=[
            _merge(session, challenge, one, now)
            for one in proposals_to(session, team.id)[:MOST_SHOWN]
        ],
    )


def _sent(session: Session, team: Team) -> list[InvitationOut]:
    waiting = select(Invitation).where(Invitation.team_id == team.id, Invitation.answer.is_(None))
    rows = session.scalars(waiting.order_by(Invitation.id)).all()
    return [_invitation(session, row, team) for row in rows]


def _received(
    session: Session, challenge: Challenge, own: Team, user_id: str, now: datetime
) -> list[InvitationOut]:
    rows = session.execute(
        select(Invitation, Team)
        .join(Team, Team.id == Invitation.team_id)
        .where(Team.challenge_id == challenge.id, Invitation.user_id == user_id)
        .where(Invitation.answer.is_(None), Invitation.team_id != own.id)
        .order_by(Invitation.id)
        .limit(MOST_SHOWN)
    ).all()
    found = []
    for invitation, team in rows:
        shown = _invitation(session, invitation, team)
        shown.preview = [share_out(one) for one in shares(session, challenge, own.id, team.id, now)]
        found.append(shown)
    return found


def _invitation(session: Session, row: Invitation, team: Team) -> InvitationOut:
    return InvitationOut(
        id=row.id,
        team=team.name,
        username=session.get_one(User, row.user_id).username,
        invited_by=session.get_one(User, row.invited_by).username,
        created_at=rfc3339(row.created_at),
    )


def _merge(
    session: Session, challenge: Challenge, proposal: MergeProposal, now: datetime
) -> MergeOut:
    found = shares(session, challenge, proposal.from_team_id, proposal.into_team_id, now)
    return MergeOut(
        id=proposal.id,
        from_team=session.get_one(Team, proposal.from_team_id).name,
        from_members=[one.username for one in members_of(session, proposal.from_team_id)],
        into_team=session.get_one(Team, proposal.into_team_id).name,
        created_at=rfc3339(proposal.created_at),
        preview=[share_out(one) for one in found],
    )


def share_out(share: PhaseShare) -> PhaseShareOut:
    """What a merge would mean in one phase, as the API and the page show it."""
    return PhaseShareOut(
        phase=share.slug,
        title=share.title,
        used=share.used,
        allowed=share.allowed,
        moves=share.moves,
        finals=share.finals,
        disqualified=share.disqualified,
        possible=share.possible,
    )
