"""Moving a challenge to the trash, seeing what is there, and taking it out again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from starlette.responses import Response

from ..accounts.access import OfferedCsrf, PlatformOf, check_csrf, identify, logged_in
from ..core.clock import rfc3339
from ..core.errors import NotAuthenticated, NotFound, Problem
from ..core.pages import redirect, render
from ..core.platform import Platform
from ..core.security import Actor
from ..core.web import policy
from .access import Access, organiser
from .models import Challenge
from .service import phases_of
from .trash import (
    purge_at,
    put_into_trash,
    restore_from_trash,
    trashed_challenges,
)

api = APIRouter(tags=["organisers"])
pages = APIRouter()
Organised = Annotated[Access, Depends(organiser)]


@policy("trash: organiser of what lies there")
def trashed(request: Request, slug: str, platform: PlatformOf, offered: OfferedCsrf) -> Challenge:
    """An organiser of a challenge that is in the trash; nobody else learns that it is there."""
    actor = identify(request, platform)
    if not actor.known:
        raise NotAuthenticated
    for challenge in _trash_of(platform, actor):
        if challenge.slug == slug:
            check_csrf(request, platform, actor, offered)
            return challenge
    raise NotFound


Trashed = Annotated[Challenge, Depends(trashed)]
Known = Annotated[Actor, Depends(logged_in("organise"))]


class TrashIn(BaseModel):
    """The challenge's slug once more, so that no slip of the hand removes it."""

    model_config = ConfigDict(extra="forbid")

    slug: str = Field(max_length=100)


class TrashedOut(BaseModel):
    """A challenge in the trash, and when it is gone for good."""

    slug: str
    title: str
    trashed_at: str | None
    purge_at: str | None

    @classmethod
    def of(cls, one: Challenge) -> TrashedOut:
        """The challenge as it is."""
        gone = purge_at(one)
        return cls(
            slug=one.slug,
            title=one.title,
            trashed_at=rfc3339(one.trashed_at) if one.trashed_at else None,
            purge_at=rfc3339(gone) if gone else None,
        )


class TrashList(BaseModel):
    """What one may take out of the trash, the latest first."""

    items: list[TrashedOut]
    next: str | None = None


@api.post("/admin/challenges/{slug}/trash")
def post_trash(platform: PlatformOf, access: Organised, body: TrashIn) -> TrashedOut:
    """Move a challenge to the trash: out of everybody's sight, and gone after 30 days."""
    return TrashedOut.of(_trash(platform, access, body.slug))


@api.get("/admin/trash")
def get_trash(platform: PlatformOf, actor: Known) -> TrashList:
    """The challenges in the trash that one organises."""
    return TrashList(items=[TrashedOut.of(one) for one in _trash_of(platform, actor)])


@api.post("/admin/trash/{slug}/restore")
def post_restore(request: Request, platform: PlatformOf, challenge: Trashed) -> TrashedOut:
    """Take a challenge out of the trash, as it was."""
    return TrashedOut.of(_restore(request, platform, challenge))


@pages.get("/challenges/{slug}/organise/trash")
def trash_form(request: Request, platform: PlatformOf, access: Organised) -> Response:
    """The form to move a challenge to the trash."""
    return _form(request, platform, access, None)


@pages.post("/challenges/{slug}/organise/trash")
def trash(
    request: Request,
    platform: PlatformOf,
    access: Organised,
    typed_slug: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Move it there, or say why not."""
    try:
        _trash(platform, access, typed_slug)
    except Problem as problem:
        return _form(request, platform, access, problem)
    return redirect("/trash", notice="trashed")


@pages.get("/trash")
def trash_page(request: Request, platform: PlatformOf, actor: Known) -> Response:
    """What lies in the trash."""
    found = [(one, purge_at(one)) for one in _trash_of(platform, actor)]
    return render(request, "challenges/trashed.html", challenges=found)


@pages.post("/trash/{slug}/restore")
def restore(request: Request, platform: PlatformOf, challenge: Trashed) -> Response:
    """Take a challenge out of the trash."""
    _restore(request, platform, challenge)
    return redirect(f"/challenges/{challenge.slug}", notice="restored")


def _trash_of(platform: Platform, actor: Actor) -> Sequence[Challenge]:
    if "organise" not in actor.scopes:
        return []
    with platform.db.read() as session:
        return trashed_challenges(session, actor)


def _trash(platform: Platform, access: Access, typed_slug: str) -> Challenge:
    with platform.db.transaction() as session:
        return put_into_trash(
            session,
            access.challenge.id,
            typed_slug,
            now=platform.clock(),
            actor_id=access.actor.user_id,
        )


def _restore(request: Request, platform: Platform, challenge: Challenge) -> Challenge:
    with platform.db.transaction() as session:
        if session.scalar(select(Challenge.id).where(Challenge.id == challenge.id)) is None:
            raise NotFound("It was in the trash for too long, and is gone.")
        return restore_from_trash(
            session,
            challenge.id,
            now=platform.clock(),
            actor_id=request.state.actor.user_id,
        )


def _form(
    request: Request, platform: Platform, access: Access, problem: Problem | None
) -> Response:
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
    return render(
        request,
        "challenges/trash.html",
        status=problem.status if problem else 200,
        access=access,
        phases=phases,
        problem=problem,
    )
