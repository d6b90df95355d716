"""What organisers decide about a submission: hide, disqualify, restore, refund, score it again.

Each act locks the entry, is recorded with its before and after, and changes nothing when it is done
twice. Callers own the transaction and announce what changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ..challenges.models import Phase
from ..core.audit import record_act
from ..core.errors import Conflict, Unprocessable
from ..teams.notices import notify
from .models import Entry, Evaluation, Rescoring, Submission
from .rules import COUNTING, State, may_become
from .standings import lock_entry_of, restand

LONGEST_REASON = 500
JUDGED = "judged"


@dataclass(frozen=True)
class Judge:
    """Who decides, and when."""

    actor_id: str | None
    now: datetime

    def record(
        self,
        session: Session,
        challenge_id: str,
        action: str,
        target: str,
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> None:
        """Note the act in the audit log."""
        record_act(
            session,
            now=self.now,
            actor_id=self.actor_id,
            action=action,
            target=target,
            challenge_id=challenge_id,
            before=before,
            after=after,
        )

    def tell(self, session: Session, challenge_id: str, team_id: str, text: str) -> None:
        """Tell the team what was decided."""
        who = {"team_id": team_id, "actor_id": self.actor_id}
        notify(session, challenge_id, JUDGED, text, now=self.now, **who)


def hide(session: Session, submission_id: str, judge: Judge) -> Submission:
    """Take a submission off every board; its team still sees it, and that it is hidden."""
    entry, one = _locked(session, submission_id)
    if one.hidden_at is None:
        before = _state(one)
        one.hidden_at = judge.now
        _keep(session, entry, one, "submission.hidden", before, judge)
        text = f"The organisers have hidden your submission “{one.filename}”: it counts nowhere."
        _tell(session, entry, one, text, judge)
    return one


def disqualify(session: Session, submission_id: str, reason: str, judge: Judge) -> Submission:
    """Let a submission count nowhere, for a reason that its team reads. A new reason replaces."""
    reason = checked_reason(reason)
    entry, one = _locked(session, submission_id)
    if one.disqualified_at is None or one.disqualified_reason != reason:
        before = _state(one)
        one.disqualified_at = one.disqualified_at or judge.now
        one.disqualified_reason = reason
        _keep(session, entry, one, "submission.disqualified", before, judge)
        text = f"Your submission “{one.filename}” is disqualified. The reason: {reason}"
        _tell(session, entry, one, text, judge)
    return one


def restore(session: Session, submission_id: str, judge: Judge) -> Submission:
    """Undo hiding and disqualifying: the submission counts as if nothing had been."""
    entry, one = _locked(session, submission_id)
    if one.hidden_at is not None or one.disqualified_at is not None:
        before = _state(one)
        one.hidden_at = one.disqualified_at = one.disqualified_reason = None
        _keep(session, entry, one, "submission.restored", before, judge)
        _tell(session, entry, one, f"Your submission “{one.filename}” counts again.", judge)
    return one


def refund(session: Session, submission_id: str, judge: Judge) -> Submission:
    """Give its team the slot back that a submission uses up.

    Raises Conflict for one that uses none: it was carried over, refused, or taken back.
    """
    entry, one = _locked(session, submission_id)
    if one.refunded_at is not None:
        return one
    if one.carried_from_id is not None:
        raise Conflict("This submission was carried over and has cost the team nothing.")
    state = session.get_one(Evaluation, one.evaluation_id, populate_existing=True).state
    if state not in COUNTING:
        raise Conflict(f"This submission is {state}, so its slot has come back by itself.")
    before = _state(one)
    one.refunded_at = judge.now
    session.flush()
    _record(session, one, "submission.refunded", before, _state(one), judge)
    text = f"Your submission “{one.filename}” does not count against your limit any more."
    _tell(session, entry, one, text, judge)
    return one


def retry(session: Session, submission_id: str, judge: Judge) -> list[Evaluation]:
    """Queue what failed or was rejected again, as if it had just come; the team pays nothing.

    Gives the evaluations that are queued now. Raises Conflict where there is nothing to retry.
    """
    _, one = _locked(session, submission_id)
    live = _live(session, one)
    again = [run for run in live if run.state != State.SCORING and _may_queue(run)]
    if not again:
        if any(run.state == State.QUEUED for run in live):
            return []
        states = ", ".join(sorted({run.state for run in live}))
        raise Conflict(
            f"Only what has failed or was rejected can be scored again; this is {states}."
        )
    for run in again:
        before = _run_state(run)
        _requeue(run, judge.now)
        session.flush()
        _record(session, one, "evaluation.retried", before, _run_state(run), judge)
        if run.id == one.evaluation_id:
            one.refunded_at = one.refunded_at or judge.now
    session.flush()
    return again


def requeue(session: Session, submission_id: str, judge: Judge) -> list[Evaluation]:
    """Take an evaluation that hangs from its worker and queue it; what that says is ignored then.

    Gives the evaluations that are queued now. Raises Conflict unless one is being scored.
    """
    _, one = _locked(session, submission_id)
    live = _live(session, one)
    hanging = [run for run in live if run.state == State.SCORING]
    if not hanging:
        if any(run.state == State.QUEUED for run in live):
            return []
        raise Conflict("No worker has this submission, so there is nothing to take from one.")
    for run in hanging:
        before = _run_state(run)
        run.state, run.lease_until = State.QUEUED, None
        session.flush()
        _record(session, one, "evaluation.requeued", before, _run_state(run), judge)
    return hanging


def checked_reason(reason: str) -> str:
    """A reason as it is kept: one line that shows something."""
    reason = " ".join(reason.split())
    if not reason or not reason.isprintable():
        raise Unprocessable("Say why: the team reads the reason.", code="reason")
    if len(reason) > LONGEST_REASON:
        raise Unprocessable(f"The reason may have {LONGEST_REASON} characters.", code="reason")
    return reason


def _locked(session: Session, submission_id: str) -> tuple[Entry, Submission]:
    entry = lock_entry_of(session, submission_id)
    return entry, session.get_one(Submission, submission_id, populate_existing=True)


def _live(session: Session, one: Submission) -> list[Evaluation]:
    """The evaluation that counts, and those of re-scorings that have yet to take over; locked."""
    unended = select(Rescoring.id).where(Rescoring.ended_at.is_(None))
    return list(
        session.scalars(
            select(Evaluation)
            .where(Evaluation.submission_id == one.id)
            .where(or_(Evaluation.id == one.evaluation_id, Evaluation.rescoring_id.in_(unended)))
            .order_by(Evaluation.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _may_queue(run: Evaluation) -> bool:
    return may_become(State(run.state), State.QUEUED)


def _requeue(run: Evaluation, now: datetime) -> None:
    """As a fresh one; only the number of the attempt goes on, since it proves who holds it."""
    run.state, run.queued_at = State.QUEUED, now
    run.started_at = run.finished_at = run.lease_until = run.worker = None
    run.lost_leases = run.crashes = 0
    run.findings = run.diagnoses = run.reference = run.failure = run.scorer_version = None


def _keep(
    session: Session,
    entry: Entry,
    one: Submission,
    action: str,
    before: dict[str, Any],
    judge: Judge,
) -> None:
    """Recompute what counts, and record the act."""
    session.flush()
    restand(session, entry, session.get_one(Phase, entry.phase_id))
    _record(session, one, action, before, _state(one), judge)


def _record(
    session: Session,
    one: Submission,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any],
    judge: Judge,
) -> None:
    judge.record(session, one.challenge_id, action, one.id, before, after)


def _tell(session: Session, entry: Entry, one: Submission, text: str, judge: Judge) -> None:
    judge.tell(session, one.challenge_id, entry.team_id, text)


def _state(one: Submission) -> dict[str, Any]:
    return {
        "hidden": one.hidden_at is not None,
        "disqualified": one.disqualified_at is not None,
        "reason": one.disqualified_reason,
        "refunded": one.refunded_at is not None,
    }


def _run_state(run: Evaluation) -> dict[str, Any]:
    return {
        "evaluation": run.id,
        "state": run.state,
        "attempt": run.attempt,
        "lost_leases": run.lost_leases,
        "crashes": run.crashes,
        "reference": run.reference,
    }
