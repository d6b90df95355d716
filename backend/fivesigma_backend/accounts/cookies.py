"""Giving and taking the cookie of a browser session."""

from __future__ import annotations

from starlette.responses import RedirectResponse

from ..core.pages import set_cookie
from ..core.platform import Platform
from ..core.security import COOKIE


def with_session(response: RedirectResponse, platform: Platform, token: str) -> RedirectResponse:
    """`response` that carries the signed cookie of `token`."""
    set_cookie(response, platform.settings, platform.secret, token)
    return response


def without_session(response: RedirectResponse, platform: Platform) -> RedirectResponse:
    """`response` that takes the cookie away."""
    response.delete_cookie(
        COOKIE, httponly=True, samesite="lax", secure=platform.settings.secure_cookies
    )
    return response
