"""The queue as organisers and administrators see it: who waits, who is scored, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, UnaryExpression, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..challenges.models import Challenge, Phase
from ..teams.models import Team
from .models import Entry, Evaluation, Rescoring, Submission
from .rules import REFUSED, State

MOST_SHOWN = 100
LONGEST_FAILURE = 300


@dataclass(frozen=True)
class QueueRow:
    """One evaluation. `since` is when it came into its state; `rescoring`: it does not count yet.

    `worker` is the worker's process on its `host`, of the last attempt.
    """

    submission_id: str
    challenge: str
    phase: str
    team: str
    state: str
    since: datetime
    age: float
    attempt: int
    lost_leases: int
    crashes: int
    host: str | None
    worker: str | None
    lease_until: datetime | None
    rescoring: bool
    reference: str | None
    failure: str | None


@dataclass(frozen=True)
class Queue:
    """What waits and runs, oldest first, what did not end well, latest first; totals of all."""

    totals: Mapping[str, int]
    scoring: Sequence[QueueRow]
    queued: Sequence[QueueRow]
    refused: Sequence[QueueRow]


def read_queue(session: Session, challenge_id: str | None, now: datetime) -> Queue:
    """The queue of a challenge; with None, of all that are not in the trash."""
    where = _within(challenge_id)

    def rows(
        states: Sequence[State],
        since: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
        order: UnaryExpression[datetime] | UnaryExpression[datetime | None],
    ) -> list[QueueRow]:
        found = session.execute(
            select(Evaluation, since, Phase.slug, Team.name, Challenge.slug)
            .join(Phase, Phase.id == Evaluation.phase_id)
            .join(Challenge, Challenge.id == Evaluation.challenge_id)
            .join(Submission, Submission.id == Evaluation.submission_id)
            .join(Entry, Entry.id == Submission.entry_id)
            .join(Team, Team.id == Entry.team_id)
            .where(where, Evaluation.state.in_(states), _live())
            .order_by(order, Evaluation.id)
            .limit(MOST_SHOWN)
        )
        return [_row(one, at, now, names) for one, at, *names in found]

    started, queued, finished = Evaluation.started_at, Evaluation.queued_at, Evaluation.finished_at
    return Queue(
        totals=_totals(session, where),
        scoring=rows([State.SCORING], started, started.asc()),
        queued=rows([State.QUEUED], queued, queued.asc()),
        refused=rows(REFUSED, finished, finished.desc()),
    )


def _within(challenge_id: str | None) -> ColumnElement[bool]:
    # By phases, since these stand in an index together with the state.
    if challenge_id is None:
        kept = select(Challenge.id).where(Challenge.trashed_at.is_(None))
        return Evaluation.challenge_id.in_(kept)
    return Evaluation.phase_id.in_(select(Phase.id).where(Phase.challenge_id == challenge_id))


def _live() -> ColumnElement[bool]:
    """What counts or may come to: what a re-scoring has left behind is history."""
    unended = select(Rescoring.id).where(Rescoring.ended_at.is_(None))
    return or_(Evaluation.id == Submission.evaluation_id, Evaluation.rescoring_id.in_(unended))


def _totals(session: Session, where: ColumnElement[bool]) -> dict[str, int]:
    counts = dict(
        session.execute(
            select(Evaluation.state, func.count()).where(where).group_by(Evaluation.state)
        ).all()
    )
    return {state.value: counts.get(state, 0) for state in State}


def _row(one: Evaluation, since: datetime | None, now: datetime, names: Sequence[str]) -> QueueRow:
    phase, team, challenge = names
    host, _, process = (one.worker or "").partition(":")
    moment = since or one.queued_at
    return QueueRow(
        submission_id=one.submission_id,
        challenge=challenge,
        phase=phase,
        team=team,
        state=one.state,
        since=moment,
        age=max(0.0, (now - moment).total_seconds()),
        attempt=one.attempt,
        lost_leases=one.lost_leases,
        crashes=one.crashes,
        host=host or None,
        worker=process or None,
        lease_until=one.lease_until,
        rescoring=one.rescoring_id is not None,
        reference=one.reference,
        failure=(one.failure or "")[:LONGEST_FAILURE] or None,
    )
