"""Pages of site: home, the administrator's overview, and the API's own documentation."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, Response

from ..accounts.access import PlatformOf, admin, anyone
from ..challenges.rules import Window
from ..core.errors import NotFound
from ..core.pages import render
from ..core.security import Actor
from ..leaderboards.result_shown import recent_places
from .counts import count_site
from .health import readiness_of
from .home import home_cards

router = APIRouter()
SWAGGER_WHEEL = "fastapi-swagger"
# Its address carries the version of the wheel.
KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
GROUPS = ((Window.OPEN, "Running"), (Window.UPCOMING, "Coming up"), (Window.CLOSED, "Finished"))


@router.get("/")
def home(
    request: Request, platform: PlatformOf, actor: Annotated[Actor, Depends(anyone)]
) -> Response:
    """What runs, what closes next, where one stands."""
    with platform.db.read() as session:
        cards = home_cards(
            session, actor, platform.clock(), public_boards=platform.settings.public_boards
        )
    groups = [
        (title, cards[state])
        for state, title in (*GROUPS, (None, "In preparation"))
        if cards.get(state)
    ]
    places = recent_places(request, platform, actor)
    return render(request, "site/home.html", groups=groups, places=places)


@router.get("/admin", dependencies=[Depends(admin)])
def overview(request: Request, platform: PlatformOf) -> Response:
    """How the site is doing, and where its other administration is."""
    with platform.db.read() as session:
        counts = count_site(session, platform.clock())
    parts = readiness_of(request.app, platform).parts()
    return render(request, "site/admin.html", counts=counts, parts=parts)


@router.get("/api/docs", dependencies=[Depends(anyone)])
def api_documentation(request: Request) -> Response:
    """Every call of the API, to read and to try."""
    return render(
        request,
        "site/api_docs.html",
        openapi_url=request.app.openapi_url,
        swagger_version=distribution(SWAGGER_WHEEL).version,
    )


@router.get("/api/docs/{name}", dependencies=[Depends(anyone)])
def swagger_file(name: str) -> Response:
    """A file of Swagger UI, from the installed wheel."""
    if name not in SWAGGER_FILES:
        raise NotFound
    return FileResponse(_swagger_folder() / name, headers=KEPT)


def _swagger_folder() -> Path:
    return Path(str(distribution(SWAGGER_WHEEL).locate_file("fastapi_swagger/resources")))
