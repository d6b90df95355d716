"""Rendering pages: one Jinja environment, one base context."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from fastapi import Request
from fivesigma_frontend import STATIC, TEMPLATES
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse

from .clock import rfc3339
from .security import COOKIE, CSRF_FIELD, csrf_token, new_secret, sign_cookie
from .settings import Settings
from .web import actor_of, platform_of

MEBIBYTE = 2**20


class _Form:
    """Gives templates the CSRF field, and remembers whether one was wanted."""

    def __init__(self, key: str, cookie_token: str | None) -> None:
        self._key = key
        self.cookie_token = cookie_token
        self.fresh = False

    def token(self) -> str:
        if self.cookie_token is None:
            self.cookie_token, self.fresh = new_secret(), True
        return csrf_token(self._key, self.cookie_token)

    def field(self) -> Markup:
        return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, self.token())


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """The page `template` with `context` and what every page has.

    Every template may use: `viewer` (core.security.Actor), `site_title`, `now`, `path`,
    `csrf_field()`, `csrf_token()`, `static(name)`, and the filters `when`, `number`, `score`,
    `size`.
    """
    platform = platform_of(request)
    actor = actor_of(request)
    form = _Form(platform.secret, actor.cookie_token or request.state.cookie_token)
    html = (
        _environment()
        .get_template(template)
        .render(
            viewer=actor,
            site_title=platform.settings.site_title,
            public_url=platform.settings.public_url,
            signup=platform.settings.signup,
            now=platform.clock(),
            path=request.url.path,
            csrf_field=form.field,
            csrf_token=form.token,
            notice=request.query_params.get("notice"),
            **context,
        )
    )
    response = HTMLResponse(
        html, status_code=status, headers={"Cache-Control": "private, no-cache"}
    )
    if form.fresh and form.cookie_token:
        set_cookie(response, platform.settings, platform.secret, form.cookie_token)
    return response


def set_cookie(
    response: HTMLResponse | RedirectResponse, settings: Settings, key: str, token: str
) -> None:
    """Give the browser the signed cookie of `token`."""
    response.set_cookie(
        COOKIE,
        sign_cookie(key, token),
        max_age=settings.session_days * 86400,
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )


def redirect(path: str, *, notice: str | None = None) -> RedirectResponse:
    """See another page (303); `notice` names the message it shows (templates/notices.html)."""
    separator = "&" if "?" in path else "?"
    return RedirectResponse(
        f"{path}{separator}notice={notice}" if notice else path, status_code=303
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "when": when,
        "number": number,
        "score": score,
        "size": size,
    }
    environment.filters.update(filters)
    environment.globals["static"] = static
    return environment


@cache
def static(name: str) -> str:
    """Address of a static file; it changes with the content, so that it can be cached for ever."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def when(moment: datetime | None) -> Markup:
    """A `<time>` element in UTC, which a script rewrites into the viewer's zone."""
    if moment is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(
        rfc3339(moment), moment.strftime("%-d %b %Y, %H:%M UTC")
    )


class Shown(Protocol):
    """How a metric wants its values shown."""

    digits: int
    percent: bool


def score(value: float, metric: Shown) -> str:
    """`value` with the metric's decimals; of a fraction that is shown in %, times one hundred."""
    if metric.percent:
        return number(100 * value, max(0, metric.digits - 2))
    return number(value, metric.digits)


def number(value: float | None, digits: int) -> str:
    """`value` with `digits` decimals, or a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def size(value: int) -> str:
    """A number of bytes in words: 3.4 MB, or 256 MiB where it is a round number of those."""
    if value and value % MEBIBYTE == 0:
        return f"{value // MEBIBYTE} MiB"
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
