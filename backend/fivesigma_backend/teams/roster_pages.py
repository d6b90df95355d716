"""The organisers' pages of the class list: import, codes, who takes part by which name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.responses import Response

from ..accounts.forms import typed
from ..core.errors import Problem, Unprocessable
from ..core.pages import redirect
from ..core.web import with_headers
from .participants_actions import Acts, Organising
from .participants_frame import ONCE, PAGE, Search, next_page, root_of, show
from .roster import Issued
from .roster_list import roster_counts, roster_page
from .roster_rules import RosterError, roster_text

router = APIRouter(prefix="/challenges/{slug}/participants")
Format = Annotated[Literal["page", "csv"], Form(alias="format")]


@router.get("/roster")
def roster(
    request: Request,
    acts: Acts,
    search: Search = "",
    cursor: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """The class list, and who takes part by which name."""
    return _roster(request, acts, search=search, cursor=cursor)


@router.post("/roster")
def import_form(
    request: Request,
    acts: Acts,
    names: Annotated[str, Form()] = "",
    file: Annotated[UploadFile | None, File()] = None,
    form: Format = "page",
) -> Response:
    """Add names, from the field or else from the file; show the new codes once."""
    try:
        issued = acts.import_roster(names if names.strip() else _uploaded(file))
    except Problem as problem:
        return _roster(request, acts, problem, names=names)
    return _issued(request, acts, issued, form)


@router.post("/roster/codes")
def renew_codes_form(request: Request, acts: Acts, form: Format = "page") -> Response:
    """New codes for all names that nobody took; shown once."""
    return _issued(request, acts, acts.reissue_free_codes(), form)


@router.post("/roster/{row_id}/code")
def renew_code_form(request: Request, acts: Acts, row_id: str) -> Response:
    """A new code for one name, shown once."""
    try:
        issued = [acts.reissue_code(row_id)]
    except Problem as problem:
        return _roster(request, acts, problem)
    return _issued(request, acts, issued, "page")


@router.post("/roster/{row_id}/remove")
def remove_form(request: Request, acts: Acts, row_id: str) -> Response:
    """Take a name off the list."""
    try:
        acts.remove_row(row_id)
    except Problem as problem:
        return _roster(request, acts, problem)
    return redirect(f"{root_of(acts)}/roster", notice="roster-removed")


def _uploaded(file: UploadFile | None) -> str:
    try:
        return roster_text(file.file.read() if file is not None else b"")
    except RosterError as error:
        raise Unprocessable(str(error), code="bad_roster", errors=error.problems) from None


def _roster(
    request: Request,
    acts: Organising,
    problem: Problem | None = None,
    *,
    search: str = "",
    cursor: int = 0,
    names: str = "",
) -> Response:
    challenge = acts.challenge
    with acts.platform.db.read() as session:
        rows, following = roster_page(session, challenge.id, search, limit=PAGE, after=cursor)
        counts = roster_counts(session, challenge.id)
    return show(
        request,
        acts,
        "teams/roster.html",
        problem,
        rows=rows,
        counts=counts,
        names=names,
        search=typed(search),
        following=next_page(f"{root_of(acts)}/roster", search, following),
    )


def _issued(request: Request, acts: Organising, issued: Sequence[Issued], form: str) -> Response:
    """The new codes, as a page to print or as a file; they can't be had again."""
    content = _csv(issued)
    if form == "csv":
        name = f"{acts.challenge.slug}-codes.csv"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="text/csv", headers=ONCE | disposition)
    page = show(
        request, acts, "teams/issued.html", None, issued=issued, content=content, status=201
    )
    return with_headers(page, ONCE)


def _csv(issued: Iterable[Issued]) -> str:
    """Names and codes as CSV; names that a spreadsheet would compute were refused on import."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["name", "code"])
    writer.writerows((one.row.name, one.code) for one in issued)
    return text.getvalue()
