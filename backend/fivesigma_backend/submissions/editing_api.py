"""REST calls of organisers: challenges as folders, new solutions, re-scorings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser
from ..core.errors import NotFound
from ..core.platform import Platform
from ..core.queue import SCORE_QUEUE, SCORE_TASK, ring_after_commit
from ..core.security import Actor
from .editing import rescore
from .editing_access import admin_sending, organiser_sending
from .editing_uploads import as_problem, load_folder, received_file, unpacked, with_solution
from .models import Rescoring
from .rescoring import cancel, lock_rescoring, retry
from .rescoring_preview import rescoring_detail, rescoring_out
from .rescoring_schemas import LoadOut, PlannedOut, RescoreOut, RescoringDetail, RescoringList
from .takeover import take_over
from .upload import Received

router = APIRouter(tags=["organisers"])
ANY_SIZE = 2**62
LISTED = 50
Organised = Annotated[Access, Depends(organiser)]
Sending = Annotated[Access, Depends(organiser_sending)]
Preview = Annotated[bool, Query(description="only say what would come of it")]


@router.post("/admin/challenges", status_code=201, max_body_size=ANY_SIZE)
async def post_challenge(
    request: Request, platform: PlatformOf, actor: Annotated[Actor, Depends(admin_sending)]
) -> LoadOut:
    """A new challenge from its folder: a form with a zip as `file`."""
    async with received_file(request, platform, actor) as received:
        return await run_in_threadpool(_create, platform, actor, received)


def _create(platform: Platform, actor: Actor, received: Received) -> LoadOut:
    with unpacked(platform, received) as folder:
        return load_folder(platform, folder, slug=None, preview=False, actor_id=actor.user_id)


@router.put("/admin/challenges/{slug}", max_body_size=ANY_SIZE)
async def put_challenge(
    request: Request, platform: PlatformOf, access: Sending, preview: Preview = False
) -> LoadOut:
    """Bring a challenge to what its folder says: a form with a zip as `file`.

    A `message` says why, if submissions are scored again.
    """
    async with received_file(request, platform, access.actor) as received:
        return await run_in_threadpool(_update, platform, access, received, preview)


def _update(platform: Platform, access: Access, received: Received, preview: bool) -> LoadOut:
    with unpacked(platform, received) as folder:
        return load_folder(
            platform,
            folder,
            slug=access.challenge.slug,
            preview=preview,
            reason=received.fields.get("message", ""),
            actor_id=access.actor.user_id,
        )


@router.post(
    "/admin/challenges/{slug}/test_sets/{test_set}/solution",
    max_body_size=ANY_SIZE,
)
async def post_solution(
    request: Request,
    platform: PlatformOf,
    access: Sending,
    test_set: str,
    preview: Preview = False,
) -> LoadOut:
    """A new version of a test set's solution: a form with a `file`, and a `message` that says why.

    What was handed in is scored again. Who will move is seen while that goes on.
    """
    async with received_file(request, platform, access.actor) as received:
        return await run_in_threadpool(_new_solution, platform, access, test_set, received, preview)


def _new_solution(
    platform: Platform, access: Access, test_set: str, received: Received, preview: bool
) -> LoadOut:
    with with_solution(platform, access.challenge, test_set, received) as folder:
        return load_folder(
            platform,
            folder,
            slug=access.challenge.slug,
            preview=preview,
            reason=received.fields.get("message", ""),
            actor_id=access.actor.user_id,
        )


@router.post("/admin/challenges/{slug}/phases/{phase}/rescore")
def post_rescore(
    platform: PlatformOf, access: Organised, phase: str, preview: Preview = False
) -> RescoreOut:
    """Score the phase's test set again with the present scorer, in every phase that uses it."""
    with as_problem():
        planned = rescore(
            platform,
            access.challenge,
            phase=phase,
            preview=preview,
            actor_id=access.actor.user_id,
        )
    return RescoreOut(preview=preview, test_sets=[PlannedOut(**vars(one)) for one in planned])


@router.get("/admin/challenges/{slug}/rescorings")
def get_rescorings(platform: PlatformOf, access: Organised) -> RescoringList:
    """The last re-scorings, the newest first."""
    with platform.db.read() as session:
        found = session.scalars(
            select(Rescoring)
            .where(Rescoring.challenge_id == access.challenge.id)
            .order_by(Rescoring.id.desc())
            .limit(LISTED)
        )
        return RescoringList(items=[rescoring_out(session, one) for one in found])


@router.get("/admin/challenges/{slug}/rescorings/{rescoring}")
def get_rescoring(platform: PlatformOf, access: Organised, rescoring: str) -> RescoringDetail:
    """How far a re-scoring is, and who would move if it took over now."""
    with platform.db.read() as session:
        return rescoring_detail(session, rescoring_of(session, access, rescoring))


@router.post("/admin/challenges/{slug}/rescorings/{rescoring}/go-on")
def post_go_on(platform: PlatformOf, access: Organised, rescoring: str) -> RescoringDetail:
    """Let it take over past failures: what could not be scored keeps its present score."""
    go_on(platform, access, rescoring)
    return get_rescoring(platform, access, rescoring)


@router.post("/admin/challenges/{slug}/rescorings/{rescoring}/retry")
def post_retry(platform: PlatformOf, access: Organised, rescoring: str) -> RescoringDetail:
    """Queue again what could not be scored."""
    try_again(platform, access, rescoring)
    return get_rescoring(platform, access, rescoring)


@router.post("/admin/challenges/{slug}/rescorings/{rescoring}/cancel")
def post_cancel(platform: PlatformOf, access: Organised, rescoring: str) -> RescoringDetail:
    """Give a re-scoring up; nothing that people see has changed by it."""
    give_up(platform, access, rescoring)
    return get_rescoring(platform, access, rescoring)


def rescoring_of(session: Session, access: Access, rescoring_id: str) -> Rescoring:
    """A re-scoring of this challenge. Raises NotFound for any other."""
    found = session.get(Rescoring, rescoring_id)
    if found is None or found.challenge_id != access.challenge.id:
        raise NotFound("There is no such re-scoring.")
    return found


def go_on(platform: Platform, access: Access, rescoring_id: str) -> None:
    """Let a re-scoring take over past failures."""
    with platform.db.read() as session:
        rescoring_of(session, access, rescoring_id)
    with as_problem():
        take_over(
            platform,
            rescoring_id,
            past_failures=True,
            now=platform.clock(),
            actor_id=access.actor.user_id,
        )


def try_again(platform: Platform, access: Access, rescoring_id: str) -> None:
    """Queue what failed again."""
    with platform.db.transaction() as session:
        rescoring_of(session, access, rescoring_id)
        held = lock_rescoring(session, rescoring_id)
        retry(session, held, now=platform.clock(), actor_id=access.actor.user_id)
        ring_after_commit(session, platform.bell, SCORE_TASK, SCORE_QUEUE)


def give_up(platform: Platform, access: Access, rescoring_id: str) -> None:
    """Cancel a re-scoring."""
    with platform.db.transaction() as session:
        rescoring_of(session, access, rescoring_id)
        held = lock_rescoring(session, rescoring_id)
        cancel(session, held, now=platform.clock(), actor_id=access.actor.user_id)
