"""What every page and API route shares: policies, rendering, error answers, headers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.responses import Response

from .platform import Platform
from .security import CSRF_FIELD, CSRF_HEADER, Actor

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class MissingPolicyError(RuntimeError):
    """A route was written without saying who may use it."""


def policy(name: str) -> Callable[[Endpoint], Endpoint]:
    """Mark a dependency as the policy `name` of the routes that use it."""

    def mark(function: Endpoint) -> Endpoint:
        function.fivesigma_policy = name  # type: ignore[attr-defined]  # a mark on the function
        return function

    return mark


def api_routes(app: FastAPI) -> Iterator[RouteContext]:
    """Every route that people wrote, with its whole path (`app.routes` nests included routers)."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            yield route


def route_policies(route: RouteContext) -> list[str]:
    """Names of the policies that guard a route, in no particular order."""
    return [
        name
        for dependant in _dependants(route.dependant)
        if (name := getattr(dependant.call, "fivesigma_policy", None))
    ]


def require_policies(app: FastAPI) -> None:
    """Deny by default: an app with an unguarded route does not start."""
    for route in api_routes(app):
        if len(route_policies(route)) != 1:
            raise MissingPolicyError(f"{route.path} must have exactly one policy")


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    for inner in dependant.dependencies:
        yield inner
        yield from _dependants(inner)


def platform_of(request: Request) -> Platform:
    """The open resources of the process, as a FastAPI dependency."""
    opened: Platform = request.app.state.platform
    return opened


def actor_of(request: Request) -> Actor:
    """Who asks, once a policy has found out; a visitor before."""
    actor: Actor = getattr(request.state, "actor", Actor())
    return actor


async def offered_csrf(request: Request) -> str | None:
    """The CSRF token that came with a request, in the header or in a small form."""
    if request.method in SAFE_METHODS:
        return None
    if header := request.headers.get(CSRF_HEADER):
        return header
    if request.headers.get("content-type", "").startswith(FORM_TYPES):
        value = (await request.form()).get(CSRF_FIELD)
        return value if isinstance(value, str) else None
    return None


def client_address(request: Request) -> str:
    """The address of the caller (uvicorn has applied X-Forwarded-For of trusted proxies)."""
    return request.client.host if request.client else "unknown"


def is_api(request: Request) -> bool:
    """Whether the answer is for a program."""
    return request.url.path.startswith("/api/")


def new_reference() -> str:
    """A number under which operators find a failure in the log."""
    return secrets.token_hex(5)


def with_headers(response: Response, headers: Mapping[str, str]) -> Response:
    """`response` with further headers."""
    for name, value in headers.items():
        response.headers[name] = value
    return response
