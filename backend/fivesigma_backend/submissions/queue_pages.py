"""The queue: a page and a REST call for organisers, a page of all challenges for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import Response

from ..accounts.access import PlatformOf, admin
from ..challenges.access import Access, organiser
from ..challenges.service import phases_of
from ..core.clock import rfc3339
from ..core.pages import render
from ..core.security import Actor
from .queue_shown import QueueRow, read_queue

api = APIRouter(tags=["organisers"])
pages = APIRouter()
Organised = Annotated[Access, Depends(organiser)]


class QueueItem(BaseModel):
    """One evaluation; `age` is in seconds, since `since`."""

    submission: str
    phase: str
    team: str
    state: str
    since: str
    age: float
    attempt: int
    lost_leases: int
    crashes: int
    host: str | None
    worker: str | None
    lease_until: str | None
    rescoring: bool
    reference: str | None
    failure: str | None


class QueueOut(BaseModel):
    """The queue of a challenge. Of each list the first hundred; `totals` counts all by state."""

    totals: dict[str, int]
    scoring: list[QueueItem]
    queued: list[QueueItem]
    refused: list[QueueItem]


@api.get("/admin/challenges/{slug}/queue")
def get_queue(platform: PlatformOf, access: Organised) -> QueueOut:
    """What is being scored, what waits, and what failed or was rejected."""
    with platform.db.read() as session:
        queue = read_queue(session, access.challenge.id, platform.clock())
    return QueueOut(
        totals=dict(queue.totals),
        scoring=_items(queue.scoring),
        queued=_items(queue.queued),
        refused=_items(queue.refused),
    )


@pages.get("/challenges/{slug}/organise/queue")
def queue_page(request: Request, platform: PlatformOf, access: Organised) -> Response:
    """The queue of a challenge, with what an organiser can do about it."""
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        queue = read_queue(session, access.challenge.id, platform.clock())
    return render(request, "submissions/queue.html", access=access, phases=phases, queue=queue)


@pages.get("/admin/queue")
def site_queue_page(
    request: Request, platform: PlatformOf, actor: Annotated[Actor, Depends(admin)]
) -> Response:
    """The queue of all challenges."""
    del actor  # the policy has decided
    with platform.db.read() as session:
        queue = read_queue(session, None, platform.clock())
    return render(request, "site/queue.html", queue=queue)


def _items(rows: Sequence[QueueRow]) -> list[QueueItem]:
    return [
        QueueItem(
            submission=row.submission_id,
            phase=row.phase,
            team=row.team,
            state=row.state,
            since=rfc3339(row.since),
            age=row.age,
            attempt=row.attempt,
            lost_leases=row.lost_leases,
            crashes=row.crashes,
            host=row.host,
            worker=row.worker,
            lease_until=rfc3339(row.lease_until) if row.lease_until else None,
            rescoring=row.rescoring,
            reference=row.reference,
            failure=row.failure,
        )
        for row in rows
    ]
