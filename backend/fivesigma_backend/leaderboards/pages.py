"""Pages of boards."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, visible
from ..challenges.columns import column_of
from ..challenges.service import phases_of
from ..core.errors import Blinded
from ..core.pages import render
from ..submissions.admission import own_team
from .api import board_cache, cached_board
from .schemas import BoardOut
from .service import choose_phase, view_board

router = APIRouter()
PAGE = 100


@router.get("/challenges/{slug}/leaderboard")
def board_page(
    request: Request,
    platform: PlatformOf,
    access: Annotated[Access, Depends(visible)],
    phase: Annotated[str | None, Query(max_length=40)] = None,
    split: Annotated[str, Query(max_length=10)] = "public",
    start: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Response:
    """The board of a phase; a blind private board says so instead."""
    now = platform.clock()
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        own = own_team(session, access).id if access.joined_at else None
    chosen = choose_phase(phases, phase, now)
    try:
        view = view_board(access, chosen, split, now)
    except Blinded:
        view = None
    board = cached_board(board_cache(request), platform, view) if view else None
    return render(
        request,
        "leaderboards/board.html",
        status=200 if view else Blinded.status,
        access=access,
        phases=phases,
        phase=chosen,
        split=split,
        blinded=view is None,
        own_team_id=own,
        phase_tabs=[(one.slug, one.title, f"?{urlencode({'phase': one.slug})}") for one in phases],
        splits=[_split_tab(chosen.slug, name) for name in ("public", "private")],
        **_shown(board, chosen.slug, split, start),
    )


def _split_tab(phase: str, split: str) -> tuple[str, str, str]:
    query = urlencode({"phase": phase, "split": split})
    return split, split.capitalize(), f"?{query}"


def _shown(board: BoardOut | None, phase: str, split: str, start: int) -> dict[str, Any]:
    if board is None:
        return {"board": None, "rows": [], "metrics": [], "entries": 0, "next_page": None}
    end = start + PAGE
    further = urlencode({"phase": phase, "split": split, "start": end})
    return {
        "board": board,
        "rows": board.rows[start:end],
        "metrics": [column_of(name) for name in board.metrics],
        "entries": sum(row["entries"] for row in board.rows if row["rank"] is not None),
        "next_page": f"?{further}" if end < len(board.rows) else None,
    }
