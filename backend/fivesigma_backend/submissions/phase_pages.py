"""The page of a phase for its organisers, and its forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser
from ..challenges.models import Phase
from ..challenges.service import phase_by_slug, phases_of
from ..core.errors import Problem
from ..core.pages import redirect, render
from ..core.platform import Platform
from .organising import (
    carry_phase,
    close_phase,
    extend_team,
    move_phase,
    phase_out,
    preview_carrying,
    unblind_phase,
    zone_of,
)
from .phase_schemas import CarryOut, ExtensionIn, TimesIn
from .succession import source_of
from .times import written

router = APIRouter()
Organised = Annotated[Access, Depends(organiser)]
Name = Annotated[str, Form(max_length=200)]
Moment = Annotated[str, Form(max_length=40)]
ONE = "/challenges/{slug}/phases/{phase}"


@router.get(ONE)
def phase_page(request: Request, phase: str, platform: PlatformOf, access: Organised) -> Response:
    """The state of a phase and what an organiser may do now."""
    return _page(request, platform, access, phase)


@router.post(f"{ONE}/times")
def times_form(
    request: Request,
    phase: str,
    platform: PlatformOf,
    access: Organised,
    opens: Moment,
    closes: Moment = "",
) -> Response:
    """Move the opening or the close; a field that is as it was shown changes nothing."""

    def act() -> None:
        with platform.db.read() as session:
            row = phase_by_slug(session, access.challenge.id, phase)
        times = _given(row, zone_of(access), opens.strip(), closes.strip())
        if times:
            body = TimesIn.model_validate(times)
            move_phase(platform, access, phase, body, preview=False)

    return _do(request, platform, access, phase, act, "phase-moved")


def _given(phase: Phase, zone: str, opens: str, closes: str) -> dict[str, str | None]:
    """The times that differ from what the form showed; an empty close is none."""
    given: dict[str, str | None] = {}
    if opens != written(phase.opens_at, zone):
        given["opens"] = opens
    if closes != written(phase.closes_at, zone):
        given["closes"] = closes or None
    return given


@router.post(f"{ONE}/extensions")
def extension_form(
    request: Request,
    phase: str,
    platform: PlatformOf,
    access: Organised,
    team: Name,
    closes_at: Moment = "",
) -> Response:
    """Give a team more time; without a time, take it back."""

    def act() -> None:
        body = ExtensionIn(team=team, closes_at=closes_at or None)
        extend_team(platform, access, phase, body)

    return _do(request, platform, access, phase, act, "extended" if closes_at else "unextended")


@router.post(f"{ONE}/close")
def close_form(request: Request, phase: str, platform: PlatformOf, access: Organised) -> Response:
    """Close the phase early, or say why not."""

    def act() -> None:
        close_phase(platform, access, phase, preview=False)

    return _do(request, platform, access, phase, act, "phase-closed")


@router.post(f"{ONE}/unblind")
def unblind_form(request: Request, phase: str, platform: PlatformOf, access: Organised) -> Response:
    """Open the private board, or say why not."""

    def act() -> None:
        unblind_phase(platform, access, phase, preview=False)

    return _do(request, platform, access, phase, act, "unblinded")


@router.post(f"{ONE}/carry-over")
def carry_form(
    request: Request,
    phase: str,
    platform: PlatformOf,
    access: Organised,
    preview: Annotated[bool, Form()] = False,
) -> Response:
    """Show who moves with which file, or let them move."""
    if not preview:
        return _do(
            request,
            platform,
            access,
            phase,
            lambda: carry_phase(platform, access, phase),
            "carried",
        )
    try:
        found = preview_carrying(platform, access, phase)
    except Problem as problem:
        return _page(request, platform, access, phase, problem)
    return _page(request, platform, access, phase, carrying=found)


def _do(
    request: Request,
    platform: Platform,
    access: Access,
    slug: str,
    act: Callable[[], object],
    notice: str,
) -> Response:
    try:
        act()
    except Problem as problem:
        return _page(request, platform, access, slug, problem)
    return redirect(f"/challenges/{access.challenge.slug}/phases/{slug}", notice=notice)


def _page(
    request: Request,
    platform: Platform,
    access: Access,
    slug: str,
    problem: Problem | None = None,
    carrying: CarryOut | None = None,
) -> Response:
    zone = zone_of(access)
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        phase = phase_by_slug(session, access.challenge.id, slug)
        state = phase_out(session, phase, platform)
    return render(
        request,
        "submissions/phase.html",
        status=problem.status if problem else 200,
        access=access,
        phases=phases,
        phase=phase,
        state=state,
        zone=zone,
        opens=written(phase.opens_at, zone),
        closes=written(phase.closes_at, zone),
        source=source_of(phases, phase),
        carrying=carrying,
        problem=problem,
    )
