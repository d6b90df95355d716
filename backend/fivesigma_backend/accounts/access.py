"""Policies of routes that need no challenge, and how a request proves who makes it.

Each is used as a dependency, `actor: Annotated[Actor, Depends(logged_in("read"))]`, and does its
reading in a short session of its own, so that no endpoint holds one while it waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from ..core.errors import CsrfFailed, Forbidden, NotAuthenticated, NotFound
from ..core.platform import Platform
from ..core.security import COOKIE, Actor, csrf_matches, digest, read_cookie
from ..core.web import SAFE_METHODS, offered_csrf, platform_of, policy
from .service import actor_of_session, actor_of_token

PlatformOf = Annotated[Platform, Depends(platform_of)]
OfferedCsrf = Annotated[str | None, Depends(offered_csrf)]
Policy = Callable[..., Actor]


def identify(request: Request, platform: Platform) -> Actor:
    """The actor of a request: by token if one is sent, else by the browser's cookie."""
    cookie_token = read_cookie(platform.secret, request.cookies.get(COOKIE))
    request.state.cookie_token = cookie_token
    actor = _proven(request, platform, cookie_token)
    request.state.actor = actor
    return actor


def _proven(request: Request, platform: Platform, cookie_token: str | None) -> Actor:
    now = platform.clock()
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        with platform.db.read() as session:
            actor = actor_of_token(session, digest(secret.strip()), now)
        if scheme.lower() != "bearer" or actor is None:
            raise NotAuthenticated("This token is not valid or has expired. Make a new one.")
        return actor
    if cookie_token is None:
        return Actor()
    with platform.db.read() as session:
        found = actor_of_session(session, digest(cookie_token), cookie_token, now)
    return found or Actor(cookie_token=cookie_token)


def check_csrf(request: Request, platform: Platform, actor: Actor, offered: str | None) -> None:
    """Refuse a changing request of a browser that does not carry the browser's own token."""
    if request.method in SAFE_METHODS or actor.by_token:
        return
    if not csrf_matches(platform.secret, request.state.cookie_token, offered):
        raise CsrfFailed


@policy("anyone")
def anyone(request: Request, platform: PlatformOf, offered: OfferedCsrf) -> Actor:
    """Visitors too; forms of visitors (log in, sign up) carry a CSRF token all the same."""
    actor = identify(request, platform)
    check_csrf(request, platform, actor, offered)
    return actor


def require_scope(actor: Actor, scope: str) -> None:
    """Refuse visitors, and tokens that were not given `scope`."""
    if not actor.known:
        raise NotAuthenticated
    if scope not in actor.scopes:
        raise Forbidden(f"This token does not have the scope “{scope}”. Make one that has.")


def logged_in(scope: str) -> Policy:
    """Any person; a token needs `scope`."""

    @policy(f"logged in ({scope})")
    def check(request: Request, platform: PlatformOf, offered: OfferedCsrf) -> Actor:
        actor = identify(request, platform)
        require_scope(actor, scope)
        check_csrf(request, platform, actor, offered)
        return actor

    return check


@policy("browser session")
def browser_session(request: Request, platform: PlatformOf, offered: OfferedCsrf) -> Actor:
    """A logged-in browser: passwords, tokens and roles can't be changed by a token."""
    actor = identify(request, platform)
    if not actor.known:
        raise NotAuthenticated
    if actor.by_token:
        raise Forbidden("Tokens can't do this: log in with a browser.")
    check_csrf(request, platform, actor, offered)
    return actor


@policy("admin")
def admin(request: Request, platform: PlatformOf, offered: OfferedCsrf) -> Actor:
    """An administrator of the site, in a browser session; nobody else learns that this exists."""
    actor = identify(request, platform)
    if not actor.is_admin or actor.by_token:
        raise NotFound
    check_csrf(request, platform, actor, offered)
    return actor
