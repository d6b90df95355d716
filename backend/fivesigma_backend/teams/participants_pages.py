"""The organisers' pages about participants: who takes part, who asks to, invite codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from ..accounts.forms import typed
from ..core.errors import Problem
from ..core.pages import redirect
from ..core.web import with_headers
from .applications import applications, count_waiting
from .invite_codes import invite_codes
from .participants_actions import Acts, Organising
from .participants_frame import ONCE, PAGE, Search, next_page, root_of, show
from .participants_list import count_participants, participants
from .registration_rules import Decision

router = APIRouter(prefix="/challenges/{slug}/participants")
SHOWN_APPLICATIONS = 100


@router.get("")
def people(
    request: Request, acts: Acts, search: Search = "", cursor: str | None = None
) -> Response:
    """Who takes part, with those who ask to on top."""
    return _people(request, acts, search, cursor)


@router.post("/{username}/ban")
def ban_form(
    request: Request, acts: Acts, username: str, reason: Annotated[str, Form()] = ""
) -> Response:
    """Exclude a participant, or say why not."""
    return _people_after(request, acts, lambda: acts.ban(username, reason), "banned")


@router.post("/{username}/unban")
def unban_form(request: Request, acts: Acts, username: str) -> Response:
    """Let an excluded participant take part again."""
    return _people_after(request, acts, lambda: acts.unban(username), "unbanned")


@router.post("/{username}/staff")
def staff_form(
    request: Request, acts: Acts, username: str, staff: Annotated[Literal["0", "1"], Form()]
) -> Response:
    """Show a team unranked (`staff=1`), or rank it again (`staff=0`)."""
    return _people_after(
        request, acts, lambda: acts.set_staff(username, staff=staff == "1"), "staff-changed"
    )


@router.post("/applications")
def applications_form(
    request: Request,
    acts: Acts,
    decision: Annotated[Literal["approve", "refuse", "approve-shown"], Form()],
    chosen: Annotated[list[str] | None, Form()] = None,
    shown: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Approve or refuse those who were ticked, or approve all who were on the page."""
    usernames = (shown if decision == "approve-shown" else chosen) or []
    accept = decision != "refuse"
    notice = "approved" if accept else "refused"
    return _people_after(request, acts, lambda: acts.decide(usernames, accept=accept), notice)


@router.get("/codes")
def codes(request: Request, acts: Acts) -> Response:
    """The invite codes."""
    return _codes(request, acts)


@router.post("/codes")
def make_code_form(request: Request, acts: Acts, label: Annotated[str, Form()] = "") -> Response:
    """Make an invite code and show it once."""
    try:
        row, code = acts.make_invite_code(label)
    except Problem as problem:
        return _codes(request, acts, problem, label)
    return with_headers(_codes(request, acts, made=(row.label, code)), ONCE)


@router.post("/codes/{code_id}/revoke")
def revoke_form(request: Request, acts: Acts, code_id: str) -> Response:
    """Let nobody in by a code any more."""
    try:
        acts.revoke_invite_code(code_id)
    except Problem as problem:
        return _codes(request, acts, problem)
    return redirect(f"{root_of(acts)}/codes", notice="code-revoked")


def _people_after(
    request: Request, acts: Organising, act: Callable[[], object], notice: str
) -> Response:
    """Do `act` and see the list again; what stands in its way is said there."""
    try:
        act()
    except Problem as problem:
        return _people(request, acts, problem=problem)
    return redirect(root_of(acts), notice=notice)


def _people(
    request: Request,
    acts: Organising,
    search: str = "",
    cursor: str | None = None,
    problem: Problem | None = None,
) -> Response:
    challenge = acts.challenge
    with acts.platform.db.read() as session:
        found, following = participants(session, challenge.id, search, limit=PAGE, cursor=cursor)
        count = count_participants(session, challenge.id)
        waiting = count_waiting(session, challenge.id)
        asked = [
            one
            for state in (Decision.WAITING, Decision.REFUSED)
            for one in applications(session, challenge.id, state, limit=SHOWN_APPLICATIONS)
        ]
    return show(
        request,
        acts,
        "teams/participants.html",
        problem,
        people=found,
        count=count,
        waiting=waiting,
        asked=asked,
        search=typed(search),
        following=next_page(root_of(acts), search, following),
    )


def _codes(
    request: Request,
    acts: Organising,
    problem: Problem | None = None,
    label: str = "",
    *,
    made: tuple[str, str] | None = None,
) -> Response:
    with acts.platform.db.read() as session:
        rows = invite_codes(session, acts.challenge.id)
    return show(
        request,
        acts,
        "teams/codes.html",
        problem,
        rows=rows,
        label=typed(label),
        made=made,
        status=201 if made else 200,
    )
