"""REST calls of teams: who is in, invitations, leaving, merging.

They stand with submissions, since whoever changes teams takes used quota along.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy.orm import Session

from ..accounts.access import PlatformOf
from ..challenges.access import Access, participant
from ..core.platform import Platform
from ..teams.access import QuestionAccess, asked, invited, inviting, leader, proposing
from ..teams.invitations import decline, invite, withdraw
from ..teams.membership import hand_over, rename
from ..teams.proposals import decline_merge, propose, withdraw_merge
from .joining import accept_invitation, accept_merge
from .leaving import leave, remove
from .team_schemas import LeaveIn, MergeIn, PersonIn, TeamChange, TeamOut
from .team_views import team_out

router = APIRouter(tags=["teams"])
TEAM = "/challenges/{slug}/team"
Member = Annotated[Access, Depends(participant("submit"))]
Leader = Annotated[Access, Depends(leader("submit"))]


@router.get(TEAM)
def get_team(
    request: Request, platform: PlatformOf, access: Annotated[Access, Depends(participant("read"))]
) -> TeamOut:
    """One's own team: members, invitations and proposals, and what a yes would mean."""
    with platform.db.read() as session:
        return team_out(session, access, request.state.began_at)


@router.patch(TEAM)
def patch_team(request: Request, body: TeamChange, platform: PlatformOf, access: Leader) -> TeamOut:
    """Rename the team."""
    with platform.db.transaction() as session:
        rename(session, access.challenge, access.actor.user_id, body.name)
        return _out(session, access, request)


@router.post(f"{TEAM}/hand-over")
def post_hand_over(
    request: Request, body: PersonIn, platform: PlatformOf, access: Leader
) -> TeamOut:
    """Make another member the leader."""
    with platform.db.transaction() as session:
        hand_over(
            session, access.challenge, access.actor.user_id, body.username, request.state.began_at
        )
        return _out(session, access, request)


@router.post(f"{TEAM}/leave")
def post_leave(
    request: Request, platform: PlatformOf, access: Member, body: LeaveIn | None = None
) -> TeamOut:
    """Leave for a team of one, which inherits the used quota; a leader names a `successor`."""
    successor = body.successor if body else None
    with platform.db.transaction() as session:
        leave(session, access.challenge, access.actor.user_id, request.state.began_at, successor)
        return _out(session, access, request)


@router.delete(f"{TEAM}/members/{{username}}")
def delete_member(request: Request, username: str, platform: PlatformOf, access: Leader) -> TeamOut:
    """Remove a member, who is in a team of one then."""
    with platform.db.transaction() as session:
        remove(session, access.challenge, access.actor.user_id, username, request.state.began_at)
        return _out(session, access, request)


@router.post(f"{TEAM}/invitations", status_code=201)
def post_invitation(
    request: Request, body: PersonIn, platform: PlatformOf, access: Leader
) -> TeamOut:
    """Invite a participant by username."""
    with platform.db.transaction() as session:
        user_id = str(access.actor.user_id)
        invite(session, access.challenge, user_id, body.username, request.state.began_at)
        return _out(session, access, request)


@router.post(f"{TEAM}/merges", status_code=201)
def post_merge(request: Request, body: MergeIn, platform: PlatformOf, access: Leader) -> TeamOut:
    """Propose that the own team becomes part of another one."""
    with platform.db.transaction() as session:
        user_id = str(access.actor.user_id)
        propose(session, access.challenge, user_id, body.team, request.state.began_at)
        return _out(session, access, request)


@router.post("/invitations/{question_id}/accept")
def post_accept(
    request: Request,
    platform: PlatformOf,
    found: Annotated[QuestionAccess, Depends(invited("submit"))],
) -> TeamOut:
    """Join the team that invites, with what one has handed in so far."""
    return _answer_yes(request, platform, found, accept_invitation)


@router.post("/invitations/{question_id}/decline")
def post_decline(
    request: Request,
    platform: PlatformOf,
    found: Annotated[QuestionAccess, Depends(invited("submit"))],
) -> TeamOut:
    """Say no to an invitation."""
    with platform.db.transaction() as session:
        decline(session, found.access.challenge, found.id, request.state.began_at)
        return _out(session, found.access, request)


@router.post("/invitations/{question_id}/withdraw")
def post_withdraw(
    request: Request,
    platform: PlatformOf,
    found: Annotated[QuestionAccess, Depends(inviting("submit"))],
) -> TeamOut:
    """Take an invitation back."""
    with platform.db.transaction() as session:
        withdraw(session, found.id, request.state.began_at)
        return _out(session, found.access, request)


@router.post("/merges/{question_id}/accept")
def post_accept_merge(
    request: Request,
    platform: PlatformOf,
    found: Annotated[QuestionAccess, Depends(asked("submit"))],
) -> TeamOut:
    """Take in the team that proposed to merge."""
    return _answer_yes(request, platform, found, accept_merge)


@router.post("/merges/{question_id}/decline")
def post_decline_merge(
    request: Request,
    platform: PlatformOf,
    found: Annotated[QuestionAccess, Depends(asked("submit"))],
) -> TeamOut:
    """Say no to a merge."""
    with platform.db.transaction() as session:
        decline_merge(session, found.access.challenge, found.id, request.state.began_at)
        return _out(session, found.access, request)


@router.post("/merges/{question_id}/withdraw")
def post_withdraw_merge(
    request: Request,
    platform: PlatformOf,
    found: Annotated[QuestionAccess, Depends(proposing("submit"))],
) -> TeamOut:
    """Take a proposal to merge back."""
    with platform.db.transaction() as session:
        withdraw_merge(session, found.id, request.state.began_at)
        return _out(session, found.access, request)


def _answer_yes(
    request: Request, platform: Platform, found: QuestionAccess, accept: Callable[..., object]
) -> TeamOut:
    challenge, user_id = found.access.challenge, found.access.actor.user_id
    now = request.state.began_at
    with platform.db.transaction() as session:
        accept(session, platform.events, challenge, found.id, user_id, now)
        return _out(session, found.access, request)


def _out(session: Session, access: Access, request: Request) -> TeamOut:
    return team_out(session, access, request.state.began_at)
