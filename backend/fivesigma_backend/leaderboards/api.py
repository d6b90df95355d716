"""REST calls of boards."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, visible
from ..challenges.service import phases_of
from ..core.errors import BadRequest
from ..core.platform import Platform
from .cache import BoardCache
from .exports import as_csv
from .schemas import BoardOut
from .service import BoardView, choose_phase, read_board, view_board

router = APIRouter(tags=["leaderboards"])
MOST_ROWS = 10_000


@router.get("/challenges/{slug}/leaderboard", response_model=BoardOut)
def get_leaderboard(
    request: Request,
    platform: PlatformOf,
    access: Annotated[Access, Depends(visible)],
    phase: Annotated[str | None, Query(max_length=40)] = None,
    split: Annotated[str, Query(max_length=10)] = "public",
    format: Literal["json", "csv"] = "json",  # noqa: A002 - the name is part of the interface
    limit: Annotated[int | None, Query(ge=1, le=MOST_ROWS)] = None,
    cursor: Annotated[str | None, Query(max_length=20)] = None,
) -> Response:
    """The board of a phase on a split, best first: all of it, or `limit` rows from `cursor` on."""
    start = _start(cursor)
    now = platform.clock()
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
    view = view_board(access, choose_phase(phases, phase, now), split, now)
    headers = {
        "ETag": view.key.etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie, Authorization",
    }
    if view.key.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    cache = board_cache(request)
    page = cache.page(
        view.key,
        f"{format} {start} {limit}",
        lambda: _serialised(cached_board(cache, platform, view), format, start, limit),
    )
    if format == "csv":
        headers["Content-Disposition"] = f'attachment; filename="{slug_of(access)}-{split}.csv"'
        return Response(page, media_type="text/csv; charset=utf-8", headers=headers)
    return Response(page, media_type="application/json", headers=headers)


def board_cache(request: Request) -> BoardCache:
    """The boards kept by this application."""
    cache: BoardCache = request.app.state.boards
    return cache


def cached_board(cache: BoardCache, platform: Platform, view: BoardView) -> BoardOut:
    """The whole board of a view, from memory if it has not changed."""

    def read() -> BoardOut:
        with platform.db.read() as session:
            return read_board(session, view)

    return cache.board(view.key, read)


def slug_of(access: Access) -> str:
    """The challenge's slug, safe in a file name by its pattern."""
    return access.challenge.slug


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal():
        raise BadRequest("This cursor is not one of ours. Begin again without it.")
    return int(cursor)


def _serialised(board: BoardOut, form: str, start: int, limit: int | None) -> bytes:
    end = len(board.rows) if limit is None else start + limit
    rows = board.rows[start:end]
    following = str(end) if end < len(board.rows) else None
    page = board.model_copy(update={"rows": rows, "next": following})
    return as_csv(page).encode() if form == "csv" else page.model_dump_json().encode()
