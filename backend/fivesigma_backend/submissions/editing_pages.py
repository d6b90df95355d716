"""Organisers' pages of a live challenge: what may change, uploads, re-scorings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser
from ..challenges.frozen import TABLES, grouped
from ..challenges.service import all_test_sets, phases_of
from ..core.errors import Problem
from ..core.pages import redirect, render
from ..core.platform import Platform
from .editing import Planned, rescore
from .editing_access import organiser_sending
from .editing_api import LISTED, give_up, go_on, rescoring_of, try_again
from .editing_uploads import (
    as_problem,
    keep_folder,
    kept_folder,
    load_folder,
    received_file,
    unpacked,
    with_solution,
)
from .models import Rescoring
from .rescoring_preview import rescoring_detail, rescoring_out
from .rescoring_rules import LONGEST_REASON
from .rescoring_schemas import LoadOut
from .upload import Received

router = APIRouter()
ANY_SIZE = 2**62
Organised = Annotated[Access, Depends(organiser)]
Sending = Annotated[Access, Depends(organiser_sending)]
Reason = Annotated[str, Form(max_length=LONGEST_REASON)]


@router.get("/challenges/{slug}/organise/edit")
def edit_page(request: Request, platform: PlatformOf, access: Organised) -> Response:
    """Upload a folder or a solution; which keys may change; the re-scorings."""
    return _edit(request, platform, access)


@router.post("/challenges/{slug}/organise/edit", max_body_size=ANY_SIZE)
async def look_at_folder(request: Request, platform: PlatformOf, access: Sending) -> Response:
    """Try a folder out, and show what it would change before anything does."""
    try:
        async with received_file(request, platform, access.actor) as received:
            return await run_in_threadpool(_look_at_folder, request, platform, access, received)
    except Problem as problem:
        return await run_in_threadpool(_edit, request, platform, access, problem)


@router.post("/challenges/{slug}/organise/solutions/{test_set}", max_body_size=ANY_SIZE)
async def look_at_solution(
    request: Request, platform: PlatformOf, access: Sending, test_set: str
) -> Response:
    """Try another solution out, and show what it would change before anything does."""
    try:
        async with received_file(request, platform, access.actor) as received:
            return await run_in_threadpool(
                _look_at_solution, request, platform, access, test_set, received
            )
    except Problem as problem:
        return await run_in_threadpool(_edit, request, platform, access, problem)


@router.post("/challenges/{slug}/organise/changes")
def make_changes(
    request: Request,
    platform: PlatformOf,
    access: Organised,
    folder: Annotated[str, Form()],
    reason: Reason = "",
) -> Response:
    """Make the changes that were looked at."""
    slug = access.challenge.slug
    try:
        done = load_folder(
            platform,
            kept_folder(platform, access.challenge, folder),
            slug=slug,
            preview=False,
            reason=reason,
            actor_id=access.actor.user_id,
        )
    except Problem as problem:
        return _edit(request, platform, access, problem)
    notice = "rescoring" if done.rescored else "challenge-updated"
    return redirect(f"/challenges/{slug}/organise/edit", notice=notice)


@router.post("/challenges/{slug}/organise/rescore")
def rescore_form(
    request: Request,
    platform: PlatformOf,
    access: Organised,
    reason: Reason = "",
    look: Annotated[str, Form()] = "",
) -> Response:
    """Score everything again with the present scorer; with `look` only say what that means."""
    try:
        with as_problem():
            planned = rescore(
                platform,
                access.challenge,
                reason=reason,
                preview=bool(look),
                actor_id=access.actor.user_id,
            )
    except Problem as problem:
        return _edit(request, platform, access, problem)
    if look:
        return _edit(request, platform, access, planned=planned)
    return redirect(f"/challenges/{access.challenge.slug}/organise/edit", notice="rescoring")


@router.get("/challenges/{slug}/organise/rescorings/{rescoring}")
def rescoring_page(
    request: Request, platform: PlatformOf, access: Organised, rescoring: str
) -> Response:
    """How far a re-scoring is, who would move, and going on or giving it up."""
    return _rescoring(request, platform, access, rescoring)


@router.post("/challenges/{slug}/organise/rescorings/{rescoring}/go-on")
def go_on_form(
    request: Request, platform: PlatformOf, access: Organised, rescoring: str
) -> Response:
    """Go on past failures."""
    try:
        go_on(platform, access, rescoring)
    except Problem as problem:
        return _rescoring(request, platform, access, rescoring, problem)
    return redirect(f"/challenges/{access.challenge.slug}/organise/edit", notice="rescored")


@router.post("/challenges/{slug}/organise/rescorings/{rescoring}/retry")
def retry_form(
    request: Request, platform: PlatformOf, access: Organised, rescoring: str
) -> Response:
    """Queue what failed again."""
    try:
        try_again(platform, access, rescoring)
    except Problem as problem:
        return _rescoring(request, platform, access, rescoring, problem)
    here = f"/challenges/{access.challenge.slug}/organise/rescorings/{rescoring}"
    return redirect(here, notice="rescoring")


@router.post("/challenges/{slug}/organise/rescorings/{rescoring}/cancel")
def cancel_form(
    request: Request, platform: PlatformOf, access: Organised, rescoring: str
) -> Response:
    """Give a re-scoring up."""
    try:
        give_up(platform, access, rescoring)
    except Problem as problem:
        return _rescoring(request, platform, access, rescoring, problem)
    slug = access.challenge.slug
    return redirect(f"/challenges/{slug}/organise/edit", notice="rescoring-cancelled")


def _look_at_folder(
    request: Request, platform: Platform, access: Access, received: Received
) -> Response:
    with unpacked(platform, received) as folder:
        return _look(request, platform, access, folder, received)


def _look_at_solution(
    request: Request, platform: Platform, access: Access, test_set: str, received: Received
) -> Response:
    with with_solution(platform, access.challenge, test_set, received) as folder:
        return _look(request, platform, access, folder, received)


def _look(
    request: Request, platform: Platform, access: Access, folder: Path, received: Received
) -> Response:
    found = load_folder(
        platform,
        folder,
        slug=access.challenge.slug,
        preview=True,
        actor_id=access.actor.user_id,
    )
    return _edit(
        request,
        platform,
        access,
        look=found,
        kept=keep_folder(platform, access.challenge, folder) if found.changes else None,
        reason=received.fields.get("message", "")[:LONGEST_REASON],
    )


def _edit(
    request: Request,
    platform: Platform,
    access: Access,
    problem: Problem | None = None,
    *,
    look: LoadOut | None = None,
    kept: str | None = None,
    reason: str = "",
    planned: list[Planned] | None = None,
) -> Response:
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        test_sets = all_test_sets(session, access.challenge.id)
        found = session.scalars(
            select(Rescoring)
            .where(Rescoring.challenge_id == access.challenge.id)
            .order_by(Rescoring.id.desc())
            .limit(LISTED)
        ).all()
        rescorings = [rescoring_out(session, one) for one in found]
    return render(
        request,
        "submissions/edit.html",
        status=problem.status if problem else 200,
        access=access,
        phases=phases,
        test_sets=test_sets,
        rescorings=rescorings,
        tables={name: grouped(table) for name, table in TABLES.items()},
        problem=problem,
        look=look,
        kept=kept,
        reason=reason,
        planned=planned,
    )


def _rescoring(
    request: Request,
    platform: Platform,
    access: Access,
    rescoring_id: str,
    problem: Problem | None = None,
) -> Response:
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        found = rescoring_detail(session, rescoring_of(session, access, rescoring_id))
    return render(
        request,
        "submissions/rescoring.html",
        status=problem.status if problem else 200,
        access=access,
        phases=phases,
        item=found,
        problem=problem,
    )
