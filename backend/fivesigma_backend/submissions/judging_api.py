"""REST calls of organisers about submissions, and about teams in a phase."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser
from ..core.platform import Platform
from .access import SubmissionAccess, judged
from .judging_acts import Judging
from .judging_entries import OwnLimits
from .models import Entry
from .submissions_admin import JudgedList, JudgedOut, Wanted, judged_out, judged_page, judged_row

router = APIRouter(tags=["organisers"])
Organised = Annotated[Access, Depends(organiser)]
Judged = Annotated[SubmissionAccess, Depends(judged)]
Filter = Annotated[str | None, Query(max_length=100)]
ONE = "/admin/submissions/{submission_id}"
TEAM = "/admin/challenges/{slug}/phases/{phase}/teams/{team_id}"


class ReasonIn(BaseModel):
    """Why; the team reads it."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=2000)


class LimitsIn(BaseModel):
    """Limits that replace the phase's for one team; null leaves the phase's own."""

    model_config = ConfigDict(extra="forbid")

    per_day: int | None = None
    total: int | None = None
    concurrent: int | None = None


class EntryOut(BaseModel):
    """A team in a phase, as organisers see it."""

    phase: str
    team_id: str
    disqualified: bool
    disqualified_reason: str | None
    per_day: int | None
    total: int | None
    concurrent: int | None


@router.get("/admin/challenges/{slug}/submissions")
def get_submissions(
    platform: PlatformOf,
    access: Organised,
    phase: Filter = None,
    team: Filter = None,
    state: Filter = None,
    flag: Filter = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=40)] = None,
) -> JudgedList:
    """All submissions of a challenge, the newest first, with private scores."""
    wanted = Wanted(phase, team, state, flag)
    url = platform.settings.public_url
    with platform.db.read() as session:
        rows, following = judged_page(
            session, access.challenge.id, wanted, limit=limit, before=cursor
        )
        items = [judged_out(row, url) for row in rows]
    return JudgedList(items=items, next=following)


@router.post(f"{ONE}/hide")
def post_hide(platform: PlatformOf, found: Judged) -> JudgedOut:
    """Take a submission off every board. Its team sees that it is hidden."""
    Judging(platform, found.access).hide(found.submission_id)
    return _one(platform, found)


@router.post(f"{ONE}/disqualify")
def post_disqualify(platform: PlatformOf, found: Judged, body: ReasonIn) -> JudgedOut:
    """Let a submission count nowhere, for a reason that its team reads."""
    Judging(platform, found.access).disqualify(found.submission_id, body.reason)
    return _one(platform, found)


@router.post(f"{ONE}/restore")
def post_restore(platform: PlatformOf, found: Judged) -> JudgedOut:
    """Undo hiding and disqualifying."""
    Judging(platform, found.access).restore(found.submission_id)
    return _one(platform, found)


@router.post(f"{ONE}/refund")
def post_refund(platform: PlatformOf, found: Judged) -> JudgedOut:
    """Give the team the slot back that a submission uses up."""
    Judging(platform, found.access).refund(found.submission_id)
    return _one(platform, found)


@router.post(f"{ONE}/retry")
def post_retry(platform: PlatformOf, found: Judged) -> JudgedOut:
    """Score a submission again that has failed or was rejected. The team pays nothing."""
    Judging(platform, found.access).retry(found.submission_id)
    return _one(platform, found)


@router.post(f"{ONE}/requeue")
def post_requeue(platform: PlatformOf, found: Judged) -> JudgedOut:
    """Take a submission that hangs from its worker and queue it again."""
    Judging(platform, found.access).requeue(found.submission_id)
    return _one(platform, found)


@router.post(f"{TEAM}/disqualify")
def post_disqualify_team(
    platform: PlatformOf, access: Organised, phase: str, team_id: str, body: ReasonIn
) -> EntryOut:
    """Take the rank from a team in a phase, for a reason that it reads."""
    entry = Judging(platform, access).disqualify_entry(phase, team_id, body.reason)
    return _entry(phase, entry)


@router.post(f"{TEAM}/restore")
def post_restore_team(
    platform: PlatformOf, access: Organised, phase: str, team_id: str
) -> EntryOut:
    """Let a disqualified team be ranked again."""
    return _entry(phase, Judging(platform, access).restore_entry(phase, team_id))


@router.post(f"{TEAM}/limits")
def post_limits(
    platform: PlatformOf, access: Organised, phase: str, team_id: str, body: LimitsIn
) -> EntryOut:
    """Give a team limits of its own in a phase; nulls take them away."""
    limits = OwnLimits(body.per_day, body.total, body.concurrent)
    return _entry(phase, Judging(platform, access).set_limits(phase, team_id, limits))


def _one(platform: Platform, found: SubmissionAccess) -> JudgedOut:
    with platform.db.read() as session:
        return judged_row(session, found.submission_id, platform.settings.public_url)


def _entry(phase: str, entry: Entry) -> EntryOut:
    return EntryOut(
        phase=phase,
        team_id=entry.team_id,
        disqualified=entry.disqualified_at is not None,
        disqualified_reason=entry.disqualified_reason,
        per_day=entry.per_day,
        total=entry.total,
        concurrent=entry.concurrent,
    )
