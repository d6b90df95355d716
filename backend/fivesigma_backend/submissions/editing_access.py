"""Policies of routes that take a large file from organisers: the body is not read to decide."""

from __future__ import annotations

from fastapi import Request

from ..accounts.access import PlatformOf, identify
from ..challenges.access import Access, find_access
from ..core.errors import NotAuthenticated, NotFound
from ..core.security import Actor
from ..core.web import policy


@policy("challenge: organiser, sending a file")
def organiser_sending(request: Request, slug: str, platform: PlatformOf) -> Access:
    """An organiser or administrator who sends a folder or a solution.

    A browser's CSRF token comes in the header or as the form's first field, which the upload parser
    checks before it takes any byte of the file.
    """
    actor = identify(request, platform)
    with platform.db.read() as session:
        access = find_access(session, actor, slug, public_boards=platform.settings.public_boards)
    request.state.access = access
    if not actor.known:
        raise NotAuthenticated
    if not access.organiser:
        raise NotFound
    return access


@policy("admin, sending a file")
def admin_sending(request: Request, platform: PlatformOf) -> Actor:
    """An administrator who sends a new challenge, by browser or by a token that may organise."""
    actor = identify(request, platform)
    if not actor.is_admin or "organise" not in actor.scopes:
        raise NotFound
    return actor
