"""What organisers should look at: the same file from two teams, and scores too good to be true.

Participants see none of this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from ..challenges.models import Phase, PublishedFile
from ..teams.models import Team
from .models import Entry, Evaluation, Submission

IMPLAUSIBLE = "implausible"
SAME_FILE = "same-file"
FLAGS = (SAME_FILE, IMPLAUSIBLE)
MOST_SHOWN = 50


@dataclass(frozen=True)
class SameFile:
    """One file that more than one team has handed in, by its first submission of each team."""

    sha256: str
    submissions: Sequence[tuple[Submission, Team]]


def same_files(session: Session, challenge_id: str, limit: int = MOST_SHOWN) -> list[SameFile]:
    """Files that several competing teams have handed in, the latest first.

    Carried copies, staff, and files that the challenge itself publishes are left out. A team that
    was merged into another is that other one.
    """
    shared = _shared(challenge_id).order_by(func.max(Submission.submitted_at).desc()).limit(limit)
    hashes = session.scalars(shared).all()
    rows = session.execute(
        select(Submission, Team)
        .join(Entry, Entry.id == Submission.entry_id)
        .join(Team, Team.id == Entry.team_id)
        .where(Submission.challenge_id == challenge_id, Submission.sha256.in_(hashes))
        .where(Submission.carried_from_id.is_(None), Team.staff.is_(False))
        .order_by(Submission.submitted_at, Submission.id)
    ).all()
    by_file: dict[str, dict[str, tuple[Submission, Team]]] = defaultdict(dict)
    for submission, team in rows:
        by_file[submission.sha256].setdefault(team.id, (submission, team))
    return [SameFile(sha256, list(by_file[sha256].values())) for sha256 in hashes]


def implausible(
    session: Session, challenge_id: str, limit: int = MOST_SHOWN
) -> list[tuple[Submission, Team, Phase]]:
    """Submissions whose score is better than the test set's `plausible` bound, newest first."""
    rows = session.execute(
        select(Submission, Team, Phase)
        .join(Evaluation, Evaluation.id == Submission.evaluation_id)
        .join(Entry, Entry.id == Submission.entry_id)
        .join(Team, Team.id == Entry.team_id)
        .join(Phase, Phase.id == Entry.phase_id)
        .where(Submission.challenge_id == challenge_id, Evaluation.implausible)
        .order_by(Submission.id.desc())
        .limit(limit)
    )
    return [(submission, team, phase) for submission, team, phase in rows]


def flagged(challenge_id: str, flag: str) -> ColumnElement[bool]:
    """The condition that a submission (joined with its evaluation and team) has a flag."""
    if flag == IMPLAUSIBLE:
        return Evaluation.implausible.is_(True)
    shared = Submission.sha256.in_(_shared(challenge_id))
    return shared & Submission.carried_from_id.is_(None) & Team.staff.is_(False)


def _shared(challenge_id: str) -> Select[str]:
    published = select(PublishedFile.sha256).where(PublishedFile.challenge_id == challenge_id)
    people = func.coalesce(Team.merged_into_id, Team.id)
    return (
        select(Submission.sha256)
        .join(Entry, Entry.id == Submission.entry_id)
        .join(Team, Team.id == Entry.team_id)
        .where(Submission.challenge_id == challenge_id, Submission.carried_from_id.is_(None))
        .where(Team.staff.is_(False), Submission.sha256.not_in(published))
        .group_by(Submission.sha256)
        .having(func.count(people.distinct()) > 1)
    )
