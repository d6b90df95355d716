"""What counts of a team as things stand, as pages and the API show it while a phase is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from ..challenges.access import Access
from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from ..challenges.rules import current_phase
from ..challenges.service import phase_by_slug, phases_of
from ..core.clock import rfc3339
from ..core.errors import NotFound
from ..teams.models import TeamMember
from .admission import is_open
from .counting import Scored
from .finals import Finals, finals_now, in_words
from .models import Entry, Evaluation, Submission
from .rules import UNFINISHED, State, own_close
from .standings import board_rule, scored_from
from .views import sight

Scores = dict[str, Any] | None


class FinalOut(BaseModel):
    """One of the finals; `how` is `selected`, `waiting` (selected, not scored yet) or `filled`."""

    id: str
    how: str
    filename: str
    message: str
    note: str | None
    submitted_at: str


class FinalsOut(BaseModel):
    """What counts of a team in a phase as things stand, in words and in data.

    `places` is how many finals there may be (0: the best of all counts), `free` how many more the
    team may select `until` its close; `filled` places go by best public score. Which submissions
    those are is not among the `items` while public scores are hidden.
    """

    phase: str
    title: str
    open: bool
    until: datetime | None
    places: int
    free: int
    filled: int
    text: str
    items: list[FinalOut]


@dataclass(frozen=True)
class _Entered:
    """An entry, and those of its submissions that count or may come to."""

    entry: Entry
    rows: list[tuple[Submission, str, Scores, Scores]] = field(default_factory=list)


def finals_of(session: Session, access: Access, phase_slug: str | None, now: datetime) -> FinalsOut:
    """What counts of the actor's team in a phase, by default the one that pages show first."""
    phases = phases_of(session, access.challenge.id)
    phase = current_phase(phases, now)
    if phase_slug is not None:
        phase = phase_by_slug(session, access.challenge.id, phase_slug)
    if phase is None:
        raise NotFound("This challenge has no phase yet.")
    return _out(phase, _entered(session, access, [phase]).get(phase.id), now)


def open_finals(
    session: Session, access: Access, phases: Sequence[Phase], now: datetime
) -> list[FinalsOut]:
    """What counts in each open phase in which the actor's team has handed in, for its banners."""
    blind = [phase for phase in phases if phase.unblinded_at is None and phase.opens_at <= now]
    if not access.participant or not blind:
        return []
    entered = _entered(session, access, blind)
    return [
        _out(phase, entered[phase.id], now)
        for phase in blind
        if phase.id in entered
        and entered[phase.id].rows
        and is_open(phase, entered[phase.id].entry.closes_at, now)
    ]


def _entered(session: Session, access: Access, phases: Sequence[Phase]) -> dict[str, _Entered]:
    """What the actor's team has in each of the phases."""
    seen = and_(
        Submission.entry_id == Entry.id,
        Submission.hidden_at.is_(None),
        Submission.superseded_at.is_(None),
    )
    living = and_(
        Evaluation.id == Submission.evaluation_id,
        Evaluation.state.in_((*UNFINISHED, State.SCORED)),
    )
    scores = (Evaluation.public_scores, Evaluation.private_scores)
    rows = session.execute(
        select(Entry, Submission, Evaluation.state, *scores)
        .join(TeamMember, TeamMember.team_id == Entry.team_id)
        .outerjoin(Submission, seen)
        .outerjoin(Evaluation, living)
        .where(
            TeamMember.challenge_id == access.challenge.id,
            TeamMember.user_id == access.actor.user_id,
            Entry.phase_id.in_([phase.id for phase in phases]),
        )
        .order_by(Submission.submitted_at, Submission.id)
    )
    found: dict[str, _Entered] = {}
    for entry, submission, state, public, private in rows:
        entered = found.setdefault(entry.phase_id, _Entered(entry))
        if state is not None:
            entered.rows.append((submission, state, public, private))
    return found


def _out(phase: Phase, entered: _Entered | None, now: datetime) -> FinalsOut:
    hidden = not sight(phase, organiser=False).public
    finals = _finals(phase, entered)
    extension = entered.entry.closes_at if entered is not None else None
    open_now = is_open(phase, extension, now)
    return FinalsOut(
        phase=phase.slug,
        title=phase.title,
        open=open_now,
        until=own_close(phase.closes_at, extension),
        places=finals.places,
        free=finals.free if open_now else 0,
        filled=len(finals.filled),
        text=in_words(finals, hidden=hidden, may_select=open_now),
        items=_items(finals, entered, hidden=hidden) if entered is not None else [],
    )


def _finals(phase: Phase, entered: _Entered | None) -> Finals:
    definition = PhaseDefinition.model_validate(phase.definition)
    scored: list[Scored] = []
    waiting: list[str] = []
    for submission, state, public, private in entered.rows if entered is not None else ():
        if state == State.SCORED:
            scored.append(scored_from(definition, submission, public, private))
        elif submission.selected:
            waiting.append(submission.id)
    return finals_now(scored, board_rule(definition), waiting)


def _items(finals: Finals, entered: _Entered, *, hidden: bool) -> list[FinalOut]:
    """The finals, those first that were selected."""
    how = dict.fromkeys(finals.selected, "selected") | dict.fromkeys(finals.waiting, "waiting")
    if not hidden:  # which of one's own is best is known from hidden scores only
        how |= dict.fromkeys(finals.filled, "filled")
    submissions = {row[0].id: row[0] for row in entered.rows}
    return [
        FinalOut(
            id=one,
            how=how[one],
            filename=submissions[one].filename,
            message=submissions[one].message,
            note=submissions[one].note,
            submitted_at=rfc3339(submissions[one].submitted_at),
        )
        for one in how
    ]
