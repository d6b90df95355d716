"""What organisers do to a phase: close it early, unblind it. By page and by REST call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser
from ..challenges.models import Phase
from ..challenges.rules import window
from ..challenges.service import phase_by_slug, phases_of
from ..core.clock import rfc3339
from ..core.errors import Problem
from ..core.pages import redirect, render
from ..core.platform import Platform
from .announcing import announce_board
from .unblinding import close_early, lock_phase, settled, unblind

api = APIRouter(tags=["organisers"])
pages = APIRouter()
Organised = Annotated[Access, Depends(organiser)]


class PhaseOut(BaseModel):
    """A phase as its organisers see it."""

    slug: str
    title: str
    opens_at: str
    closes_at: str | None
    window: str
    settled: bool
    unblinded_at: str | None


@api.post("/admin/challenges/{slug}/phases/{phase}/close")
def post_close(
    phase: str, platform: PlatformOf, access: Organised, preview: Annotated[bool, Query()] = False
) -> PhaseOut:
    """End the window of an open phase now; with `preview`, only say what would come of it."""
    return _close(platform, access, phase, preview=preview)


@api.post("/admin/challenges/{slug}/phases/{phase}/unblind")
def post_unblind(
    phase: str, platform: PlatformOf, access: Organised, preview: Annotated[bool, Query()] = False
) -> PhaseOut:
    """Open the private board of a settled phase for everybody. This can't be undone."""
    return _unblind(platform, access, phase, preview=preview)


@pages.get("/challenges/{slug}/phases/{phase}")
def phase_page(request: Request, phase: str, platform: PlatformOf, access: Organised) -> Response:
    """The state of a phase and what an organiser may do now."""
    return _page(request, platform, access, phase)


@pages.post("/challenges/{slug}/phases/{phase}/close")
def close_form(request: Request, phase: str, platform: PlatformOf, access: Organised) -> Response:
    """Close the phase early, or say why not."""
    try:
        _close(platform, access, phase, preview=False)
    except Problem as problem:
        return _page(request, platform, access, phase, problem)
    return redirect(f"/challenges/{access.challenge.slug}/phases/{phase}", notice="phase-closed")


@pages.post("/challenges/{slug}/phases/{phase}/unblind")
def unblind_form(request: Request, phase: str, platform: PlatformOf, access: Organised) -> Response:
    """Open the private board, or say why not."""
    try:
        _unblind(platform, access, phase, preview=False)
    except Problem as problem:
        return _page(request, platform, access, phase, problem)
    return redirect(f"/challenges/{access.challenge.slug}/phases/{phase}", notice="unblinded")


def _page(
    request: Request, platform: Platform, access: Access, slug: str, problem: Problem | None = None
) -> Response:
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        phase = phase_by_slug(session, access.challenge.id, slug)
        state = _phase_out(session, phase, platform)
    return render(
        request,
        "submissions/phase.html",
        status=problem.status if problem else 200,
        access=access,
        phases=phases,
        phase=phase,
        state=state,
        problem=problem,
    )


def _close(platform: Platform, access: Access, slug: str, *, preview: bool) -> PhaseOut:
    def act(session: Session, phase: Phase) -> None:
        close_early(session, phase, now=platform.clock(), actor_id=access.actor.user_id)

    return _act(platform, access, slug, act, preview=preview)


def _unblind(platform: Platform, access: Access, slug: str, *, preview: bool) -> PhaseOut:
    def act(session: Session, phase: Phase) -> None:
        unblind(
            session,
            platform.storage,
            phase,
            now=platform.clock(),
            actor_id=access.actor.user_id,
        )

    return _act(platform, access, slug, act, preview=preview)


def _act(
    platform: Platform,
    access: Access,
    slug: str,
    act: Callable[[Session, Phase], None],
    *,
    preview: bool,
) -> PhaseOut:
    """Do `act` to the locked phase and tell live pages; of a preview nothing is kept."""
    with platform.db.transaction() as session:
        phase = lock_phase(session, phase_by_slug(session, access.challenge.id, slug).id)
        act(session, phase)
        out = _phase_out(session, phase, platform)
        if preview:
            session.rollback()
        else:
            announce_board(session, platform.events, phase.id)
    return out


def _phase_out(session: Session, phase: Phase, platform: Platform) -> PhaseOut:
    now = platform.clock()
    return PhaseOut(
        slug=phase.slug,
        title=phase.title,
        opens_at=rfc3339(phase.opens_at),
        closes_at=rfc3339(phase.closes_at) if phase.closes_at else None,
        window=window(phase.opens_at, phase.closes_at, now),
        settled=settled(session, phase, now),
        unblinded_at=rfc3339(phase.unblinded_at) if phase.unblinded_at else None,
    )
