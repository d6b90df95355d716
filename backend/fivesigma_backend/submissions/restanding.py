"""Ranking a whole phase again: all of its lines at once, in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from .counting import Scored, lines
from .models import Entry, Evaluation, Standing, Submission
from .rules import State
from .standings import board_rule, bump_board, line_row, scored_from


def lock_entries(session: Session, phase_ids: Sequence[str]) -> Sequence[Entry]:
    """Every entry of the phases, locked in one order until the transaction ends."""
    return session.scalars(
        select(Entry)
        .where(Entry.phase_id.in_(phase_ids))
        .order_by(Entry.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def restand_phase(session: Session, phase: Phase, entries: Sequence[Entry]) -> None:
    """Recompute every line of a phase, whose entries are locked; its boards get a new version."""
    definition = PhaseDefinition.model_validate(phase.definition)
    rule = board_rule(definition)
    scored = _scored(session, phase, definition)
    rows = [
        line_row(entry, line)
        for entry in entries
        if entry.phase_id == phase.id
        for line in lines(
            scored.get(entry.id, ()), rule, disqualified=entry.disqualified_at is not None
        )
    ]
    for entry in entries:
        if entry.phase_id == phase.id:
            entry.shortlist = None
    session.execute(delete(Standing).where(Standing.phase_id == phase.id))
    if rows:
        session.execute(insert(Standing), rows)
    bump_board(session, phase.id)


def _scored(session: Session, phase: Phase, definition: PhaseDefinition) -> dict[str, list[Scored]]:
    """What `standings.scored_of` finds, for all entries of a phase."""
    rows = session.execute(
        select(Submission, Evaluation.public_scores, Evaluation.private_scores)
        .join(Evaluation, Submission.evaluation_id == Evaluation.id)
        .join(Entry, Entry.id == Submission.entry_id)
        .where(Entry.phase_id == phase.id, Evaluation.state == State.SCORED)
        .where(Submission.hidden_at.is_(None), Submission.superseded_at.is_(None))
        .execution_options(populate_existing=True)
    )
    found: dict[str, list[Scored]] = defaultdict(list)
    for submission, public, private in rows:
        found[submission.entry_id].append(scored_from(definition, submission, public, private))
    return found
