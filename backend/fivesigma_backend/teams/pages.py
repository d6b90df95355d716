"""Pages of teams: joining a challenge."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, known
from ..core.pages import redirect
from .service import join

router = APIRouter()


@router.post("/challenges/{slug}/join")
def join_challenge(
    access: Annotated[Access, Depends(known("submit"))],
    platform: PlatformOf,
    accept_rules: Annotated[str, Form()] = "",
) -> Response:
    """Join, or accept newer rules; then look at the data."""
    with platform.db.transaction() as session:
        joined = join(
            session,
            access.challenge,
            access.actor,
            accept_rules=bool(accept_rules),
            now=platform.clock(),
        )
    notice = "joined" if joined.fresh else "rules-accepted"
    return redirect(f"/challenges/{access.challenge.slug}/data", notice=notice)
