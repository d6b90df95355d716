"""Whose turn it is: claiming an evaluation. The row is the queue.

Whoever holds an evaluation proves it by its attempt number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session, aliased

from ..challenges.models import Challenge, Phase, Solution
from ..teams.models import Team
from .models import Evaluation, Submission
from .rules import State


@dataclass(frozen=True)
class Claim:
    """One evaluation that this worker holds until its lease ends.

    `counts` is False for one of a generation that has not taken over: its team hears nothing of it.
    """

    evaluation_id: str
    attempt: int
    submission_id: str
    challenge_id: str
    phase_id: str
    phase: str
    team_id: str
    file_sha256: str
    filename: str
    compiled_sha256: str
    counts: bool = True


def claim(session: Session, *, worker: str, now: datetime, lease: timedelta) -> Claim | None:
    """Take the evaluation whose turn it is, in one statement; None when nothing waits."""
    taken = session.execute(
        update(Evaluation)
        .where(Evaluation.id == _whose_turn().scalar_subquery())
        .values(
            state=State.SCORING,
            attempt=Evaluation.attempt + 1,
            lease_until=now + lease,
            worker=worker,
            started_at=now,
        )
        .returning(Evaluation)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if taken is None:
        return None
    session.execute(update(Team).where(Team.id == taken.team_id).values(served_at=now))
    return _describe(session, taken)


def _whose_turn() -> Select[str]:
    """Live work first; then the challenge with least running, of those the least recently served.

    Within it the team likewise, then the oldest. With one slot nothing else runs when a claim is
    made: without asking when a challenge was served, one of 300 teams would delay one of three by
    300 files. Rows are locked and locked ones skipped, so that claims don't wait for each other.
    """
    waiting = aliased(Evaluation, name="waiting")
    by_challenge = _running(Evaluation.challenge_id).subquery("by_challenge")
    by_team = _running(Evaluation.team_id).subquery("by_team")
    served = _served_challenges().subquery("served")
    return (
        select(waiting.id)
        .join(Team, Team.id == waiting.team_id)
        .join(Challenge, Challenge.id == waiting.challenge_id)
        .outerjoin(served, served.c.challenge_id == waiting.challenge_id)
        .outerjoin(by_challenge, by_challenge.c.key == waiting.challenge_id)
        .outerjoin(by_team, by_team.c.key == waiting.team_id)
        .where(waiting.state == State.QUEUED, Challenge.trashed_at.is_(None))
        .order_by(
            waiting.priority,
            func.coalesce(by_challenge.c.running, 0),
            served.c.at.asc().nulls_first(),
            func.coalesce(by_team.c.running, 0),
            Team.served_at.asc().nulls_first(),
            waiting.queued_at,
            waiting.id,
        )
        .limit(1)
        .with_for_update(of=waiting, skip_locked=True)
    )


def _served_challenges() -> Select[str, datetime | None]:
    """When each challenge in which something waits was served last."""
    waiting = select(Evaluation.challenge_id).where(Evaluation.state == State.QUEUED)
    return (
        select(Team.challenge_id, func.max(Team.served_at).label("at"))
        .where(Team.challenge_id.in_(waiting))
        .group_by(Team.challenge_id)
    )


def _running(key: Any) -> Select[str, int]:
    return (
        select(key.label("key"), func.count().label("running"))
        .where(Evaluation.state == State.SCORING)
        .group_by(key)
    )


def _describe(session: Session, taken: Evaluation) -> Claim:
    submission, phase, solution = session.execute(
        select(Submission, Phase.slug, Solution.compiled_sha256)
        .select_from(Evaluation)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Phase, Phase.id == Evaluation.phase_id)
        .join(Solution, Solution.id == Evaluation.solution_id)
        .where(Evaluation.id == taken.id)
    ).one()
    return Claim(
        evaluation_id=taken.id,
        attempt=taken.attempt,
        submission_id=submission.id,
        challenge_id=taken.challenge_id,
        phase_id=taken.phase_id,
        phase=phase,
        team_id=taken.team_id,
        file_sha256=submission.sha256,
        filename=submission.filename,
        compiled_sha256=solution,
        counts=submission.evaluation_id == taken.id,
    )
