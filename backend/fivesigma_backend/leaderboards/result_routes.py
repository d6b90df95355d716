"""A team's final place and what another choice would have given: a page and a REST call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fivesigma_scoring import METRICS
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, participant
from ..challenges.models import Phase
from ..challenges.service import phase_by_slug, phases_of
from ..core.errors import Blinded, NotFound
from ..core.pages import render
from ..core.platform import Platform
from .result_schemas import ResultOut
from .result_shown import own_result

api = APIRouter(tags=["leaderboards"])
pages = APIRouter()
Member = Annotated[Access, Depends(participant("read"))]
PhaseSlug = Annotated[str | None, Query(max_length=40)]


@api.get("/challenges/{slug}/result")
def get_result(
    request: Request, platform: PlatformOf, access: Member, phase: PhaseSlug = None
) -> ResultOut:
    """One's team's place in an unblinded phase (by default the last), and what could have been."""
    _, chosen = _chosen(platform, access, phase)
    found = own_result(request, platform, access, chosen)
    if found is None:
        raise NotFound(f"Your team has handed in nothing in “{chosen.title}”.")
    return found


@pages.get("/challenges/{slug}/result")
def result_page(
    request: Request, platform: PlatformOf, access: Member, phase: PhaseSlug = None
) -> Response:
    """The same as a page; before the unblinding it says so."""
    status = 200
    found = chosen = None
    try:
        phases, chosen = _chosen(platform, access, phase)
        found = own_result(request, platform, access, chosen)
    except Blinded:
        status = Blinded.status
        with platform.db.read() as session:
            phases = phases_of(session, access.challenge.id)
    opened = [one for one in phases if one.unblinded_at is not None]
    return render(
        request,
        "leaderboards/result.html",
        status=status,
        access=access,
        phases=phases,
        phase=chosen,
        blinded=status != 200,
        result=found,
        metric=METRICS[found.metric] if found else None,
        phase_tabs=[(one.slug, one.title, f"?phase={one.slug}") for one in opened],
    )


def _chosen(platform: Platform, access: Access, slug: str | None) -> tuple[Sequence[Phase], Phase]:
    """All phases, and the named one, else the one that was unblinded last."""
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        if slug is not None:
            return phases, phase_by_slug(session, access.challenge.id, slug)
    opened = [one for one in phases if one.unblinded_at is not None]
    if not opened:
        raise Blinded
    return phases, max(opened, key=lambda one: (str(one.unblinded_at), one.position))
