"""The evaluations of a new generation, made beside those that count during a re-scoring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, insert, select
from sqlalchemy.orm import Session, aliased

from ..challenges.models import Phase, TestSet
from ..core.ids import new_id
from .models import Evaluation, Rescoring, Submission
from .rules import State

LOW_PRIORITY = 1
BATCH = 1000


def hold_test_set(session: Session, test_set_id: str) -> TestSet:
    """The test set as it is now; its solution and its re-scoring stay until the transaction ends.

    Taken before the lock of any entry: whoever begins or switches a re-scoring does so, too.
    """
    return session.get_one(
        TestSet, test_set_id, with_for_update={"read": True}, populate_existing=True
    )


def running(session: Session, test_set_id: str) -> Rescoring | None:
    """The re-scoring of a test set that has not ended."""
    return session.scalar(
        select(Rescoring).where(Rescoring.test_set_id == test_set_id, Rescoring.ended_at.is_(None))
    )


def accompany(session: Session, rescoring: Rescoring, evaluations: Sequence[Evaluation]) -> None:
    """Queue what arrives during a re-scoring for the new generation, too."""
    twins = [_twin(rescoring, one, one.queued_at) for one in evaluations]
    session.execute(insert(Evaluation), twins)


def fill(session: Session, rescoring: Rescoring, now: datetime) -> int:
    """Queue up to `BATCH` submissions that the new generation lacks; returns how many.

    The caller has locked the re-scoring, so that no submission gets two.
    """
    lacking = session.scalars(_lacking(rescoring).order_by(Evaluation.id).limit(BATCH)).all()
    if lacking:
        session.execute(insert(Evaluation), [_twin(rescoring, one, now) for one in lacking])
    return len(lacking)


def drop_cancelled(session: Session, rescoring: Rescoring) -> None:
    """Forget what was queued for submissions that were taken back since."""
    current = aliased(Evaluation, name="current")
    taken_back = (
        select(Submission.id)
        .join(current, current.id == Submission.evaluation_id)
        .where(current.state == State.CANCELLED)
    )
    session.execute(
        delete(Evaluation)
        .where(Evaluation.rescoring_id == rescoring.id, Evaluation.state == State.QUEUED)
        .where(Evaluation.submission_id.in_(taken_back))
        .execution_options(synchronize_session=False)
    )


def _lacking(rescoring: Rescoring) -> Select[Evaluation]:
    """The evaluations that count, were not taken back, and have none beside them yet."""
    beside = aliased(Evaluation, name="beside")
    phases = select(Phase.id).where(Phase.test_set_id == rescoring.test_set_id)
    return (
        select(Evaluation)
        .join(Submission, Submission.evaluation_id == Evaluation.id)
        .where(Evaluation.phase_id.in_(phases), Evaluation.state != State.CANCELLED)
        .where(
            ~exists().where(
                beside.submission_id == Evaluation.submission_id,
                beside.rescoring_id == rescoring.id,
            )
        )
    )


def lacks_any(session: Session, rescoring: Rescoring) -> bool:
    """Whether a submission has no evaluation of the new generation yet."""
    return session.scalars(_lacking(rescoring).limit(1)).first() is not None


def _twin(rescoring: Rescoring, one: Evaluation, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "submission_id": one.submission_id,
        "challenge_id": one.challenge_id,
        "phase_id": one.phase_id,
        "team_id": one.team_id,
        "solution_id": rescoring.solution_id,
        "rescoring_id": rescoring.id,
        "state": State.QUEUED,
        "priority": LOW_PRIORITY,
        "queued_at": now,
    }


def running_in(session: Session, challenge_id: str) -> Sequence[Rescoring]:
    """The re-scorings of a challenge that have not ended."""
    return session.scalars(
        select(Rescoring).where(
            Rescoring.challenge_id == challenge_id, Rescoring.ended_at.is_(None)
        )
    ).all()
