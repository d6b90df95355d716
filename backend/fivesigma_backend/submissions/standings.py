"""What counts of an entry, kept beside it so that a board is one query.

The lines are a cache: `restand` computes them from the entry's scored submissions alone. So is its
shortlist, which `restand` renews whenever a submission changes in another way than by its score.
"""

from __future__ import annotations

import operator
from collections.abc import Collection
from typing import Any

from fivesigma_scoring import METRICS
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from ..core.db import insert_missing
from ..core.ids import new_id
from .counting import BoardRule, Line, Scored, SplitScore, place_of
from .models import Entry, Evaluation, Standing, Submission
from .rules import State
from .shortlist import NOBODY, Shortlist, shortlist

OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
Scores = dict[str, dict[str, Any]]


def board_rule(definition: PhaseDefinition) -> BoardRule:
    """How a phase picks what counts."""
    return BoardRule(
        latest=definition.public_rule == "latest",
        finals=definition.finals,
        frozen_at=definition.freeze_at if definition.board == "frozen" else None,
    )


def scored_of(
    session: Session,
    entry_id: str,
    definition: PhaseDefinition,
    among: Collection[str] | None = None,
) -> list[Scored]:
    """The scored submissions of an entry that are neither hidden nor superseded.

    Of its submissions `among` alone, if given.
    """
    query = (
        select(Submission, Evaluation.public_scores, Evaluation.private_scores)
        .join(Evaluation, Submission.evaluation_id == Evaluation.id)
        .where(Evaluation.state == State.SCORED)
        .where(Submission.hidden_at.is_(None), Submission.superseded_at.is_(None))
    )
    # Not both: a database may look through all of the entry's for the few.
    own = Submission.entry_id == entry_id if among is None else Submission.id.in_(among)
    return [scored_from(definition, *row) for row in session.execute(query.where(own)).all()]


def scored_from(
    definition: PhaseDefinition,
    submission: Submission,
    public: Scores | None,
    private: Scores | None,
) -> Scored:
    """A submission with the scores of both splits, as the rules of counting see it."""
    return Scored(
        submission.id,
        submission.submitted_at,
        split_score(definition, public),
        split_score(definition, private),
        selected=submission.selected,
        late=submission.late,
        disqualified=submission.disqualified_at is not None,
        declared=submission.declared,
        note=submission.note,
        carried=submission.carried_from_id is not None,
    )


def split_score(definition: PhaseDefinition, scores: Scores | None) -> SplitScore | None:
    """The score of one split with its place and whether it passes the gates."""
    own = (scores or {}).get(definition.metric)
    if scores is None or own is None:
        return None
    ranked = [definition.metric, *definition.tie_break]
    values = [scores.get(name, {}).get("value") for name in ranked]
    return SplitScore(
        own["value"],
        own.get("sigma"),
        place_of([METRICS[name] for name in ranked], values),
        passes=_passes(definition, scores),
        metrics=scores,
    )


def _passes(definition: PhaseDefinition, scores: Scores) -> bool:
    for gate in definition.gates:
        value = scores.get(gate.metric, {}).get("value")
        if value is None or not OPERATORS[gate.op](value, gate.bound):
            return False
    return True


def lock_entry(session: Session, phase_id: str, team_id: str) -> Entry:
    """The entry of a team in a phase, made if there is none, locked until the transaction ends."""
    insert_missing(session, Entry, id=new_id(), phase_id=phase_id, team_id=team_id)
    return session.execute(
        select(Entry)
        .where(Entry.phase_id == phase_id, Entry.team_id == team_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def lock_entry_of(session: Session, submission_id: str) -> Entry:
    """The entry that a submission is in, locked; a merge of teams may just have moved it."""
    while True:
        phase_id, team_id = _place_of(session, submission_id)
        entry = lock_entry(session, phase_id, team_id)
        if _place_of(session, submission_id) == (phase_id, team_id):
            return entry


def _place_of(session: Session, submission_id: str) -> tuple[str, str]:
    phase_id, team_id = session.execute(
        select(Entry.phase_id, Entry.team_id)
        .join(Submission, Submission.entry_id == Entry.id)
        .where(Submission.id == submission_id)
    ).one()
    return phase_id, team_id


def restand(session: Session, entry: Entry, phase: Phase, *, newcomer: str | None = None) -> None:
    """Recompute the lines of a locked entry and give the phase's boards a new version.

    Where nothing has changed but that the submission `newcomer` has been scored, it is compared to
    those alone that may still count.
    """
    definition = PhaseDefinition.model_validate(phase.definition)
    before, among = NOBODY, None
    if newcomer is not None and entry.shortlist is not None:
        before = Shortlist.from_json(entry.shortlist)
        among = before.ids | {newcomer}
    found, after = shortlist(
        scored_of(session, entry.id, definition, among),
        board_rule(definition),
        before,
        disqualified=entry.disqualified_at is not None,
    )
    entry.shortlist = after.as_json()
    store_lines(session, entry, found)
    bump_board(session, phase.id)


def store_lines(session: Session, entry: Entry, found: list[Line]) -> None:
    """Put `found` in the place of the entry's lines."""
    session.execute(delete(Standing).where(Standing.entry_id == entry.id))
    if found:
        session.execute(insert(Standing), [line_row(entry, line) for line in found])


def line_row(entry: Entry, line: Line) -> dict[str, Any]:
    """The columns of one line."""
    return {
        "entry_id": entry.id,
        "board": line.board,
        "late": line.late,
        "phase_id": entry.phase_id,
        "submission_id": line.submission.submission_id,
        "score": line.split.score,
        "sigma": line.split.sigma,
        "place": list(line.split.place),
        "mark": line.mark,
        "submitted_at": line.submission.submitted_at,
        "entries": line.entries,
        "last_submitted_at": line.last_submitted_at,
        "metrics": line.split.metrics,
        "declared": line.submission.declared,
        "note": line.submission.note,
        "carried": line.submission.carried,
    }


def bump_board(session: Session, phase_id: str) -> None:
    """Give the boards of a phase a new version, which caches and live pages go by."""
    session.execute(
        update(Phase).where(Phase.id == phase_id).values(board_version=Phase.board_version + 1)
    )
