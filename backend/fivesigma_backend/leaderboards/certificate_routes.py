"""Certificates of rank: a page for each member of a ranked team, all of a phase for organisers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser, participant
from ..challenges.models import Phase
from ..challenges.service import phase_by_slug
from ..core.errors import NotFound
from ..core.pages import render
from ..core.platform import Platform
from ..core.sheets import MEDIA_TYPES, Format, as_file
from .certificates import Certificate, certificate_sheet, certificates, own_certificate

api = APIRouter(tags=["organisers"])
pages = APIRouter()
Member = Annotated[Access, Depends(participant("read"))]
Organised = Annotated[Access, Depends(organiser)]


@pages.get("/challenges/{slug}/phases/{phase}/certificate")
def certificate_page(
    request: Request, platform: PlatformOf, access: Member, phase: str
) -> Response:
    """The certificate of one's own team, to be printed."""
    chosen, found = _found(platform, access, phase)
    own = own_certificate(found, access.actor.username)
    if own is None:
        raise NotFound(f"Your team took no rank in “{chosen.title}”, so there is no certificate.")
    return _page(request, access, chosen, [own])


@pages.get("/challenges/{slug}/phases/{phase}/certificates")
def certificates_page(
    request: Request, platform: PlatformOf, access: Organised, phase: str
) -> Response:
    """The certificates of all ranked teams, a sheet of paper each."""
    return _page(request, access, *_found(platform, access, phase))


@api.get("/admin/challenges/{slug}/phases/{phase}/certificates", response_class=Response)
def get_certificates(
    platform: PlatformOf,
    access: Organised,
    phase: str,
    form: Annotated[Format, Query(alias="format")] = "json",
) -> Response:
    """What stands on the certificates of a phase, one row per ranked team."""
    chosen, found = _found(platform, access, phase)
    name = f"{access.challenge.slug}-{chosen.slug}-certificates.{form}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    content = as_file(certificate_sheet(found), form)
    return Response(content, media_type=MEDIA_TYPES[form], headers=headers)


def _found(platform: Platform, access: Access, slug: str) -> tuple[Phase, list[Certificate]]:
    with platform.db.snapshot() as session:
        phase = phase_by_slug(session, access.challenge.id, slug)
        return phase, certificates(session, access, phase, platform.clock())


def _page(request: Request, access: Access, phase: Phase, found: Sequence[Certificate]) -> Response:
    return render(
        request, "leaderboards/certificates.html", access=access, phase=phase, certificates=found
    )
