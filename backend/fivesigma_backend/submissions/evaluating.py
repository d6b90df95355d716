"""The queue: keeping the lease of an evaluation, recording what became of it, recovering it.

Whoever holds an evaluation proves it by its attempt number: what an earlier attempt says later
changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fivesigma_scoring import mishaps
from fivesigma_scoring.report import Finding
from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from ..challenges.models import Challenge, Phase, TestSet
from ..core.ids import new_id
from .claiming import Claim
from .figures_rules import FiguresState
from .models import Evaluation, Submission
from .plausibility import is_implausible
from .rules import State, after_crash, after_lost_lease
from .standings import lock_entry_of, restand


@dataclass(frozen=True)
class Result:
    """What the scorer found: findings, and unless the file was refused scores of each split.

    `diagnoses` are findings that need the truth of the public split; details are scores by variant
    and slice.
    """

    ok: bool
    findings: list[Any]
    scorer_version: int | None
    public: dict[str, Any] | None = None
    private: dict[str, Any] | None = None
    diagnoses: list[Any] | None = None
    public_details: dict[str, Any] | None = None
    private_details: dict[str, Any] | None = None


def renew(session: Session, held: Claim, until: datetime) -> bool:
    """Keep the lease; False if somebody else has the evaluation by now."""
    return _change(session, held, lease_until=until)


def record(session: Session, held: Claim, result: Result, now: datetime) -> bool:
    """Store scores or findings, and the entry's new standing, if the attempt is still current.

    Of a generation that has not taken over, nothing is shown and nothing counts yet.
    """
    entry = lock_entry_of(session, held.submission_id)
    counts = _counts(session, held)
    kept = _change(
        session,
        held,
        state=State.SCORED if result.ok else State.REJECTED,
        finished_at=now,
        lease_until=None,
        findings=result.findings,
        diagnoses=result.diagnoses,
        scorer_version=result.scorer_version,
        public_scores=result.public,
        private_scores=result.private,
        public_details=result.public_details,
        private_details=result.private_details,
        implausible=is_implausible(_plausible(session, held), result.public, result.private),
        figures_state=FiguresState.DUE if result.ok and counts else None,
    )
    if kept and counts:
        phase = session.get_one(Phase, held.phase_id)
        restand(session, entry, phase, newcomer=held.submission_id)
    return kept


def _counts(session: Session, held: Claim) -> bool:
    current = select(Submission.evaluation_id).where(Submission.id == held.submission_id)
    return session.scalar(current) == held.evaluation_id


def _plausible(session: Session, held: Claim) -> dict[str, Any] | None:
    """The bound beyond which organisers are told of a score."""
    definition = session.scalars(
        select(TestSet.definition)
        .join(Phase, Phase.test_set_id == TestSet.id)
        .where(Phase.id == held.phase_id)
    ).one()
    bound: dict[str, Any] | None = definition.get("plausible")
    return bound


def record_crash(
    session: Session, held: Claim, failure: str, reason: Finding, now: datetime
) -> State | None:
    """The scorer died. Queue the evaluation again, or give up with a reference number.

    Operators see the `failure`, the team the `reason`. Returns the new state, None if the attempt
    is no longer current.
    """
    crashes = session.scalar(select(Evaluation.crashes).where(Evaluation.id == held.evaluation_id))
    state = after_crash((crashes or 0) + 1)
    values: dict[str, Any] = {
        "state": state,
        "crashes": Evaluation.crashes + 1,
        "lease_until": None,
        "failure": failure,
    }
    if state is State.FAILED:
        values |= {
            "finished_at": now,
            "reference": new_id()[-10:],
            "findings": [reason.as_json()],
        }
    return state if _change(session, held, **values) else None


def give_back(session: Session, held: Claim, *, at_fault: bool, now: datetime) -> bool:
    """Queue the evaluation again: this worker can't go on, through no fault of the file.

    A worker that stops on request is not at fault; one whose sandbox is broken is, so that an
    evaluation is not handed around for ever.
    """
    if not at_fault:
        return _change(session, held, state=State.QUEUED, lease_until=None)
    evaluation = session.get_one(Evaluation, held.evaluation_id, with_for_update=True)
    if evaluation.attempt != held.attempt or evaluation.state != State.SCORING:
        return False
    _lose(evaluation, now)
    session.flush()
    return True


def requeue_stale(session: Session, now: datetime) -> Sequence[Evaluation]:
    """Queue what silent workers held; the single path of recovery. Returns what it moved."""
    stale = session.scalars(
        select(Evaluation)
        .where(Evaluation.state == State.SCORING, Evaluation.lease_until < now)
        .with_for_update(skip_locked=True)
    ).all()
    for evaluation in stale:
        _lose(evaluation, now)
    session.flush()
    return stale


def anything_waits(session: Session) -> bool:
    """Whether an evaluation is queued, of a challenge that is not in the trash."""
    waiting = (
        select(Evaluation.id)
        .join(Challenge, Challenge.id == Evaluation.challenge_id)
        .where(Evaluation.state == State.QUEUED, Challenge.trashed_at.is_(None))
        .limit(1)
    )
    return session.scalar(waiting) is not None


def states(session: Session) -> Mapping[str, int]:
    """How many evaluations are in each state."""
    return dict(
        session.execute(select(Evaluation.state, func.count()).group_by(Evaluation.state)).all()
    )


def _lose(evaluation: Evaluation, now: datetime) -> None:
    evaluation.lost_leases += 1
    evaluation.lease_until = None
    evaluation.state = after_lost_lease(evaluation.lost_leases)
    if evaluation.state == State.FAILED:
        evaluation.finished_at = now
        evaluation.reference = new_id()[-10:]
        evaluation.failure = "every worker that took this fell silent"
        evaluation.findings = [mishaps.scoring_failed().as_json()]


def _change(session: Session, held: Claim, **values: Any) -> bool:
    changed = session.execute(
        update(Evaluation)
        .where(
            Evaluation.id == held.evaluation_id,
            Evaluation.attempt == held.attempt,
            Evaluation.state == State.SCORING,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return isinstance(changed, CursorResult) and changed.rowcount == 1
