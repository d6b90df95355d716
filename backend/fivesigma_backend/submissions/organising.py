"""REST calls of what organisers do to a phase: its times, extensions, carry-over, unblinding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..accounts.access import PlatformOf
from ..challenges.access import Access, organiser
from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from ..challenges.rules import window
from ..challenges.service import phase_by_slug, phases_of
from ..core.clock import rfc3339
from ..core.errors import Unprocessable
from ..core.platform import Platform
from ..teams.models import Team
from .announcing import announce_board
from .carry_plan import CarryPlan, plan
from .carrying import announce_carried, carry_over
from .extending import extend, extensions_in, find_team
from .moving import close_early, move
from .phase_schemas import CarriedOut, CarryOut, ExtensionIn, ExtensionOut, PhaseOut, TimesIn
from .times import read_moment
from .unblinding import lock_phase, settled, unblind

api = APIRouter(tags=["organisers"])
Organised = Annotated[Access, Depends(organiser)]
Preview = Annotated[bool, Query()]
ONE = "/admin/challenges/{slug}/phases/{phase}"


@api.patch(ONE)
def patch_phase(
    phase: str, body: TimesIn, platform: PlatformOf, access: Organised, preview: Preview = False
) -> PhaseOut:
    """Move the opening or the close of a phase; everybody who takes part is told."""
    return move_phase(platform, access, phase, body, preview=preview)


@api.post(f"{ONE}/extensions")
def post_extension(
    phase: str, body: ExtensionIn, platform: PlatformOf, access: Organised
) -> ExtensionOut:
    """Give one team more time than the others, or take that back."""
    return extend_team(platform, access, phase, body)


@api.post(f"{ONE}/close")
def post_close(
    phase: str, platform: PlatformOf, access: Organised, preview: Preview = False
) -> PhaseOut:
    """End the window of an open phase now; with `preview`, only say what would come of it."""
    return close_phase(platform, access, phase, preview=preview)


@api.post(f"{ONE}/unblind")
def post_unblind(
    phase: str, platform: PlatformOf, access: Organised, preview: Preview = False
) -> PhaseOut:
    """Open the private board of a settled phase for everybody. This can't be undone."""
    return unblind_phase(platform, access, phase, preview=preview)


@api.post(f"{ONE}/carry-over")
def post_carry_over(
    phase: str, platform: PlatformOf, access: Organised, preview: Preview = False
) -> CarryOut:
    """Take over what teams chose in the source phase, or see which files that would be."""
    if preview:
        return preview_carrying(platform, access, phase)
    return carry_phase(platform, access, phase)


def move_phase(
    platform: Platform, access: Access, slug: str, body: TimesIn, *, preview: bool
) -> PhaseOut:
    """Move the times that `body` gives."""
    zone = zone_of(access)
    times = {
        key: None if text is None else read_moment(text, zone)
        for key, text in body.model_dump(exclude_unset=True).items()
    }
    if not times:
        raise Unprocessable("Give a new time: “opens”, “closes” or both.")

    def act(session: Session, phase: Phase) -> None:
        move(session, phase, times, now=platform.clock(), actor_id=access.actor.user_id)

    return _act(platform, access, slug, act, preview=preview)


def extend_team(platform: Platform, access: Access, slug: str, body: ExtensionIn) -> ExtensionOut:
    """Give a team more time, or take that back."""
    closes_at = None if body.closes_at is None else read_moment(body.closes_at, zone_of(access))
    with platform.db.transaction() as session:
        phase = phase_by_slug(session, access.challenge.id, slug)
        extend(
            session,
            access.challenge,
            phase.id,
            body.team,
            closes_at,
            now=platform.clock(),
            actor_id=access.actor.user_id,
        )
        team = find_team(session, access.challenge.id, body.team)
    return ExtensionOut(
        team=team.name, team_id=team.id, closes_at=rfc3339(closes_at) if closes_at else None
    )


def close_phase(platform: Platform, access: Access, slug: str, *, preview: bool) -> PhaseOut:
    """End the window of a phase now."""

    def act(session: Session, phase: Phase) -> None:
        close_early(session, phase, now=platform.clock(), actor_id=access.actor.user_id)

    return _act(platform, access, slug, act, preview=preview)


def unblind_phase(platform: Platform, access: Access, slug: str, *, preview: bool) -> PhaseOut:
    """Open the private board of a phase."""

    def act(session: Session, phase: Phase) -> None:
        locked = lock_phase(session, phase.id)
        now, actor_id = platform.clock(), access.actor.user_id
        unblind(session, platform.storage, locked, now=now, actor_id=actor_id)

    return _act(platform, access, slug, act, preview=preview)


def preview_carrying(platform: Platform, access: Access, slug: str) -> CarryOut:
    """What carrying over would do as things stand."""
    with platform.db.read() as session:
        phases = phases_of(session, access.challenge.id)
        target = phase_by_slug(session, access.challenge.id, slug)
        found = plan(session, phases, target, platform.clock())
        return carry_out(session, found, preview=True)


def carry_phase(platform: Platform, access: Access, slug: str) -> CarryOut:
    """Carry over, ring for the workers, and tell live pages."""
    with platform.db.transaction() as session:
        target = phase_by_slug(session, access.challenge.id, slug)
        now, actor_id = platform.clock(), access.actor.user_id
        done = carry_over(session, target.id, now=now, actor_id=actor_id)
        announce_carried(session, platform, done)
        return carry_out(session, done, preview=False)


def carry_out(session: Session, done: CarryPlan, *, preview: bool) -> CarryOut:
    """A plan as organisers read it, by team."""
    names = dict(
        session.execute(
            select(Team.id, Team.name).where(Team.challenge_id == done.target.challenge_id)
        ).all()
    )
    items = [
        CarriedOut(
            team=names[one.team_id],
            team_id=one.team_id,
            submission=one.source_id,
            filename=one.submission.filename,
            message=one.submission.message,
            submitted_at=rfc3339(one.submission.submitted_at),
            fate=one.fate,
        )
        for one in done.items
    ]
    return CarryOut(
        phase=done.target.slug,
        source=done.source.slug,
        carry_over=PhaseDefinition.model_validate(done.target.definition).carry_over,
        ready=done.ready,
        preview=preview,
        items=sorted(items, key=lambda item: (item.team.casefold(), item.submitted_at)),
    )


def zone_of(access: Access) -> str:
    """The zone in which the challenge's times are written."""
    zone: str = access.challenge.definition.get("timezone", "UTC")
    return zone


def phase_out(session: Session, phase: Phase, platform: Platform) -> PhaseOut:
    """A phase as its organisers see it."""
    now = platform.clock()
    return PhaseOut(
        slug=phase.slug,
        title=phase.title,
        opens_at=rfc3339(phase.opens_at),
        closes_at=rfc3339(phase.closes_at) if phase.closes_at else None,
        window=window(phase.opens_at, phase.closes_at, now),
        settled=settled(session, phase, now),
        unblinded_at=rfc3339(phase.unblinded_at) if phase.unblinded_at else None,
        carried_at=rfc3339(phase.carried_at) if phase.carried_at else None,
        extensions=[
            ExtensionOut(team=team.name, team_id=team.id, closes_at=rfc3339(closes_at))
            for team, closes_at in extensions_in(session, phase)
        ],
    )


def _act(
    platform: Platform,
    access: Access,
    slug: str,
    act: Callable[[Session, Phase], None],
    *,
    preview: bool,
) -> PhaseOut:
    """Do `act` to the phase and tell live pages; of a preview nothing is kept."""
    with platform.db.transaction() as session:
        phase = phase_by_slug(session, access.challenge.id, slug)
        act(session, phase)
        out = phase_out(session, phase, platform)
        if preview:
            session.rollback()
        else:
            announce_board(session, platform.events, phase.id)
    return out
