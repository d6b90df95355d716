"""The page on which people make their own account."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ..core.pages import redirect, render
from ..core.platform import Platform
from ..core.security import Actor
from ..core.web import client_address
from .access import PlatformOf, anyone
from .cookies import with_session
from .errors import InvalidFields, SignupClosed
from .forms import NextField, NextQuery, Text, typed
from .passwords import hash_password
from .rules import (
    account_problems,
    address_key,
    local_path,
    password_problem,
    reserved_problem,
)
from .service import add_user, start_session, taken_fields

router = APIRouter()
Visitor = Annotated[Actor, Depends(anyone)]
# Generous, since a whole school signs up from one address on the same morning.
ATTEMPTS = "500/hour"
WRONG_CODES = "60/hour"
TAKEN_ADDRESSES = "60/hour"


@router.get("/signup")
def signup_form(
    request: Request, actor: Visitor, platform: PlatformOf, next_path: NextQuery = ""
) -> Response:
    """The form, unless nobody may sign up."""
    _require_open(platform)
    if actor.known:
        return redirect(local_path(next_path))
    return _page(request, {"next": local_path(next_path)}, {})


@router.post("/signup")
def sign_up(
    request: Request,
    actor: Visitor,
    platform: PlatformOf,
    username: Text = "",
    email: Text = "",
    password: Text = "",
    code: Text = "",
    next_path: NextField = "",
) -> Response:
    """Make an account and log in."""
    _require_open(platform)
    address = address_key(client_address(request))
    username, email = username.strip(), email.strip()
    try:
        _check_code(platform, code, address)
        _check_fields(platform, username, email, password, address)
        token = _create(platform, username, email, hash_password(password), actor.cookie_token)
    except InvalidFields as problem:
        form = {
            "username": typed(username),
            "email": typed(email),
            "code": typed(code),
            "next": local_path(next_path),
        }
        return _page(request, form, problem.errors)
    return with_session(redirect(local_path(next_path), notice="signed-up"), platform, token)


def _require_open(platform: Platform) -> None:
    if platform.settings.signup == "closed":
        raise SignupClosed


def _check_code(platform: Platform, code: str, address: str) -> None:
    """Where sign-up asks for a code, compare it in constant time; wrong ones are limited."""
    if platform.settings.signup != "code":
        return
    platform.throttle.check(WRONG_CODES, "sign-up code", address)
    wanted = platform.settings.signup_code
    right = wanted is not None and hmac.compare_digest(
        wanted.get_secret_value().encode(), code.strip().encode()
    )
    if not right:
        platform.throttle.hit(WRONG_CODES, "sign-up code", address)
        raise InvalidFields({"code": "This is not the sign-up code. Ask the organisers for it."})


def _check_fields(
    platform: Platform, username: str, email: str, password: str, address: str
) -> None:
    """Everything that can be refused before the slow work. Raises InvalidFields."""
    problems = account_problems(username, email)
    if "username" not in problems and (reserved := reserved_problem(username)):
        problems["username"] = reserved
    if weak := password_problem(password, username, email):
        problems["password"] = weak
    if not problems:
        platform.throttle.hit(ATTEMPTS, "sign-up", address)
        platform.throttle.check(TAKEN_ADDRESSES, "sign-up taken", address)
        with platform.db.read() as session:
            problems = taken_fields(session, username, email)
    if "email" in problems and "username" not in problems:
        # Telling that an address has an account is kept slow, so that nobody tries out a list.
        platform.throttle.hit(TAKEN_ADDRESSES, "sign-up taken", address)
    if problems:
        raise InvalidFields(problems)


def _create(
    platform: Platform, username: str, email: str, password_hash: str, replaces: str | None
) -> str:
    now = platform.clock()
    with platform.db.transaction() as session:
        user = add_user(
            session,
            username=username,
            email=email or None,
            password_hash=password_hash,
            is_admin=False,
            now=now,
        )
        days = platform.settings.session_days
        return start_session(session, user.id, now=now, days=days, replaces=replaces)


def _page(request: Request, form: dict[str, str], errors: dict[str, str]) -> Response:
    return render(
        request,
        "accounts/signup.html",
        status=422 if errors else 200,
        form={"username": "", "email": "", "code": "", **form},
        errors=errors,
    )
