"""How the site is doing in numbers, for the administrator's page and for monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnExpressionArgument, func, select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.models import Challenge
from ..core.leases import Lease
from ..submissions.models import Evaluation, UploadTicket
from ..submissions.rules import State


@dataclass(frozen=True)
class SiteCounts:
    """Numbers of one moment. `queue_age` is the wait of the oldest queued evaluation, seconds."""

    evaluations: Mapping[State, int]
    queue_age: float
    leases_overdue: int
    workers_busy: int
    housekeepers: int
    uploads: int
    users: int
    challenges: int


def count_site(session: Session, now: datetime) -> SiteCounts:
    """Count everything, each in one statement."""
    oldest = session.scalar(
        select(func.min(Evaluation.queued_at))
        .join(Challenge, Challenge.id == Evaluation.challenge_id)
        .where(Evaluation.state == State.QUEUED, Challenge.trashed_at.is_(None))
    )
    scoring = Evaluation.state == State.SCORING
    live, overdue = Evaluation.lease_until > now, Evaluation.lease_until <= now
    return SiteCounts(
        evaluations=_by_state(session),
        queue_age=max(0.0, (now - oldest).total_seconds()) if oldest else 0.0,
        leases_overdue=_count(session, Evaluation.id, scoring, overdue),
        workers_busy=_count(session, Evaluation.worker.distinct(), scoring, live),
        # Without a holder a lease is only the clock of a chore.
        housekeepers=_count(session, Lease.name, Lease.until > now, Lease.holder != ""),
        uploads=_count(session, UploadTicket.id, UploadTicket.expires_at > now),
        users=_count(session, User.id, User.deleted_at.is_(None)),
        challenges=_count(session, Challenge.id, Challenge.published),
    )


def _count(
    session: Session, what: ColumnExpressionArgument[Any], *where: ColumnExpressionArgument[bool]
) -> int:
    return session.scalars(select(func.count(what)).where(*where)).one()


def _by_state(session: Session) -> dict[State, int]:
    rows = session.execute(select(Evaluation.state, func.count()).group_by(Evaluation.state))
    counts = {row[0]: row[1] for row in rows}
    return {state: counts.get(state.value, 0) for state in State}
