"""Submissions as organisers see them: all of a challenge, with filters, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import Select, or_
from sqlalchemy.orm import Session

from ..challenges.models import Phase
from ..core.clock import rfc3339
from ..core.errors import BadRequest
from ..teams.models import Team
from ..teams.rules import team_name_key
from .flags import FLAGS, flagged
from .models import Entry, Evaluation, Submission
from .rules import State
from .schemas import SubmissionOut
from .views import SubmissionRow, submission_out, submission_row, submission_rows

SubmissionSelect = Select[Submission, Evaluation, Phase, Team, str, str, Entry]


class JudgedOut(SubmissionOut):
    """A submission as its organisers see it, with private scores and what was decided about it."""

    team_id: str
    hidden_at: str | None
    refunded_at: str | None
    attempts: int
    lost_leases: int
    crashes: int
    failure: str | None
    implausible: bool


class JudgedList(BaseModel):
    """One page of the submissions of a challenge, the newest first."""

    items: list[JudgedOut]
    next: str | None


@dataclass(frozen=True)
class Wanted:
    """Which submissions; None and empty are all. `team` is a part of a name, or an id."""

    phase: str | None = None
    team: str | None = None
    state: str | None = None
    flag: str | None = None


def judged_row(session: Session, submission_id: str, public_url: str) -> JudgedOut:
    """One submission that is known to exist."""
    return judged_out(submission_row(session, submission_id), public_url)


def wanted_rows(challenge_id: str, wanted: Wanted) -> SubmissionSelect:
    """The submissions of a challenge that pass the filters, the newest first.

    Raises BadRequest for a state or a flag that does not exist.
    """
    rows = submission_rows().where(Submission.challenge_id == challenge_id)
    if wanted.phase:
        rows = rows.where(Phase.slug == wanted.phase)
    if wanted.team:
        key = team_name_key(wanted.team)
        rows = rows.where(or_(Team.name_key.contains(key, autoescape=True), Team.id == wanted.team))
    if wanted.state:
        rows = rows.where(Evaluation.state == _one_of("state", wanted.state, tuple(State)))
    if wanted.flag:
        rows = rows.where(flagged(challenge_id, _one_of("flag", wanted.flag, FLAGS)))
    return rows.order_by(Submission.id.desc())


def judged_page(
    session: Session, challenge_id: str, wanted: Wanted, *, limit: int, before: str | None
) -> tuple[Sequence[SubmissionRow], str | None]:
    """A page of submissions, and where the next begins."""
    rows = wanted_rows(challenge_id, wanted)
    if before is not None:
        rows = rows.where(Submission.id < before)
    found = session.execute(rows.limit(limit + 1)).all()
    return found[:limit], found[limit - 1][0].id if len(found) > limit else None


def judged_out(row: SubmissionRow, public_url: str) -> JudgedOut:
    """A submission as the organisers' REST calls show it."""
    submission: Submission = row[0]
    evaluation: Evaluation = row[1]
    team: Team = row[3]
    return JudgedOut(
        **submission_out(row, organiser=True, public_url=public_url).model_dump(),
        team_id=team.id,
        hidden_at=rfc3339(submission.hidden_at) if submission.hidden_at else None,
        refunded_at=rfc3339(submission.refunded_at) if submission.refunded_at else None,
        attempts=evaluation.attempt,
        lost_leases=evaluation.lost_leases,
        crashes=evaluation.crashes,
        failure=evaluation.failure,
        implausible=evaluation.implausible,
    )


def _one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise BadRequest(f"There is no {name} “{value}”. There are: {', '.join(allowed)}.")
    return value
