"""What organisers take away: grades, submissions and boards as files; the page that links them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser
from ..challenges.service import phase_by_slug, phases_of
from ..core.pages import render
from ..core.sheets import MEDIA_TYPES, Format, Sheet, as_file
from .exports import board_sheet
from .grades import grade_sheet
from .service import read_board, view_board
from .submission_sheet import submission_sheet

api = APIRouter(tags=["organisers"])
pages = APIRouter()
Organised = Annotated[Access, Depends(organiser)]
Form = Annotated[Format, Query(alias="format")]


@api.get("/admin/challenges/{slug}/exports/grades", response_class=Response)
def get_grades(platform: PlatformOf, access: Organised, form: Form = "csv") -> Response:
    """The grade sheet: one row per participant, and what the team reached in each phase."""
    with platform.db.snapshot() as session:
        phases = phases_of(session, access.challenge.id)
        sheet = grade_sheet(session, access, phases, platform.clock())
    return _file(access, "grades", sheet, form)


@api.get("/admin/challenges/{slug}/exports/submissions", response_class=Response)
def get_submission_sheet(platform: PlatformOf, access: Organised, form: Form = "csv") -> Response:
    """All submissions with all that is known of them, private scores too."""
    with platform.db.snapshot() as session:
        phases = phases_of(session, access.challenge.id)
        sheet = submission_sheet(session, access.challenge.id, phases)
    return _file(access, "submissions", sheet, form)


@api.get("/admin/challenges/{slug}/exports/boards/{phase}", response_class=Response)
def get_board_sheet(
    platform: PlatformOf,
    access: Organised,
    phase: str,
    split: Literal["public", "private"] = "private",
    form: Form = "csv",
) -> Response:
    """A board in full precision, blind or not."""
    with platform.db.snapshot() as session:
        found = phase_by_slug(session, access.challenge.id, phase)
        board = read_board(session, view_board(access, found, split, platform.clock()))
    return _file(access, f"{found.slug}-{split}", board_sheet(board), form)


@pages.get("/challenges/{slug}/organise/exports")
def exports_page(request: Request, platform: PlatformOf, access: Organised) -> Response:
    """Links to all files."""
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
    return render(
        request,
        "leaderboards/exports.html",
        access=access,
        phases=phases,
        forms=[("csv", "CSV"), ("json", "JSON"), ("parquet", "Parquet")],
    )


def _file(access: Access, what: str, sheet: Sheet, form: Format) -> Response:
    name = f"{access.challenge.slug}-{what}.{form}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    return Response(as_file(sheet, form), media_type=MEDIA_TYPES[form], headers=headers)
