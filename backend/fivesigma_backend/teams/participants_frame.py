"""What the organisers' pages about participants share."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import Response

from ..challenges.service import phases_of
from ..core.errors import Problem
from ..core.pages import render
from .participants_actions import Organising

Search = Annotated[str, Query(alias="q", max_length=200)]
PAGE = 50
# Of an answer with a secret.
ONCE = {"Cache-Control": "no-store"}


def root_of(acts: Organising) -> str:
    """Where these pages stand."""
    return f"/challenges/{acts.challenge.slug}/participants"


def next_page(path: str, search: str, cursor: str | int | None) -> str | None:
    """Address of the next page of a list, None after the last."""
    return None if cursor is None else f"{path}?{urlencode({'q': search, 'cursor': cursor})}"


def show(
    request: Request,
    acts: Organising,
    template: str,
    problem: Problem | None,
    *,
    status: int = 200,
    **context: Any,
) -> Response:
    """One of the pages, in the frame of the challenge; `problem` is said at its top."""
    with acts.platform.db.read() as session:
        phases = phases_of(session, acts.challenge.id)
    return render(
        request,
        template,
        status=problem.status if problem else status,
        access=acts.access,
        phases=phases,
        problem=problem,
        **context,
    )
