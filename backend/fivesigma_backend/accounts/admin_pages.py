"""Pages on which administrators look people up, reset passwords and share their role."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from ..core.pages import redirect, render
from ..core.security import Actor
from ..core.web import with_headers
from .access import PlatformOf, admin
from .administration import list_users, make_reset_code, set_admin
from .forms import typed
from .rules import RESET_CODE_LIFE
from .service import get_user

router = APIRouter(prefix="/admin/users")
Admin = Annotated[Actor, Depends(admin)]
Role = Annotated[Literal["0", "1"], Form()]
PAGE = 50


@router.get("")
def users(
    request: Request,
    _actor: Admin,
    platform: PlatformOf,
    search: Annotated[str, Query(alias="q")] = "",
    cursor: str | None = None,
) -> Response:
    """People by name; `q` looks for a part of a username or address."""
    with platform.db.read() as session:
        found, following = list_users(session, search, limit=PAGE, cursor=cursor)
    query = urlencode({"q": search, "cursor": following}) if following else None
    return render(
        request,
        "accounts/users.html",
        users=found,
        search=typed(search),
        following=f"/admin/users?{query}" if query else None,
    )


@router.post("/{user_id}/reset-link")
def reset_link(request: Request, actor: Admin, platform: PlatformOf, user_id: str) -> Response:
    """Make a one-time link with which the person sets a new password; it is shown this once."""
    now = platform.clock()
    with platform.db.transaction() as session:
        user = get_user(session, user_id)
        code = make_reset_code(session, actor_id=actor.user_id, user_id=user.id, now=now)
    link = f"{platform.settings.public_url.rstrip('/')}/reset?{urlencode({'code': code})}"
    page = render(
        request,
        "accounts/reset_link.html",
        status=201,
        user=user,
        link=link,
        expires_at=now + RESET_CODE_LIFE,
    )
    return with_headers(page, {"Cache-Control": "no-store"})


@router.post("/{user_id}/admin")
def change_role(actor: Admin, platform: PlatformOf, user_id: str, is_admin: Role) -> Response:
    """Make somebody an administrator (`is_admin=1`), or no longer one (`is_admin=0`)."""
    with platform.db.transaction() as session:
        set_admin(
            session,
            actor_id=actor.user_id,
            user_id=user_id,
            is_admin=is_admin == "1",
            now=platform.clock(),
        )
    return redirect("/admin/users", notice="user-saved")
