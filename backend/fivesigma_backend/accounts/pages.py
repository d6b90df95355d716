"""Pages of visitors: log in, log out, reset a password. The other pages are included here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ..core.pages import redirect, render
from ..core.security import Actor
from ..core.web import client_address
from . import account_pages, admin_pages, signup_pages
from .access import PlatformOf, anyone
from .administration import redeem_reset_code, user_of_reset_code
from .cookies import with_session, without_session
from .errors import WrongCredentials
from .forms import NextField, NextQuery, Text, typed
from .passwords import hash_password
from .proof import prove
from .rules import local_path, password_problem
from .service import end_session, lock_proven, start_session

router = APIRouter()
router.include_router(signup_pages.router)
router.include_router(account_pages.router)
router.include_router(admin_pages.router)
Visitor = Annotated[Actor, Depends(anyone)]


@router.get("/login")
def login_form(request: Request, actor: Visitor, next_path: NextQuery = "") -> Response:
    """The form; whoever is logged in goes on to where they wanted to go."""
    if actor.known:
        return redirect(local_path(next_path))
    return _login_page(request, "", next_path)


@router.post("/login")
def log_in(
    request: Request,
    actor: Visitor,
    platform: PlatformOf,
    username: Text = "",
    password: Text = "",
    next_path: NextField = "",
) -> Response:
    """Start a session; the browser's earlier one ends."""
    try:
        proof = prove(platform, username, password, client_address(request))
        with platform.db.transaction() as session:
            lock_proven(session, proof.user_id, proof.password_hash)
            token = start_session(
                session,
                proof.user_id,
                now=platform.clock(),
                days=platform.settings.session_days,
                replaces=actor.cookie_token,
            )
    except WrongCredentials as problem:
        return _login_page(request, username, next_path, problem)
    return with_session(redirect(local_path(next_path)), platform, token)


def _login_page(
    request: Request, username: str, next_path: str, problem: WrongCredentials | None = None
) -> Response:
    return render(
        request,
        "accounts/login.html",
        status=problem.status if problem else 200,
        form={"username": typed(username), "next": local_path(next_path)},
        error=problem.detail if problem else None,
    )


@router.post("/logout")
def log_out(actor: Visitor, platform: PlatformOf) -> Response:
    """End this browser's session; without one there is nothing to do."""
    if actor.cookie_token is not None:
        with platform.db.transaction() as session:
            end_session(session, actor.cookie_token)
    return without_session(redirect("/", notice="logged-out"), platform)


@router.get("/reset")
def reset_form(request: Request, _actor: Visitor, platform: PlatformOf, code: str = "") -> Response:
    """The form behind a reset link; a link that does not work says so at once."""
    with platform.db.read() as session:
        user = user_of_reset_code(session, code, platform.clock())
    return _reset_page(request, code, user.username)


@router.post("/reset")
def reset_password(
    request: Request,
    _actor: Visitor,
    platform: PlatformOf,
    code: Text = "",
    new_password: Text = "",
    revoke_tokens: Text = "",
) -> Response:
    """Set a new password with a one-time code; every session ends."""
    with platform.db.read() as session:
        user = user_of_reset_code(session, code, platform.clock())
    if problem := password_problem(new_password, user.username, user.email):
        return _reset_page(request, code, user.username, problem)
    password_hash = hash_password(new_password)
    with platform.db.transaction() as session:
        redeem_reset_code(
            session,
            code,
            password_hash,
            revoke_tokens=bool(revoke_tokens),
            now=platform.clock(),
        )
    return without_session(redirect("/login", notice="password-reset"), platform)


def _reset_page(request: Request, code: str, username: str, problem: str | None = None) -> Response:
    return render(
        request,
        "accounts/reset.html",
        status=422 if problem else 200,
        code=code,
        username=username,
        error=problem,
    )
