"""Leave to send a file: what is decided before its first byte, and the ticket it travels with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..challenges.access import Access
from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase, TestSet
from ..challenges.rules import Window, window
from ..challenges.service import phases_of
from ..core.errors import BadRequest, Closed, NotFound
from ..core.ids import new_id
from ..teams.models import Team, TeamMember
from .models import Entry, UploadTicket
from .quota import limits_of, require_allowance, usage_of


@dataclass(frozen=True)
class Admission:
    """Leave to send a file for a phase, given before its first byte."""

    phase: Phase
    definition: PhaseDefinition
    test_set: TestSet
    team_id: str


def choose_phase(session: Session, access: Access, slug: str | None, began_at: datetime) -> Phase:
    """The phase that a file is for: the named one, else the only one that is open."""
    phases = phases_of(session, access.challenge.id)
    if slug:
        named = [phase for phase in phases if phase.slug == slug]
        if not named:
            names = ", ".join(phase.slug for phase in phases)
            raise NotFound(f"There is no phase “{slug}”. The phases are: {names}.")
        return named[0]
    taking = [
        phase
        for phase in phases
        if window(phase.opens_at, phase.closes_at, began_at) is Window.OPEN
        and PhaseDefinition.model_validate(phase.definition).uploads
    ]
    if len(taking) > 1:
        names = ", ".join(phase.slug for phase in taking)
        raise BadRequest(f"More than one phase is open. Name one of them: {names}.", code="phase")
    if taking:
        return taking[0]
    upcoming = [phase for phase in phases if phase.opens_at > began_at]
    if upcoming:
        first = upcoming[0]
        raise Closed(f"No phase is open; “{first.title}” opens at {_utc(first.opens_at)}.")
    raise Closed("All phases of this challenge are closed.")


def phase_for_checking(
    session: Session, access: Access, slug: str | None, began_at: datetime
) -> Phase:
    """The phase whose test set a file is checked against: an open one, else the last."""
    try:
        return choose_phase(session, access, slug, began_at)
    except Closed:
        return phases_of(session, access.challenge.id)[-1]


def admit(
    session: Session, access: Access, slug: str | None, *, began_at: datetime, now: datetime
) -> Admission:
    """Decide before the first byte: window, then allowance. Raises Closed or TooMany."""
    phase = choose_phase(session, access, slug, began_at)
    admission = admission_to(session, access, phase)
    require_open(admission, began_at)
    entry_id = session.scalar(
        select(Entry.id).where(Entry.phase_id == phase.id, Entry.team_id == admission.team_id)
    )
    limits = limits_of(access.challenge, admission.definition)
    require_allowance(limits, usage_of(session, entry_id, now), now)
    return admission


def admission_to(session: Session, access: Access, phase: Phase) -> Admission:
    """What a request needs to know of a phase, without deciding anything."""
    test_set = session.get_one(TestSet, phase.test_set_id)
    definition = PhaseDefinition.model_validate(phase.definition)
    return Admission(phase, definition, test_set, own_team(session, access).id)


def own_team(session: Session, access: Access) -> Team:
    """The actor's team in the challenge. Raises NotFound for who has none."""
    team = session.scalar(
        select(Team)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(
            TeamMember.challenge_id == access.challenge.id,
            TeamMember.user_id == access.actor.user_id,
        )
    )
    if team is None:
        raise NotFound("You have no team in this challenge. Join it first.")
    return team


def lock_team_id(session: Session, access: Access) -> str:
    """The actor's team, in which they stay until the transaction ends."""
    team_id = session.scalar(
        select(TeamMember.team_id)
        .where(
            TeamMember.challenge_id == access.challenge.id,
            TeamMember.user_id == access.actor.user_id,
        )
        .with_for_update(read=True)
    )
    if team_id is None:
        raise NotFound("You have no team in this challenge. Join it first.")
    return team_id


def require_open(admission: Admission, began_at: datetime) -> None:
    """Refuse a request that began outside the phase's window, or where uploads are not taken."""
    phase = admission.phase
    if not admission.definition.uploads:
        raise Closed(f"“{phase.title}” takes no uploads: it is fed from an earlier phase.")
    match window(phase.opens_at, phase.closes_at, began_at):
        case Window.UPCOMING:
            raise Closed(f"“{phase.title}” opens at {_utc(phase.opens_at)}.")
        case Window.CLOSED:
            raise Closed(f"“{phase.title}” closed at {_utc(phase.closes_at)}.")


def open_ticket(
    session: Session, *, phase_id: str, user_id: str, began_at: datetime, lifetime: timedelta
) -> str:
    """Note an upload in flight, so that the phase does not settle under it."""
    ticket = UploadTicket(
        id=new_id(),
        phase_id=phase_id,
        user_id=user_id,
        began_at=began_at,
        expires_at=began_at + lifetime,
    )
    session.add(ticket)
    return ticket.id


def close_ticket(session: Session, ticket_id: str) -> None:
    """The upload has ended, well or not."""
    session.execute(delete(UploadTicket).where(UploadTicket.id == ticket_id))


def _utc(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
