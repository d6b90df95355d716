"""The page “Team” of a challenge and its forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, participant
from ..challenges.service import phases_of
from ..core.errors import Problem
from ..core.pages import redirect, render
from ..core.platform import Platform
from ..teams.access import QuestionAccess, asked, invited, inviting, leader, proposing
from ..teams.invitations import decline, invite, withdraw
from ..teams.membership import hand_over, rename
from ..teams.proposals import decline_merge, propose, withdraw_merge
from .joining import accept_invitation, accept_merge
from .leaving import leave, remove
from .team_views import team_out

router = APIRouter()
TEAM = "/challenges/{slug}/team"
Member = Annotated[Access, Depends(participant("submit"))]
Leader = Annotated[Access, Depends(leader("submit"))]
Invited = Annotated[QuestionAccess, Depends(invited("submit"))]
Inviting = Annotated[QuestionAccess, Depends(inviting("submit"))]
Asked = Annotated[QuestionAccess, Depends(asked("submit"))]
Proposing = Annotated[QuestionAccess, Depends(proposing("submit"))]
Text = Annotated[str, Form(max_length=200)]
Act = Callable[[Session], object]


@router.get(TEAM)
def team_page(
    request: Request, platform: PlatformOf, access: Annotated[Access, Depends(participant("read"))]
) -> Response:
    """The own team, and what may be done about it."""
    return _page(request, platform, access)


@router.post(f"{TEAM}/rename")
def rename_form(
    request: Request, platform: PlatformOf, access: Leader, name: Text = ""
) -> Response:
    """Give the team another name."""

    def act(session: Session) -> None:
        rename(session, access.challenge, access.actor.user_id, name)

    return _do(request, platform, access, act, "team-renamed", {"name": name})


@router.post(f"{TEAM}/invite")
def invite_form(
    request: Request, platform: PlatformOf, access: Leader, username: Text = ""
) -> Response:
    """Invite a participant."""

    def act(session: Session) -> None:
        invite(
            session, access.challenge, str(access.actor.user_id), username, request.state.began_at
        )

    return _do(request, platform, access, act, "invited", {"username": username})


@router.post(f"{TEAM}/hand-over")
def hand_over_form(
    request: Request, platform: PlatformOf, access: Leader, username: Text = ""
) -> Response:
    """Make another member the leader."""

    def act(session: Session) -> None:
        hand_over(session, access.challenge, access.actor.user_id, username, request.state.began_at)

    return _do(request, platform, access, act, "handed-over")


@router.post(f"{TEAM}/remove")
def remove_form(
    request: Request, platform: PlatformOf, access: Leader, username: Text = ""
) -> Response:
    """Put a member out of the team."""

    def act(session: Session) -> None:
        remove(session, access.challenge, access.actor.user_id, username, request.state.began_at)

    return _do(request, platform, access, act, "member-removed")


@router.post(f"{TEAM}/leave")
def leave_form(
    request: Request, platform: PlatformOf, access: Member, successor: Text = ""
) -> Response:
    """Leave for a team of one."""

    def act(session: Session) -> None:
        leave(
            session,
            access.challenge,
            access.actor.user_id,
            request.state.began_at,
            successor or None,
        )

    return _do(request, platform, access, act, "team-left")


@router.post(f"{TEAM}/merge")
def merge_form(request: Request, platform: PlatformOf, access: Leader, team: Text = "") -> Response:
    """Propose to become part of another team."""

    def act(session: Session) -> None:
        propose(session, access.challenge, str(access.actor.user_id), team, request.state.began_at)

    return _do(request, platform, access, act, "merge-proposed", {"team": team})


@router.post("/invitations/{question_id}/accept")
def accept_form(request: Request, platform: PlatformOf, found: Invited) -> Response:
    """Join the team that invites."""
    return _answer_yes(request, platform, found, accept_invitation, "team-joined")


@router.post("/invitations/{question_id}/decline")
def decline_form(request: Request, platform: PlatformOf, found: Invited) -> Response:
    """Say no to an invitation."""

    def act(session: Session) -> None:
        decline(session, found.access.challenge, found.id, request.state.began_at)

    return _do(request, platform, found.access, act, "declined")


@router.post("/invitations/{question_id}/withdraw")
def withdraw_form(request: Request, platform: PlatformOf, found: Inviting) -> Response:
    """Take an invitation back."""

    def act(session: Session) -> None:
        withdraw(session, found.id, request.state.began_at)

    return _do(request, platform, found.access, act, "withdrawn")


@router.post("/merges/{question_id}/accept")
def accept_merge_form(request: Request, platform: PlatformOf, found: Asked) -> Response:
    """Take in the team that proposed to merge."""
    return _answer_yes(request, platform, found, accept_merge, "merged")


@router.post("/merges/{question_id}/decline")
def decline_merge_form(request: Request, platform: PlatformOf, found: Asked) -> Response:
    """Say no to a merge."""

    def act(session: Session) -> None:
        decline_merge(session, found.access.challenge, found.id, request.state.began_at)

    return _do(request, platform, found.access, act, "declined")


@router.post("/merges/{question_id}/withdraw")
def withdraw_merge_form(request: Request, platform: PlatformOf, found: Proposing) -> Response:
    """Take a proposal back."""

    def act(session: Session) -> None:
        withdraw_merge(session, found.id, request.state.began_at)

    return _do(request, platform, found.access, act, "withdrawn")


def _answer_yes(
    request: Request,
    platform: Platform,
    found: QuestionAccess,
    accept: Callable[..., object],
    notice: str,
) -> Response:
    challenge, user_id = found.access.challenge, found.access.actor.user_id

    def act(session: Session) -> None:
        accept(session, platform.events, challenge, found.id, user_id, request.state.began_at)

    return _do(request, platform, found.access, act, notice)


def _do(
    request: Request,
    platform: Platform,
    access: Access,
    act: Act,
    notice: str,
    form: dict[str, str] | None = None,
) -> Response:
    """Do it and see the page anew; a refusal shows the page with the reason and what was typed."""
    try:
        with platform.db.transaction() as session:
            act(session)
    except Problem as problem:
        return _page(request, platform, access, problem, form)
    return redirect(f"/challenges/{access.challenge.slug}/team", notice=notice)


def _page(
    request: Request,
    platform: Platform,
    access: Access,
    problem: Problem | None = None,
    form: dict[str, str] | None = None,
) -> Response:
    with platform.db.read() as session:
        team = team_out(session, access, request.state.began_at)
        phases = phases_of(session, access.challenge.id)
    return render(
        request,
        "teams/team.html",
        status=problem.status if problem else 200,
        access=access,
        phases=phases,
        team=team,
        problem=problem,
        typed=form or {},
    )
