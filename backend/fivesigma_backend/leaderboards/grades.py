"""The grade sheet: one row per participant, and what the team reached in each phase."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.access import Access
from ..challenges.models import Participation, Phase
from ..core.sheets import Kind, Sheet
from ..submissions.models import Entry, Evaluation, Submission
from ..submissions.rules import COUNTING
from ..teams.models import FormerMember, RosterRow, Team, TeamMember
from .schemas import RowOut
from .service import read_board, view_board

PERSON: Mapping[str, Kind] = {
    "username": "text",
    "name": "text",
    "team": "text",
    "staff": "truth",
    "banned": "truth",
}
RESULT: Mapping[str, Kind] = {
    "submissions": "integer",
    "best_public": "number",
    "private_score": "number",
    "private_rank": "integer",
    "move": "integer",
    "disqualified": "truth",
}


@dataclass(frozen=True)
class _Person:
    """A participant with the teams whose results are theirs: the present one comes first."""

    username: str
    name: str | None
    team: Team | None
    banned: bool
    merged: Sequence[str]


@dataclass
class _Results:
    """What each team reached in a phase, by its id."""

    phase: Phase
    public: dict[str, RowOut] = field(default_factory=dict)
    private: dict[str, RowOut] = field(default_factory=dict)
    submissions: dict[str, int] = field(default_factory=dict)
    disqualified: set[str] = field(default_factory=set)


def grade_sheet(session: Session, access: Access, phases: Sequence[Phase], now: datetime) -> Sheet:
    """Name, team, and per phase what an organiser grades by, private scores in full precision.

    The move is from the public to the private rank. Somebody whose team was merged into another
    has, in phases that had closed before, what the old team reached.
    """
    results = [_results(session, access, phase, now) for phase in phases]
    columns = dict(PERSON)
    for phase in phases:
        columns |= {f"{phase.slug}_{name}": kind for name, kind in RESULT.items()}
    people = _people(session, access.challenge.id)
    return Sheet(columns, [_record(person, results) for person in people])


def _record(person: _Person, results: Sequence[_Results]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "username": person.username,
        "name": person.name,
        "team": person.team.name if person.team else None,
        "staff": person.team.staff if person.team else False,
        "banned": person.banned,
    }
    for one in results:
        team_id = _team_in(person, one)
        if team_id is not None:
            record |= {
                f"{one.phase.slug}_{name}": value for name, value in _reached(one, team_id).items()
            }
    return record


def _team_in(person: _Person, results: _Results) -> str | None:
    """The team that stands for the person in a phase: a merged one where it kept its rows."""
    for team_id in person.merged:
        if team_id in results.submissions:
            return team_id
    return person.team.id if person.team else None


def _reached(results: _Results, team_id: str) -> dict[str, Any]:
    public, private = results.public.get(team_id), results.private.get(team_id)
    ranks = [row["rank"] if row else None for row in (public, private)]
    move = ranks[0] - ranks[1] if ranks[0] is not None and ranks[1] is not None else None
    return {
        "submissions": results.submissions.get(team_id, 0),
        "best_public": public["score"] if public else None,
        "private_score": private["score"] if private else None,
        "private_rank": ranks[1],
        "move": move,
        "disqualified": team_id in results.disqualified,
    }


def _results(session: Session, access: Access, phase: Phase, now: datetime) -> _Results:
    found = _Results(phase)
    for split, rows in (("public", found.public), ("private", found.private)):
        board = read_board(session, view_board(access, phase, split, now))
        rows.update({row["team_id"]: row for row in board.rows if not row["late"]})
    counts = session.execute(
        select(Entry.team_id, func.count())
        .join(Submission, Submission.entry_id == Entry.id)
        .join(Evaluation, Evaluation.id == Submission.evaluation_id)
        .where(Entry.phase_id == phase.id, Evaluation.state.in_(COUNTING))
        .group_by(Entry.team_id)
    )
    found.submissions.update(counts.all())
    found.disqualified.update(
        session.scalars(
            select(Entry.team_id).where(
                Entry.phase_id == phase.id, Entry.disqualified_at.is_not(None)
            )
        )
    )
    return found


def _people(session: Session, challenge_id: str) -> list[_Person]:
    """The participants by user name."""
    names = dict(
        session.execute(
            select(RosterRow.user_id, RosterRow.name).where(
                RosterRow.challenge_id == challenge_id, RosterRow.user_id.is_not(None)
            )
        ).all()
    )
    merged = _merged(session, challenge_id)
    rows = session.execute(
        select(User, Team, Participation.banned_at)
        .join(Participation, Participation.user_id == User.id)
        .outerjoin(
            TeamMember,
            (TeamMember.user_id == User.id)
            & (TeamMember.challenge_id == Participation.challenge_id),
        )
        .outerjoin(Team, Team.id == TeamMember.team_id)
        .where(Participation.challenge_id == challenge_id)
        .order_by(User.username_key)
    )
    return [
        _Person(user.username, names.get(user.id), team, banned_at is not None, merged[user.id])
        for user, team, banned_at in rows
    ]


def _merged(session: Session, challenge_id: str) -> dict[str, list[str]]:
    """By person, the teams that were merged away while they were a member."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = session.execute(
        select(FormerMember.user_id, FormerMember.team_id)
        .join(Team, Team.id == FormerMember.team_id)
        .where(Team.challenge_id == challenge_id, FormerMember.merged)
        .order_by(FormerMember.left_at)
    )
    for user_id, team_id in rows:
        found[user_id].append(team_id)
    return found
