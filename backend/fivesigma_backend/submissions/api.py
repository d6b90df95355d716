"""REST calls of submissions: hand in, validate, follow, select, cancel, limits, events."""

from __future__ import annotations

import contextlib
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, StreamingResponse

from ..accounts.access import PlatformOf
from ..challenges.access import Access, participant, uploader, visible
from ..core.errors import TooMany
from ..teams.membership import own_team_ids
from .access import SubmissionAccess, of_submission
from .admission import own_team
from .changing import cancel, change
from .checking import check_upload
from .handing_in import Accepted
from .limits import limits_out
from .models import Submission
from .receiving import Delivery
from .schemas import LimitsOut, SubmissionChange, SubmissionList, SubmissionOut, ValidationOut
from .views import submission_out, submission_row, team_submissions
from .waiting import LONGEST_WAIT, WAITS, event_stream, wait_until_finished

router = APIRouter(tags=["submissions"])
# The parser enforces the cap of the test set; this only lifts the one for small forms.
ANY_SIZE = 2**62
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT)]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=40)]


@router.post(
    "/challenges/{slug}/submissions",
    status_code=201,
    response_model=SubmissionOut,
    max_body_size=ANY_SIZE,
)
async def post_submission(
    request: Request,
    platform: PlatformOf,
    access: Annotated[Access, Depends(uploader)],
    wait: Wait = 0,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """Hand in one file (multipart: `phase`, `message`, `metadata`, then `file`)."""
    accepted = await Delivery(request, platform, access).hand_in(idempotency_key)
    if wait:
        # The file is accepted by now: without a free seat the answer is only less patient.
        with contextlib.suppress(TooMany), WAITS.seat(access.actor.user_id or ""):
            await wait_until_finished(request, platform, accepted.submission_id, wait)
    out = await run_in_threadpool(_out, platform, accepted.submission_id, access)
    return JSONResponse(out.model_dump(), 201, headers=_headers(out, accepted))


def _headers(out: SubmissionOut, accepted: Accepted) -> dict[str, str]:
    headers = {"Location": f"/api/v1/submissions/{out.id}"}
    if accepted.remaining is not None:
        headers["X-Submissions-Remaining"] = str(accepted.remaining)
    if accepted.replayed:
        headers["Idempotency-Replayed"] = "true"
    return headers


@router.post("/challenges/{slug}/validate", response_model=ValidationOut, max_body_size=ANY_SIZE)
async def post_validation(
    request: Request, platform: PlatformOf, access: Annotated[Access, Depends(uploader)]
) -> ValidationOut:
    """Check a file without handing it in. Costs no quota; never looks at the truth."""
    return await check_upload(request, platform, access)


@router.get("/challenges/{slug}/submissions", response_model=SubmissionList)
def get_submissions(
    platform: PlatformOf,
    access: Annotated[Access, Depends(participant("read"))],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SubmissionList:
    """The team's submissions, the newest first."""
    url = platform.settings.public_url
    with platform.db.read() as session:
        team_ids = own_team_ids(session, access.challenge.id, access.actor.user_id)
        rows, following = team_submissions(session, team_ids, limit=limit, before=cursor)
        items = [submission_out(row, organiser=False, public_url=url) for row in rows]
    return SubmissionList(items=items, next=following)


@router.get("/challenges/{slug}/limits", response_model=LimitsOut)
def get_limits(
    request: Request,
    platform: PlatformOf,
    access: Annotated[Access, Depends(participant("read"))],
    phase: Annotated[str | None, Query(max_length=40)] = None,
) -> LimitsOut:
    """What the team may still hand in, and when the next is possible."""
    with platform.db.read() as session:
        return limits_out(session, access, phase, request.state.began_at)


@router.get("/challenges/{slug}/events", response_class=EventSourceResponse)
async def get_events(
    request: Request, platform: PlatformOf, access: Annotated[Access, Depends(visible)]
) -> EventSourceResponse:
    """Server-sent events of a live page: ids, states and board versions, never values."""
    team_id = await run_in_threadpool(_team_id, platform, access)
    stream = event_stream(request, platform, access.challenge.id, access.actor, team_id)
    return EventSourceResponse(stream, headers={"X-Accel-Buffering": "no"})


@router.get("/submissions/{submission_id}", response_model=SubmissionOut)
async def get_submission(
    request: Request,
    platform: PlatformOf,
    found: Annotated[SubmissionAccess, Depends(of_submission("read"))],
    wait: Wait = 0,
) -> SubmissionOut:
    """One submission; with `wait`, once it is finished or the time is over."""
    if wait:
        with WAITS.seat(found.access.actor.user_id or ""):
            await wait_until_finished(request, platform, found.submission_id, wait)
    return await run_in_threadpool(_out, platform, found.submission_id, found.access)


@router.get("/submissions/{submission_id}/file")
def get_file(
    platform: PlatformOf, found: Annotated[SubmissionAccess, Depends(of_submission("read"))]
) -> StreamingResponse:
    """The file as it was handed in."""
    with platform.db.read() as session:
        submission = session.get_one(Submission, found.submission_id)
    headers = {
        # The name is a stranger's: it goes into its percent-encoded form only.
        "Content-Disposition": f"attachment; filename*=UTF-8''{_quoted(submission.filename)}",
        "Content-Length": str(submission.size),
        "ETag": f'"{submission.sha256}"',
    }
    stream = platform.storage.stream(submission.sha256)
    return StreamingResponse(stream, media_type="application/octet-stream", headers=headers)


@router.patch("/submissions/{submission_id}", response_model=SubmissionOut)
def patch_submission(
    request: Request,
    body: SubmissionChange,
    platform: PlatformOf,
    found: Annotated[SubmissionAccess, Depends(of_submission("submit", change=True))],
) -> SubmissionOut:
    """Select as one of the finals (until the phase closes), or change the message."""
    with platform.db.transaction() as session:
        change(session, platform.events, found, body, now=request.state.began_at)
    return _out(platform, found.submission_id, found.access)


@router.post("/submissions/{submission_id}/cancel", response_model=SubmissionOut)
def post_cancel(
    request: Request,
    platform: PlatformOf,
    found: Annotated[SubmissionAccess, Depends(of_submission("submit", change=True))],
) -> SubmissionOut:
    """Take back a submission that is still queued; its slot comes back."""
    with platform.db.transaction() as session:
        cancel(session, platform.events, found, now=request.state.began_at)
    return _out(platform, found.submission_id, found.access)


def _out(platform: PlatformOf, submission_id: str, access: Access) -> SubmissionOut:
    with platform.db.read() as session:
        row = submission_row(session, submission_id)
        return submission_out(
            row, organiser=access.organiser, public_url=platform.settings.public_url
        )


def _team_id(platform: PlatformOf, access: Access) -> str | None:
    if access.joined_at is None:
        return None
    with platform.db.read() as session:
        return own_team(session, access).id


def _quoted(name: str) -> str:
    return quote(name, safe="")
