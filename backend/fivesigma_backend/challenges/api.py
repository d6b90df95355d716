"""REST calls of challenges: the list, one challenge, its files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf, anyone, require_scope
from ..core.security import Actor
from .access import Access, visible
from .downloads import require_download, send_file
from .schemas import ChallengeDetail, ChallengeList, ChallengeOut, FileList, FileOut
from .service import list_challenges, phases_of, published_file, published_files

router = APIRouter(tags=["challenges"])
Visitor = Annotated[Actor, Depends(anyone)]
Seen = Annotated[Access, Depends(visible)]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(pattern="^[0-9a-z]{26}$")]


@router.get("/challenges")
def challenges(
    actor: Visitor, platform: PlatformOf, limit: Limit = 50, cursor: Cursor = None
) -> ChallengeList:
    """The challenges that one may see, newest first."""
    if actor.by_token:
        require_scope(actor, "read")
    with platform.db.read() as session:
        found = list_challenges(
            session,
            actor,
            public_boards=platform.settings.public_boards,
            limit=limit + 1,
            after=cursor,
        )
    now = platform.clock()
    shown = found[:limit]
    following = shown[-1].challenge.id if len(found) > limit else None
    return ChallengeList(items=[ChallengeOut.of(one, now) for one in shown], next=following)


@router.get("/challenges/{slug}")
def challenge(access: Seen, platform: PlatformOf) -> ChallengeDetail:
    """One challenge with its phases, its card and its rules."""
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
    return ChallengeDetail.seen_by(access, list(phases), platform.clock())


@router.get("/challenges/{slug}/files")
def files(access: Seen, platform: PlatformOf) -> FileList:
    """The downloads with sizes and checksums."""
    with platform.db.read() as session:
        found = published_files(
            session, access.challenge, platform.clock(), organiser=access.organiser
        )
    return FileList(items=[FileOut.of(access.challenge.slug, one) for one in found])


@router.get("/challenges/{slug}/files/{name}", response_class=Response)
def file(request: Request, access: Seen, platform: PlatformOf, name: str) -> Response:
    """One file, by its name in the list or by its file name; ranges and ETags are understood."""
    with platform.db.read() as session:
        found = published_file(
            session, access.challenge, name, platform.clock(), organiser=access.organiser
        )
    require_download(access, found)
    return send_file(request, platform, found)
