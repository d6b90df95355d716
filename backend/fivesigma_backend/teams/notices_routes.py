"""News and announcements: pages and REST calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser, visible
from ..challenges.service import phases_of
from ..core.errors import Problem
from ..core.markdown import render_markdown
from ..core.pages import redirect, render
from ..core.platform import Platform
from .notices import announce, checked_announcement, notices_for
from .notices_shown import (
    AnnouncementIn,
    AnnouncementOut,
    NoticeList,
    NoticeOut,
    as_news,
    read_notices,
)

api = APIRouter(tags=["challenges"])
pages = APIRouter()
Seen = Annotated[Access, Depends(visible)]
Organised = Annotated[Access, Depends(organiser)]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=40)]
SHOWN_ANNOUNCEMENTS = 50


@api.get("/challenges/{slug}/notices")
def get_notices(
    access: Seen, platform: PlatformOf, limit: Limit = 50, cursor: Cursor = None
) -> NoticeList:
    """News: announcements, and what one's team and oneself were told, the newest first."""
    with platform.db.read() as session:
        found = read_notices(session, access, limit + 1, cursor)
    following = found[limit - 1].id if len(found) > limit else None
    return NoticeList(items=[NoticeOut.of(one) for one in found[:limit]], next=following)


@api.post("/admin/challenges/{slug}/announcements", tags=["organisers"])
def post_announcement(
    access: Organised,
    platform: PlatformOf,
    wanted: AnnouncementIn,
    preview: Annotated[bool, Query()] = False,
) -> AnnouncementOut:
    """Tell everybody something in Markdown; with `preview`, only see what it would look like."""
    if preview:
        return AnnouncementOut(html=render_markdown(checked_announcement(wanted.text)), notice=None)
    notice = _announce(platform, access, wanted.text)
    return AnnouncementOut(html=notice.html or "", notice=notice)


@pages.get("/challenges/{slug}/organise/announcements")
def announcements_page(request: Request, access: Organised, platform: PlatformOf) -> Response:
    """What was announced, and a form to announce more."""
    return _page(request, platform, access)


@pages.post("/challenges/{slug}/organise/announcements")
def announce_form(
    request: Request,
    access: Organised,
    platform: PlatformOf,
    text: Annotated[str, Form()] = "",
    act: Annotated[str, Form(max_length=20)] = "preview",
) -> Response:
    """Show what the text would look like, or announce it."""
    try:
        if act != "announce":
            checked = checked_announcement(text)
            return _page(request, platform, access, text=text, preview=render_markdown(checked))
        _announce(platform, access, text)
    except Problem as problem:
        return _page(request, platform, access, text=text, problem=problem)
    here = f"/challenges/{access.challenge.slug}/organise/announcements"
    return redirect(here, notice="announced")


def _announce(platform: Platform, access: Access, text: str) -> NoticeOut:
    with platform.db.transaction() as session:
        actor_id = access.actor.user_id
        return NoticeOut.of(
            announce(session, access.challenge.id, text, now=platform.clock(), actor_id=actor_id)
        )


def _page(
    request: Request,
    platform: Platform,
    access: Access,
    *,
    text: str = "",
    preview: str | None = None,
    problem: Problem | None = None,
) -> Response:
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        told = notices_for(session, access.challenge.id, None, None, SHOWN_ANNOUNCEMENTS)
    return render(
        request,
        "teams/announcements.html",
        status=problem.status if problem else 200,
        access=access,
        phases=phases,
        news=as_news(told),
        text=text,
        preview=preview,
        problem=problem,
    )
