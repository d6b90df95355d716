"""Pages of one's own account: tokens, sessions, password, deletion. Browsers only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ..core.audit import record_act
from ..core.errors import Problem
from ..core.pages import redirect, render
from ..core.security import Actor, digest
from ..core.web import client_address, with_headers
from .access import PlatformOf, browser_session
from .administration import delete_account
from .cookies import with_session, without_session
from .errors import InvalidFields, LastAdmin, WrongCredentials
from .forms import Text, typed
from .neighbours import visible_challenges
from .passwords import hash_password
from .proof import prove
from .rules import DEFAULT_TOKEN_DAYS, password_problem
from .service import (
    end_sessions,
    get_user,
    list_sessions,
    lock_proven,
    replace_password,
    start_session,
)
from .tokens import MOST_TOKENS, TokenWish, grant_token, list_tokens, revoke_token, token_of_secret

router = APIRouter()
Browser = Annotated[Actor, Depends(browser_session)]
WRONG_PASSWORD = "This is not your present password."  # noqa: S105 - a sentence
NO_STORE = {"Cache-Control": "no-store"}
EMPTY_TOKEN_FORM = {
    "name": "",
    "scopes": ["read", "submit"],
    "expires_days": str(DEFAULT_TOKEN_DAYS),
    "challenge": "",
}


@router.get("/account")
def account(request: Request, actor: Browser, platform: PlatformOf) -> Response:
    """The overview."""
    return _account_page(request, actor, platform)


def _account_page(
    request: Request,
    actor: Actor,
    platform: PlatformOf,
    form: dict[str, object] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    now = platform.clock()
    with platform.db.read() as session:
        user = get_user(session, actor.user_id)
        tokens, _ = list_tokens(session, user.id, now, limit=MOST_TOKENS)
        logins = list_sessions(session, user.id, now)
        challenges = visible_challenges(session, user.id)
    return render(
        request,
        "accounts/account.html",
        status=422 if errors else 200,
        user=user,
        tokens=tokens,
        logins=logins,
        this_login=digest(actor.cookie_token or ""),
        challenges=challenges,
        form=form or EMPTY_TOKEN_FORM,
        errors=errors or {},
    )


@router.post("/account/tokens")
def make_token(
    request: Request,
    actor: Browser,
    platform: PlatformOf,
    name: Text = "",
    scope_read: Text = "",
    scope_submit: Text = "",
    scope_organise: Text = "",
    expires_days: Text = "",
    challenge: Text = "",
) -> Response:
    """Make a token and show its secret, this once."""
    chosen = {"read": scope_read, "submit": scope_submit, "organise": scope_organise}
    scopes = [scope for scope, ticked in chosen.items() if ticked]
    wish = TokenWish(name.strip(), scopes, _days(expires_days), challenge or None)
    try:
        with platform.db.transaction() as session:
            user = get_user(session, actor.user_id, lock=True)
            secret = grant_token(session, user=user, wish=wish, now=platform.clock())
            token = token_of_secret(session, secret)
    except InvalidFields as problem:
        form: dict[str, object] = {
            "name": typed(name),
            "scopes": scopes,
            "expires_days": typed(expires_days),
            "challenge": typed(challenge),
        }
        return _account_page(request, actor, platform, form, problem.errors)
    page = render(request, "accounts/token.html", status=201, token=token, secret=secret)
    return with_headers(page, NO_STORE)


def _days(text: str) -> int:
    """The number of days typed; what is no number is 0, which no token may last."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@router.post("/account/tokens/{token_id}/revoke")
def delete_token(actor: Browser, platform: PlatformOf, token_id: str) -> Response:
    """Revoke a token; it stops working at once."""
    with platform.db.transaction() as session:
        revoke_token(session, get_user(session, actor.user_id).id, token_id)
    return redirect("/account", notice="token-revoked")


@router.post("/account/logout-everywhere")
def log_out_everywhere(actor: Browser, platform: PlatformOf) -> Response:
    """End every session, this one too. Tokens stay."""
    with platform.db.transaction() as session:
        end_sessions(session, get_user(session, actor.user_id).id)
    return without_session(redirect("/login", notice="logged-out"), platform)


@router.get("/account/password")
def password_form(request: Request, _actor: Browser) -> Response:
    """The form for a new password."""
    return _password_page(request, {})


@router.post("/account/password")
def change_password(
    request: Request,
    actor: Browser,
    platform: PlatformOf,
    present_password: Text = "",
    new_password: Text = "",
    revoke_tokens: Text = "",
) -> Response:
    """Change the password; other sessions end, and this one goes on under a new cookie."""
    with platform.db.read() as session:
        user = get_user(session, actor.user_id)
    if problem := password_problem(new_password, user.username, user.email):
        return _password_page(request, {"new_password": problem})
    now, days = platform.clock(), platform.settings.session_days
    try:
        proof = prove(platform, user.username, present_password, client_address(request))
        password_hash = hash_password(new_password)
        with platform.db.transaction() as session:
            user = lock_proven(session, proof.user_id, proof.password_hash)
            replace_password(session, user, password_hash, revoke_tokens=bool(revoke_tokens))
            record_act(
                session, now=now, actor_id=user.id, action="user.password_change", target=user.id
            )
            token = start_session(session, user.id, now=now, days=days)
    except WrongCredentials:
        return _password_page(request, {"present_password": WRONG_PASSWORD})
    return with_session(redirect("/account", notice="password-changed"), platform, token)


def _password_page(request: Request, errors: dict[str, str]) -> Response:
    status = 422 if errors else 200
    return render(request, "accounts/password.html", status=status, errors=errors)


@router.get("/account/delete")
def deletion_form(request: Request, _actor: Browser) -> Response:
    """What deletion means, and the form that asks for the password."""
    return render(request, "accounts/delete.html", error=None, problem=None)


@router.post("/account/delete")
def delete(
    request: Request, actor: Browser, platform: PlatformOf, present_password: Text = ""
) -> Response:
    """Delete the account; what was handed in stays under a pseudonym."""
    try:
        proof = prove(platform, actor.username, present_password, client_address(request))
        with platform.db.transaction() as session:
            delete_account(
                session,
                proof.user_id,
                proven_hash=proof.password_hash,
                now=platform.clock(),
            )
    except (WrongCredentials, LastAdmin) as problem:
        return _deletion_refused(request, problem)
    return without_session(redirect("/", notice="account-deleted"), platform)


def _deletion_refused(request: Request, problem: Problem) -> Response:
    wrong = isinstance(problem, WrongCredentials)
    return render(
        request,
        "accounts/delete.html",
        status=422 if wrong else problem.status,
        error=WRONG_PASSWORD if wrong else None,
        problem=None if wrong else problem.detail,
    )
