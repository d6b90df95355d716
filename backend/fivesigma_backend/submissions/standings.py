"""What counts of an entry, kept beside it so that a board is one query.

The columns are a cache: `restand` computes them from the entry's scored submissions alone.
"""

from __future__ import annotations

from typing import Any

from fivesigma_scoring import METRICS
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from ..core.db import insert_missing
from ..core.ids import new_id
from .models import Entry, Evaluation, Submission
from .rules import BoardRule, Scored, State, standing


def board_rule(definition: PhaseDefinition) -> BoardRule:
    """How a phase picks what counts."""
    metric = METRICS[definition.metric]
    return BoardRule(
        higher_is_better=metric.higher_is_better,
        absolute=metric.by_magnitude,
        latest=definition.public_rule == "latest",
        finals=definition.finals,
    )


def scored_of(session: Session, entry_id: str, metric: str) -> list[Scored]:
    """The scored submissions of an entry with their scores in the ranking metric."""
    rows = session.execute(
        select(Submission, Evaluation.public_scores, Evaluation.private_scores)
        .join(Evaluation, Submission.evaluation_id == Evaluation.id)
        .where(Submission.entry_id == entry_id, Evaluation.state == State.SCORED)
    ).all()
    return [
        Scored(
            submission.id,
            submission.submitted_at,
            *_value(public, metric),
            *_value(private, metric),
            selected=submission.selected,
        )
        for submission, public, private in rows
    ]


def lock_entry(session: Session, phase_id: str, team_id: str) -> Entry:
    """The entry of a team in a phase, made if there is none, locked until the transaction ends."""
    insert_missing(session, Entry, id=new_id(), phase_id=phase_id, team_id=team_id, scored_count=0)
    return session.execute(
        select(Entry)
        .where(Entry.phase_id == phase_id, Entry.team_id == team_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def restand(session: Session, entry: Entry, phase: Phase) -> None:
    """Recompute the standing of a locked entry and give the phase's boards a new version."""
    definition = PhaseDefinition.model_validate(phase.definition)
    scored = scored_of(session, entry.id, definition.metric)
    counts = standing(scored, board_rule(definition))
    entry.scored_count = len(scored)
    entry.last_submitted_at = max((one.submitted_at for one in scored), default=None)
    public, private = counts.public, counts.private
    entry.public_submission_id = public.submission_id if public else None
    entry.public_score = public.public if public else None
    entry.public_sigma = public.public_sigma if public else None
    entry.public_submitted_at = public.submitted_at if public else None
    entry.private_submission_id = private.submission_id if private else None
    entry.private_score = private.private if private else None
    entry.private_sigma = private.private_sigma if private else None
    entry.private_submitted_at = private.submitted_at if private else None
    session.flush()
    bump_board(session, phase.id)


def bump_board(session: Session, phase_id: str) -> None:
    """Give the boards of a phase a new version, which caches and live pages go by."""
    session.execute(
        update(Phase).where(Phase.id == phase_id).values(board_version=Phase.board_version + 1)
    )


def _value(scores: dict[str, Any] | None, metric: str) -> tuple[float | None, float | None]:
    found = (scores or {}).get(metric)
    return (found["value"], found.get("sigma")) if found else (None, None)
