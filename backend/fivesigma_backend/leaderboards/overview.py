"""The overview of a challenge: its news, its phases, and where one stands in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, visible
from ..challenges.definition import Definition
from ..challenges.file_views import render_card
from ..challenges.neighbours import own_closes
from ..challenges.service import phases_of
from ..challenges.views import phase_view
from ..core.pages import render
from ..submissions.finals_shown import open_finals
from ..teams.notices_shown import news_for
from .result_shown import own_places

router = APIRouter()
SHOWN = 20


@router.get("/challenges/{slug}")
def overview(
    request: Request, access: Annotated[Access, Depends(visible)], platform: PlatformOf
) -> Response:
    """What the challenge is about, what is new, its phases, and how to join."""
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        news = news_for(session, access, SHOWN)
        joined = access.actor.user_id if access.joined_at else None
        closes = own_closes(session, access.challenge.id, joined) if joined else {}
        finals = open_finals(session, access, phases, request.state.began_at)
        card = render_card(session, access, platform.clock())
    opened = any(phase.unblinded_at is not None for phase in phases)
    definition = Definition.model_validate(access.challenge.definition)
    now = platform.clock()
    return render(
        request,
        "challenges/overview.html",
        access=access,
        phases=phases,
        news=news,
        card=card,
        views=[phase_view(phase, definition.timezone, now) for phase in phases],
        own_closes=closes,
        finals=finals,
        places=own_places(request, platform, access) if opened else [],
        definition=definition,
    )
