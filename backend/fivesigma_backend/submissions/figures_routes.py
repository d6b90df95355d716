"""Figures of a submission by REST call, as pictures, and the button that asks for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import FileResponse, Response

from ..accounts.access import PlatformOf
from ..core.errors import NotFound
from ..core.middleware import DRAWING_POLICY
from ..core.pages import redirect
from ..core.platform import Platform
from ..core.queue import FIGURES_QUEUE, FIGURES_TASK, ring_after_commit
from .access import SubmissionAccess, of_submission
from .figures_shown import FORMATS, VERSION, figure_list, picture, want_figures
from .schemas import FigureList

api = APIRouter(tags=["submissions"])
pages = APIRouter()
Found = Annotated[SubmissionAccess, Depends(of_submission("read"))]
FOR_EVER = "private, max-age=31536000, immutable"


@api.get("/submissions/{submission_id}/figures")
def get_figures(platform: PlatformOf, found: Found) -> FigureList:
    """The figures of a submission, public ones before private ones, as far as one may see them."""
    with platform.db.read() as session:
        return figure_list(session, found)


@api.post("/submissions/{submission_id}/figures", status_code=202)
def post_figures(platform: PlatformOf, found: Found) -> FigureList:
    """Have the figures drawn that one may see; follow `pending`."""
    return _want(platform, found)


@api.get(
    "/submissions/{submission_id}/figures/{split}/{name}.{theme}.{form}",
    response_class=FileResponse,
)
def get_picture(
    request: Request,
    split: str,
    name: str,
    theme: str,
    form: str,
    platform: PlatformOf,
    found: Found,
    version: Annotated[str, Query(alias="v", max_length=VERSION)] = "",
) -> Response:
    """One figure as SVG or PNG, in light or dark colours."""
    with platform.db.read() as session:
        sha256 = picture(session, found, split, name, f"{theme}.{form}")
    lasting = version == sha256[:VERSION]
    headers = {
        "ETag": f'"{sha256}"',
        # After the unblinding another picture has this address: only with its version it lasts.
        "Cache-Control": FOR_EVER if lasting else "private, no-cache",
        "Content-Security-Policy": DRAWING_POLICY,
    }
    if sha256 in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        path = platform.storage.local(sha256)
    except FileNotFoundError as error:
        raise NotFound from error
    return FileResponse(path, headers=headers, media_type=FORMATS[form])


@pages.post("/submissions/{submission_id}/figures")
def figures_form(platform: PlatformOf, found: Found) -> Response:
    """Have the figures drawn, and follow on the submission's page."""
    _want(platform, found)
    return redirect(f"/submissions/{found.submission_id}", notice="figures")


def _want(platform: Platform, found: SubmissionAccess) -> FigureList:
    with platform.db.transaction() as session:
        want_figures(session, found)
        ring_after_commit(session, platform.bell, FIGURES_TASK, FIGURES_QUEUE)
        return figure_list(session, found)
