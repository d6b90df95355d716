"""Pages of teams: joining a challenge."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, known
from ..core.pages import redirect
from ..core.web import client_address
from .registration import Wish, take_part

router = APIRouter()


@router.post("/challenges/{slug}/join")
def join_challenge(
    request: Request,
    access: Annotated[Access, Depends(known("submit"))],
    platform: PlatformOf,
    accept_rules: Annotated[str, Form()] = "",
    code: Annotated[str, Form(max_length=200)] = "",
    message: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Join, ask to, or accept newer rules; then look at the data."""
    root = f"/challenges/{access.challenge.slug}"
    wish = Wish(bool(accept_rules), code.strip() or None, message)
    joined = take_part(platform, access, wish, client_address(request))
    if joined is None:
        return redirect(root, notice="asked")
    return redirect(f"{root}/data", notice="joined" if joined.fresh else "rules-accepted")
