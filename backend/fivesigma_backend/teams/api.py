"""REST calls of teams: joining a challenge."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from ..accounts.access import PlatformOf
from ..challenges.access import Access, known
from .schemas import JoinIn, JoinOut
from .service import join

router = APIRouter(tags=["challenges"])


@router.post("/challenges/{slug}/join")
def join_challenge(
    access: Annotated[Access, Depends(known("submit"))], platform: PlatformOf, wanted: JoinIn
) -> JoinOut:
    """Take part in a challenge; who has joined already only accepts its present rules."""
    with platform.db.transaction() as session:
        joined = join(
            session,
            access.challenge,
            access.actor,
            accept_rules=wanted.accept_rules,
            now=platform.clock(),
        )
        return JoinOut(
            joined=True,
            joined_at=joined.participation.joined_at,
            team=joined.team.name,
            staff=joined.team.staff,
            rules_version=joined.participation.rules_version,
        )
