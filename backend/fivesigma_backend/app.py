"""The web application: read `create_app` to see every URL prefix."""

from __future__ import annotations

import threading

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from fivesigma_frontend import STATIC

from .accounts import api as accounts_api
from .accounts import pages as accounts_pages
from .challenges import api as challenges_api
from .challenges import pages as challenges_pages
from .core.middleware import RequestStamp
from .core.platform import Platform
from .core.web import require_policies
from .leaderboards import api as leaderboards_api
from .leaderboards import pages as leaderboards_pages
from .leaderboards.cache import BoardCache
from .problems import install_problem_handlers
from .site import api as site_api
from .site import pages as site_pages
from .submissions import api as submissions_api
from .submissions import pages as submissions_pages
from .teams import api as teams_api
from .teams import pages as teams_pages

API = "/api/v1"
LARGEST_FORM = 1024 * 1024


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

    app.include_router(site_api.router)
    app.include_router(accounts_api.router, prefix=API)
    app.include_router(challenges_api.router, prefix=API)
    app.include_router(teams_api.router, prefix=API)
    app.include_router(submissions_api.router, prefix=API)
    app.include_router(leaderboards_api.router, prefix=API)
    app.include_router(site_pages.router, include_in_schema=False)
    app.include_router(accounts_pages.router, include_in_schema=False)
    app.include_router(challenges_pages.router, include_in_schema=False)
    app.include_router(teams_pages.router, include_in_schema=False)
    app.include_router(submissions_pages.router, include_in_schema=False)
    app.include_router(leaderboards_pages.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    require_policies(app)
    return app
