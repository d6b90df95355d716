"""REST calls of teams: joining a challenge."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, known
from ..core.web import client_address
from .registration import Wish, take_part
from .schemas import JoinIn, JoinOut

router = APIRouter(tags=["challenges"])


@router.post(
    "/challenges/{slug}/join",
    responses={202: {"model": JoinOut, "description": "asked; the organisers have yet to decide"}},
)
def join_challenge(
    request: Request,
    response: Response,
    access: Annotated[Access, Depends(known("submit"))],
    platform: PlatformOf,
    wanted: JoinIn,
) -> JoinOut:
    """Take part in a challenge, or ask to where organisers approve.

    Who has joined already only accepts its present rules. 202 with the state `waiting` says that
    the organisers have yet to decide; ask again with the same call.
    """
    wish = Wish(wanted.accept_rules, wanted.code, wanted.message or "")
    joined = take_part(platform, access, wish, client_address(request))
    if joined is None:
        response.status_code = 202
    return JoinOut.of(joined)
