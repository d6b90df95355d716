"""The web application: read `create_app` to see every URL prefix."""

from __future__ import annotations

import threading
from typing import Any

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from fastapi.staticfiles import StaticFiles
from fivesigma_frontend import STATIC
from starlette.responses import Response
from starlette.types import Scope

from .accounts import api as accounts_api
from .accounts import pages as accounts_pages
from .challenges import api as challenges_api
from .challenges import audit_routes, trash_routes
from .challenges import pages as challenges_pages
from .core.middleware import RequestStamp
from .core.platform import Platform
from .core.web import require_policies
from .leaderboards import api as leaderboards_api
from .leaderboards import certificate_routes, export_routes, result_routes
from .leaderboards import overview as leaderboards_overview
from .leaderboards import pages as leaderboards_pages
from .leaderboards.cache import BoardCache
from .problems import install_problem_handlers
from .site import api as site_api
from .site import pages as site_pages
from .submissions import api as submissions_api
from .submissions import (
    editing_api,
    editing_pages,
    figures_routes,
    finals_routes,
    judging_api,
    judging_pages,
    organising,
    phase_pages,
    queue_pages,
    team_api,
    team_pages,
)
from .submissions import pages as submissions_pages
from .teams import api as teams_api
from .teams import notices_routes, participants_api, participants_pages, roster_pages
from .teams import pages as teams_pages

API = "/api/v1"
LARGEST_FORM = 1024 * 1024


class VersionedFiles(StaticFiles):
    """Static files, whose addresses carry their content's hash: such an answer never changes."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """The file, to be kept for ever if it was asked for by its version."""
        response = super().file_response(*arguments, **options)
        scope: Scope = arguments[2] if len(arguments) > 2 else options["scope"]
        if b"v=" in scope["query_string"]:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(platform: Platform) -> FastAPI:
    """The application over open resources. Raises MissingPolicyError for an unguarded route."""
    app = FastAPI(
        title=platform.settings.site_title,
        version="1",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        max_body_size=LARGEST_FORM,
    )
    app.state.platform = platform
    app.state.stopping = threading.Event()
    app.state.boards = BoardCache()
    app.add_middleware(RequestStamp, clock=platform.clock)
    install_problem_handlers(app)

    # Only a word for the API's documentation: the policies read the header themselves.
    token = [Security(HTTPBearer(auto_error=False, description="a token of the account page"))]
    app.include_router(site_api.router)
    app.include_router(accounts_api.router, prefix=API, dependencies=token)
    app.include_router(challenges_api.router, prefix=API, dependencies=token)
    app.include_router(audit_routes.api, prefix=API, dependencies=token)
    app.include_router(trash_routes.api, prefix=API, dependencies=token)
    app.include_router(teams_api.router, prefix=API, dependencies=token)
    app.include_router(participants_api.router, prefix=API, dependencies=token)
    app.include_router(notices_routes.api, prefix=API, dependencies=token)
    app.include_router(submissions_api.router, prefix=API, dependencies=token)
    app.include_router(team_api.router, prefix=API, dependencies=token)
    app.include_router(organising.api, prefix=API, dependencies=token)
    app.include_router(judging_api.router, prefix=API, dependencies=token)
    app.include_router(queue_pages.api, prefix=API, dependencies=token)
    app.include_router(editing_api.router, prefix=API, dependencies=token)
    app.include_router(finals_routes.api, prefix=API, dependencies=token)
    app.include_router(figures_routes.api, prefix=API, dependencies=token)
    app.include_router(result_routes.api, prefix=API, dependencies=token)
    app.include_router(leaderboards_api.router, prefix=API, dependencies=token)
    app.include_router(export_routes.api, prefix=API, dependencies=token)
    app.include_router(certificate_routes.api, prefix=API, dependencies=token)
    app.include_router(site_pages.router, include_in_schema=False)
    app.include_router(accounts_pages.router, include_in_schema=False)
    app.include_router(challenges_pages.router, include_in_schema=False)
    app.include_router(audit_routes.pages, include_in_schema=False)
    app.include_router(trash_routes.pages, include_in_schema=False)
    app.include_router(teams_pages.router, include_in_schema=False)
    app.include_router(participants_pages.router, include_in_schema=False)
    app.include_router(roster_pages.router, include_in_schema=False)
    app.include_router(notices_routes.pages, include_in_schema=False)
    app.include_router(submissions_pages.router, include_in_schema=False)
    app.include_router(team_pages.router, include_in_schema=False)
    app.include_router(phase_pages.router, include_in_schema=False)
    app.include_router(judging_pages.router, include_in_schema=False)
    app.include_router(queue_pages.pages, include_in_schema=False)
    app.include_router(editing_pages.router, include_in_schema=False)
    app.include_router(finals_routes.pages, include_in_schema=False)
    app.include_router(figures_routes.pages, include_in_schema=False)
    app.include_router(leaderboards_overview.router, include_in_schema=False)
    app.include_router(result_routes.pages, include_in_schema=False)
    app.include_router(leaderboards_pages.router, include_in_schema=False)
    app.include_router(export_routes.pages, include_in_schema=False)
    app.include_router(certificate_routes.pages, include_in_schema=False)
    app.mount("/static", VersionedFiles(directory=STATIC), name="static")
    require_policies(app)
    return app
