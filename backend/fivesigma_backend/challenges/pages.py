"""Pages of challenges: data, rules. Their frame is `challenges/frame.html`.

The overview shows news of teams and stands with these.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..core.errors import NotFound
from ..core.markdown import render_markdown
from ..core.pages import render
from .access import Access, visible
from .downloads import VERSION, require_download, send_file, send_picture
from .file_views import file_views
from .service import phases_of, published_file, published_files

router = APIRouter()
Seen = Annotated[Access, Depends(visible)]


@router.get("/challenges/{slug}/data")
def data(request: Request, access: Seen, platform: PlatformOf) -> Response:
    """The downloads: sizes, checksums, links, commands, what is in them, and the pictures."""
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        files = published_files(
            session, access.challenge, platform.clock(), organiser=access.organiser
        )
    views = file_views(access, files)
    return render(request, "challenges/data.html", **_frame(access, phases), files=views)


@router.get("/challenges/{slug}/data/{name}")
def download(request: Request, access: Seen, platform: PlatformOf, name: str) -> Response:
    """One file, for browsers: what is wrong is said on a page."""
    with platform.db.read() as session:
        found = published_file(
            session, access.challenge, name, platform.clock(), organiser=access.organiser
        )
    require_download(access, found)
    return send_file(request, platform, found)


@router.get("/challenges/{slug}/pictures/{name}")
def picture(
    request: Request,
    access: Seen,
    platform: PlatformOf,
    name: str,
    version: Annotated[str, Query(alias="v", max_length=VERSION)] = "",
) -> Response:
    """One published picture, to be shown: in the gallery, on the card, or by itself."""
    with platform.db.read() as session:
        found = published_file(
            session, access.challenge, name, platform.clock(), organiser=access.organiser
        )
    require_download(access, found)
    return send_picture(request, platform, found, version)


@router.get("/challenges/{slug}/rules")
def rules(request: Request, access: Seen, platform: PlatformOf) -> Response:
    """The rules text, and accepting it."""
    if access.challenge.rules_text is None:
        raise NotFound("This challenge has no rules text.")
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
    return render(
        request,
        "challenges/rules.html",
        **_frame(access, phases),
        rules=render_markdown(access.challenge.rules_text),
    )


def _frame(access: Access, phases: Any) -> dict[str, Any]:
    """What `challenges/frame.html` needs."""
    return {"access": access, "phases": phases}
