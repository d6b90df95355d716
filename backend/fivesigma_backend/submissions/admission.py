"""Leave to send a file: what is decided before its first byte, and the ticket it travels with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from .rules import Intake, intake, own_close


@dataclass(frozen=True)
class Admission:
    """Leave to send a file for a phase, given before its first byte.

    `closes_at` is when the phase closes for the team.
    """

    phase: Phase
    definition: PhaseDefinition
    test_set: TestSet
    team_id: str
    closes_at: datetime | None


def choose_phase(session: Session, access: Access, slug: str | None, began_at: datetime) -> Phase:
    """The phase that a file is for: the named one, else the only one that takes files.

    Open phases come first; where none is open for the team, those that take late files.
    """
    phases = phases_of(session, access.challenge.id)
    if slug:
        named = [phase for phase in phases if phase.slug == slug]
        if not named:
            names = ", ".join(phase.slug for phase in phases)
            raise NotFound(f"There is no phase “{slug}”. The phases are: {names}.")
        return named[0]
    taken = phases_taking(phases, extensions_of(session, access), began_at)
    if len(taken) == 1:
        return taken[0]
    if taken:
        names = ", ".join(phase.slug for phase in taken)
        raise BadRequest(
            f"More than one phase takes files. Name one of them: {names}.", code="phase"
        )
    upcoming = [phase for phase in phases if phase.opens_at > began_at]
    if upcoming:
        first = upcoming[0]
        raise Closed(f"No phase is open; “{first.title}” opens at {_utc(first.opens_at)}.")
    raise Closed("All phases of this challenge are closed.")


def phases_taking(
    phases: Sequence[Phase], extensions: Mapping[str, datetime], moment: datetime
) -> list[Phase]:
    """The phases that are open for a team with these `extensions`, else those that take late files.

    `extensions` are the team's own closes by the phase's id.
    """
    found: dict[Intake, list[Phase]] = {}
    for phase in phases:
        close = own_close(phase.closes_at, extensions.get(phase.id))
        found.setdefault(intake_of(phase, close, moment), []).append(phase)
    return found.get(Intake.OPEN) or found.get(Intake.LATE) or []


def is_open(phase: Phase, extension: datetime | None, now: datetime) -> bool:
    """Whether a phase, which may take uploads or not, is open for a team with this extension."""
    close = own_close(phase.closes_at, extension)
    return phase.unblinded_at is None and window(phase.opens_at, close, now) is Window.OPEN


def intake_of(phase: Phase, closes_at: datetime | None, moment: datetime) -> Intake:
    """Whether the phase takes files at `moment` from a team for which it closes at `closes_at`."""
    definition = PhaseDefinition.model_validate(phase.definition)
    return intake(
        phase.opens_at,
        closes_at,
        moment,
        uploads=definition.uploads,
        late=definition.late,
        unblinded=phase.unblinded_at is not None,
    )


def extensions_of(session: Session, access: Access) -> dict[str, datetime]:
    """The closes that the actor's team was given for itself, by the phase's id."""
    rows = session.execute(
        select(Entry.phase_id, Entry.closes_at)
        .join(TeamMember, TeamMember.team_id == Entry.team_id)
        .where(
            TeamMember.challenge_id == access.challenge.id,
            TeamMember.user_id == access.actor.user_id,
            Entry.closes_at.is_not(None),
        )
    )
    return {phase_id: close for phase_id, close in rows if close is not None}


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
    entry = session.scalar(
        select(Entry).where(Entry.phase_id == phase.id, Entry.team_id == admission.team_id)
    )
    limits = limits_of(access.challenge, admission.definition, entry)
    require_allowance(limits, usage_of(session, entry.id if entry else None, now), now)
    return admission


def admission_to(session: Session, access: Access, phase: Phase) -> Admission:
    """What a request needs to know of a phase, without deciding anything."""
    test_set = session.get_one(TestSet, phase.test_set_id)
    definition = PhaseDefinition.model_validate(phase.definition)
    team_id = own_team(session, access).id
    extension = session.scalar(
        select(Entry.closes_at).where(Entry.phase_id == phase.id, Entry.team_id == team_id)
    )
    closes_at = own_close(phase.closes_at, extension)
    return Admission(phase, definition, test_set, team_id, closes_at)


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


def require_open(admission: Admission, began_at: datetime) -> bool:
    """Refuse a request that began when the phase did not take the team's files.

    Returns whether the file comes late.
    """
    phase = admission.phase
    match intake_of(phase, admission.closes_at, began_at):
        case Intake.NEVER:
            raise Closed(f"“{phase.title}” takes no uploads: it is fed from an earlier phase.")
        case Intake.UPCOMING:
            raise Closed(f"“{phase.title}” opens at {_utc(phase.opens_at)}.")
        case Intake.CLOSED:
            raise Closed(_closed_text(admission))
        case Intake.LATE:
            return True
        case Intake.OPEN:
            return False


def _closed_text(admission: Admission) -> str:
    phase = admission.phase
    if admission.closes_at is None:
        return f"“{phase.title}” is over."
    text = f"“{phase.title}” closed at {_utc(admission.closes_at)}."
    if admission.definition.late and phase.unblinded_at is None:
        return f"{text} It takes late files once its private board is open."
    return text


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
