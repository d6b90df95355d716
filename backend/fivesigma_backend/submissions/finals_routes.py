"""Finals as things stand, and the note on a submission's method: pages and REST calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, participant
from ..core.pages import redirect
from .access import SubmissionAccess, of_submission
from .changing import change, checked_note
from .finals_shown import FinalsOut, finals_of
from .schemas import SubmissionChange

api = APIRouter(tags=["submissions"])
pages = APIRouter()


@api.get("/challenges/{slug}/finals")
def get_finals(
    request: Request,
    platform: PlatformOf,
    access: Annotated[Access, Depends(participant("read"))],
    phase: Annotated[str | None, Query(max_length=40)] = None,
) -> FinalsOut:
    """What counts of one's team as things stand: selected, filled by public score, free places."""
    with platform.db.read() as session:
        return finals_of(session, access, phase, request.state.began_at)


@pages.post("/submissions/{submission_id}/note")
def note_form(
    request: Request,
    platform: PlatformOf,
    found: Annotated[SubmissionAccess, Depends(of_submission("submit", change=True))],
    note: Annotated[str, Form()] = "",
) -> Response:
    """Say how it was made."""
    wanted = SubmissionChange(note=checked_note(note))
    with platform.db.transaction() as session:
        change(session, platform.events, found, wanted, now=request.state.began_at)
    return redirect(f"/submissions/{found.submission_id}", notice="message-saved")
