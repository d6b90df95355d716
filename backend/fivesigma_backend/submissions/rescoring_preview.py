"""Who would move if a new generation took over now: for organisers, before it does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, aliased

from ..challenges.definition import Definition, PhaseDefinition
from ..challenges.models import Phase, Solution, TestSet
from ..core.clock import rfc3339
from ..teams.models import Team
from .counting import Board, Place, Scored, lines
from .models import Entry, Evaluation, Rescoring, Submission
from .rescoring import phases_on, progress
from .rescoring_rules import moves
from .rescoring_schemas import BoardMoves, MoveOut, RescoringDetail, RescoringOut
from .rules import State
from .standings import board_rule, scored_from

BOARDS = (Board.PUBLIC, Board.PRIVATE)
_Row = Row[Entry, str, Submission, Evaluation, Evaluation | None]


def rescoring_out(session: Session, rescoring: Rescoring) -> RescoringOut:
    """A re-scoring with how far it is."""
    found = progress(session, rescoring)
    return RescoringOut(
        id=rescoring.id,
        test_set=session.get_one(TestSet, rescoring.test_set_id).name,
        solution=session.get_one(Solution, rescoring.solution_id).version,
        reason=rescoring.reason,
        began_at=rfc3339(rescoring.began_at),
        ended_at=rfc3339(rescoring.ended_at) if rescoring.ended_at else None,
        outcome=rescoring.outcome,
        submissions=found.total,
        done=found.done,
        waiting=found.waiting,
        failed=found.failed,
        finished=found.finished,
    )


def rescoring_detail(session: Session, rescoring: Rescoring) -> RescoringDetail:
    """A re-scoring with who would move; one that has ended moves nobody any more."""
    boards: list[BoardMoves] = []
    if rescoring.ended_at is None:
        for phase in phases_on(session, rescoring.test_set_id):
            boards += _phase_moves(session, rescoring, phase)
    plain = rescoring_out(session, rescoring).model_dump()
    return RescoringDetail(**plain, boards=boards)


def _phase_moves(session: Session, rescoring: Rescoring, phase: Phase) -> list[BoardMoves]:
    old = PhaseDefinition.model_validate(phase.definition)
    new = _definition_then(rescoring, old)
    rows = _rows(session, rescoring, phase)
    before = _places(old, ((row[0], row[1], row[2], row[3]) for row in rows))
    after = _places(new, ((row[0], row[1], row[2], _then(row[3], row[4])) for row in rows))
    found = []
    for board in BOARDS:
        moved = moves(before[board], after[board])
        changed = [MoveOut(**vars(one)) for one in moved if one.before != one.after]
        found.append(BoardMoves(phase=phase.slug, split=board, teams=len(moved), moves=changed))
    return found


def _definition_then(rescoring: Rescoring, present: PhaseDefinition) -> PhaseDefinition:
    if rescoring.definition is None:
        return present
    phases = Definition.model_validate(rescoring.definition).phases
    return next((one for one in phases if one.slug == present.slug), present)


def _then(old: Evaluation, new: Evaluation | None) -> Evaluation:
    """What would count: the new answer if there is one."""
    answered = new is not None and new.state in (State.SCORED, State.REJECTED)
    return new if new is not None and answered else old


def _rows(session: Session, rescoring: Rescoring, phase: Phase) -> Sequence[_Row]:
    current, new = aliased(Evaluation, name="current"), aliased(Evaluation, name="new")
    return session.execute(
        select(Entry, Team.name, Submission, current, new)
        .join(Team, Team.id == Entry.team_id)
        .join(Submission, Submission.entry_id == Entry.id)
        .join(current, current.id == Submission.evaluation_id)
        .outerjoin(new, (new.submission_id == Submission.id) & (new.rescoring_id == rescoring.id))
        .where(Entry.phase_id == phase.id, ~Team.staff, Team.banned_at.is_(None))
        .where(Submission.hidden_at.is_(None), Submission.superseded_at.is_(None))
    ).all()


def _places(
    definition: PhaseDefinition, rows: Iterable[tuple[Entry, str, Submission, Evaluation]]
) -> Mapping[Board, dict[str, Place]]:
    """The place of every ranked team on both boards."""
    scored: dict[tuple[str, bool], list[Scored]] = defaultdict(list)
    for entry, team, submission, one in rows:
        if one.state == State.SCORED:
            found = scored_from(definition, submission, one.public_scores, one.private_scores)
            scored[team, entry.disqualified_at is not None].append(found)
    places: dict[Board, dict[str, Place]] = {board: {} for board in BOARDS}
    for (team, disqualified), every in scored.items():
        for line in lines(every, board_rule(definition), disqualified=disqualified):
            if line.mark is None and line.board in places:
                places[line.board][team] = line.split.place
    return places
