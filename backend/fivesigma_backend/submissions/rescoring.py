"""Re-scoring: a new generation of evaluations beside the old, and the moment when it takes over.

Locks are taken in one order: the test set, then the challenge, entries, phases.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from ..challenges.grafting import Grafted
from ..challenges.models import Challenge, Phase, Solution, TestSet
from ..challenges.storing import put_in_force
from ..core.audit import record_act
from ..core.errors import Conflict, NotFound
from ..core.events import Events
from ..core.ids import new_id
from ..teams.notices import notify
from .announcing import announce_board
from .figures_rules import FiguresState
from .generations import drop_cancelled, fill, lacks_any, running
from .models import Evaluation, Rescoring, Submission
from .rescoring_rules import CANCELLED, LONGEST_REASON, SWITCHED, Progress
from .restanding import lock_entries, restand_phase
from .rules import State

ANSWERED = (State.SCORED, State.REJECTED)


def begin(
    session: Session,
    test_set: TestSet,
    solution: Solution,
    *,
    reason: str,
    definition: dict[str, Any] | None,
    now: datetime,
    actor_id: str | None,
) -> Rescoring:
    """Begin to score every submission of a test set again, and queue the first of them.

    Raises Conflict while one is running. Nothing that people see changes before it takes over.
    """
    lock_test_set(session, test_set.id)
    if running(session, test_set.id) is not None:
        raise running_already(test_set.name)
    rescoring = Rescoring(
        id=new_id(),
        challenge_id=test_set.challenge_id,
        test_set_id=test_set.id,
        solution_id=solution.id,
        actor_id=actor_id,
        reason=reason[:LONGEST_REASON],
        definition=definition,
        began_at=now,
    )
    session.add(rescoring)
    session.flush()
    fill(session, rescoring, now)
    _record(session, "rescoring.begin", rescoring, now, actor_id, reason=reason)
    return rescoring


def running_already(name: str) -> Conflict:
    """The refusal of a change to a test set that is being re-scored."""
    return Conflict(
        f"The test set “{name}” is being re-scored. Wait until that has taken over, or cancel it.",
        code="rescoring",
    )


def lock_test_set(session: Session, test_set_id: str) -> TestSet:
    """The test set, locked against whoever hands in, begins or switches."""
    return session.get_one(TestSet, test_set_id, with_for_update=True, populate_existing=True)


def lock_rescoring(session: Session, rescoring_id: str) -> Rescoring:
    """A re-scoring with its test set, locked. Raises Conflict if it has ended."""
    test_set_id = session.scalar(select(Rescoring.test_set_id).where(Rescoring.id == rescoring_id))
    if test_set_id is None:
        raise NotFound("There is no such re-scoring.")
    lock_test_set(session, test_set_id)
    found = session.get_one(Rescoring, rescoring_id, with_for_update=True, populate_existing=True)
    if found.ended_at is not None:
        raise Conflict("This re-scoring has ended already.", code="ended")
    return found


def progress(session: Session, rescoring: Rescoring) -> Progress:
    """How many evaluations of a re-scoring are in which state."""
    counts = session.execute(
        select(Evaluation.state, func.count())
        .where(Evaluation.rescoring_id == rescoring.id)
        .group_by(Evaluation.state)
    )
    return Progress(dict(counts.all()), lacks_any(session, rescoring))


def switch(
    session: Session,
    events: Events,
    rescoring: Rescoring,
    grafted: Grafted | None,
    *,
    past_failures: bool,
    now: datetime,
    actor_id: str | None,
) -> None:
    """Let the new generation take over, on every board at once; `rescoring` is locked.

    A submission whose new evaluation failed keeps the old one. Raises Conflict while answers are
    still to come, and, unless it is to go on past failures, where some failed.
    """
    found = progress(session, rescoring)
    _require_ready(found, past_failures=past_failures)
    test_set = session.get_one(TestSet, rescoring.test_set_id)
    challenge = session.get_one(
        Challenge, rescoring.challenge_id, with_for_update=True, populate_existing=True
    )
    phases = phases_on(session, test_set.id)
    entries = lock_entries(session, [phase.id for phase in phases])
    _point(session, rescoring)
    _retire(session, rescoring, now)
    _make_figures(session, rescoring)
    test_set.current_solution_id = rescoring.solution_id
    if grafted is not None:
        put_in_force(session, challenge, test_set, grafted)
    session.flush()
    for phase in phases:
        restand_phase(session, phase, entries)
    _end(session, rescoring, SWITCHED, now)
    counts = {"done": found.done, "failed": found.failed}
    _record(session, "rescoring.switch", rescoring, now, actor_id, **counts)
    _tell(session, rescoring, phases, now, actor_id)
    for phase in phases:
        announce_board(session, events, phase.id)


def cancel(session: Session, rescoring: Rescoring, *, now: datetime, actor_id: str | None) -> None:
    """Give a re-scoring up; `rescoring` is locked. What its workers hold comes to nothing."""
    session.execute(
        delete(Evaluation)
        .where(Evaluation.rescoring_id == rescoring.id)
        .execution_options(synchronize_session=False)
    )
    _end(session, rescoring, CANCELLED, now)
    _record(session, "rescoring.cancel", rescoring, now, actor_id)


def retry(session: Session, rescoring: Rescoring, *, now: datetime, actor_id: str | None) -> int:
    """Queue again what could not be scored; `rescoring` is locked. Returns how many."""
    failed = session.execute(
        update(Evaluation)
        .where(Evaluation.rescoring_id == rescoring.id, Evaluation.state == State.FAILED)
        .values(
            state=State.QUEUED,
            queued_at=now,
            finished_at=None,
            crashes=0,
            lost_leases=0,
            reference=None,
            failure=None,
            findings=None,
        )
        .execution_options(synchronize_session=False)
    )
    number = failed.rowcount if isinstance(failed, CursorResult) else 0
    if not number:
        raise Conflict("Nothing of this re-scoring has failed.", code="nothing")
    _record(session, "rescoring.retry", rescoring, now, actor_id, queued=number)
    return number


def advance(session: Session, rescoring: Rescoring, now: datetime) -> Progress:
    """Queue what is lacking, a batch at a time, and say how far it is; `rescoring` is locked."""
    drop_cancelled(session, rescoring)
    fill(session, rescoring, now)
    return progress(session, rescoring)


def phases_on(session: Session, test_set_id: str) -> Sequence[Phase]:
    """The phases that a test set is scored in, in their order."""
    return session.scalars(
        select(Phase).where(Phase.test_set_id == test_set_id).order_by(Phase.position)
    ).all()


def _require_ready(found: Progress, *, past_failures: bool) -> None:
    if not found.finished:
        raise Conflict(
            f"{found.waiting} submissions are still to be scored again. Wait for them.",
            code="unfinished",
        )
    if found.failed and not past_failures:
        raise Conflict(
            f"{found.failed} submissions could not be scored again. Retry them, or go on past "
            "them: they keep their present scores.",
            code="failures",
        )


def _point(session: Session, rescoring: Rescoring) -> None:
    """Every submission with a new answer takes it, but for those that were taken back."""
    new, current = aliased(Evaluation, name="new"), aliased(Evaluation, name="current")
    taken_back = exists().where(
        current.id == Submission.evaluation_id, current.state == State.CANCELLED
    )
    session.execute(
        update(Submission)
        .where(Submission.id.in_(_answered(rescoring)), ~taken_back)
        .values(
            evaluation_id=select(new.id)
            .where(new.submission_id == Submission.id, new.rescoring_id == rescoring.id)
            .scalar_subquery()
        )
        .execution_options(synchronize_session=False)
    )


def _make_figures(session: Session, rescoring: Rescoring) -> None:
    """The figures of what counts now are due; those of the old generation stay with it."""
    counting = select(Submission.evaluation_id).where(Submission.id.in_(_answered(rescoring)))
    session.execute(
        update(Evaluation)
        .where(Evaluation.rescoring_id == rescoring.id, Evaluation.state == State.SCORED)
        .where(Evaluation.id.in_(counting))
        .values(figures_state=FiguresState.DUE)
        .execution_options(synchronize_session=False)
    )


def _retire(session: Session, rescoring: Rescoring, now: datetime) -> None:
    """What still waits for the old solution has its answer from the new one."""
    session.execute(
        update(Evaluation)
        .where(Evaluation.submission_id.in_(_answered(rescoring)))
        .where(Evaluation.state == State.QUEUED)
        .values(state=State.CANCELLED, finished_at=now)
        .execution_options(synchronize_session=False)
    )


def _answered(rescoring: Rescoring) -> Any:
    return select(Evaluation.submission_id).where(
        Evaluation.rescoring_id == rescoring.id, Evaluation.state.in_(ANSWERED)
    )


def _end(session: Session, rescoring: Rescoring, outcome: str, now: datetime) -> None:
    rescoring.ended_at, rescoring.outcome = now, outcome
    session.flush()


def _tell(
    session: Session,
    rescoring: Rescoring,
    phases: Sequence[Phase],
    now: datetime,
    actor_id: str | None,
) -> None:
    titles = ", ".join(f"“{phase.title}”" for phase in phases)
    notify(
        session,
        rescoring.challenge_id,
        "rescored",
        f"All submissions to {titles} were scored again: {rescoring.reason}. "
        "Scores and ranks may have changed; final selections stay as made.",
        now=now,
        actor_id=actor_id,
    )


def _record(
    session: Session,
    action: str,
    rescoring: Rescoring,
    now: datetime,
    actor_id: str | None,
    **after: Any,
) -> None:
    test_set, version = session.execute(
        select(TestSet.name, Solution.version)
        .join(Solution, Solution.test_set_id == TestSet.id)
        .where(Solution.id == rescoring.solution_id)
    ).one()
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action=action,
        target=test_set,
        challenge_id=rescoring.challenge_id,
        after={"rescoring": rescoring.id, "solution": version, **after},
    )
