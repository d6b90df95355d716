"""Certificates of rank: what a team reached in an unblinded phase, for its members to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fivesigma_scoring import METRICS, Metric
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.access import Access
from ..challenges.models import Phase
from ..core.clock import rfc3339
from ..core.errors import Blinded
from ..core.sheets import Kind, Sheet
from ..teams.models import FormerMember, RosterRow, Team
from .schemas import BoardOut, RowOut
from .service import read_board, view_board

COLUMNS: Mapping[str, Kind] = {
    "challenge": "text",
    "phase": "text",
    "rank": "integer",
    "of": "integer",
    "shared": "truth",
    "team": "text",
    "team_id": "text",
    "members": "text",
    "usernames": "text",
    "metric": "text",
    "score": "number",
    "sigma": "number",
    "unblinded_at": "text",
}


@dataclass(frozen=True)
class Certificate:
    """A ranked team in an unblinded phase: `rank` of `of` teams, `shared` if others have it, too.

    `members` are named as on the class list where they stand on one; `at_least`: the score is a
    lower bound. `day` is the day of the unblinding in the challenge's zone.
    """

    challenge: str
    phase: str
    team: str
    team_id: str
    usernames: Sequence[str]
    members: Sequence[str]
    rank: int
    of: int
    shared: bool
    metric: Metric
    score: float
    sigma: float | None
    at_least: bool
    unblinded_at: datetime
    day: str


def certificates(
    session: Session, access: Access, phase: Phase, now: datetime
) -> list[Certificate]:
    """One for each ranked team, best first. Raises Blinded before the unblinding.

    Somebody whose team was merged into another after the close stands where the old team does.
    """
    if phase.unblinded_at is None:
        raise Blinded("There are certificates once this phase is unblinded.")
    board = read_board(session, view_board(access, phase, "private", now))
    elsewhere = _merged_since(session, access.challenge.id, board)
    names = _class_list(session, access.challenge.id)
    ranks = [row["rank"] for row in board.rows]
    found = []
    for row in board.rows:
        if row["rank"] is not None:
            usernames = [
                one
                for one in row["members"]
                if elsewhere.get(one, row["team_id"]) == row["team_id"]
            ]
            members = [names.get(one, one) for one in usernames]
            shared = ranks.count(row["rank"]) > 1
            found.append(_certificate(access, phase, board, row, usernames, members, shared))
    return found


def own_certificate(found: Sequence[Certificate], username: str | None) -> Certificate | None:
    """The one of somebody's team; None for who took no rank."""
    return next((one for one in found if username in one.usernames), None)


def certificate_sheet(found: Sequence[Certificate]) -> Sheet:
    """The same as a table."""
    return Sheet(COLUMNS, [_record(one) for one in found])


def _certificate(
    access: Access,
    phase: Phase,
    board: BoardOut,
    row: RowOut,
    usernames: Sequence[str],
    members: Sequence[str],
    shared: bool,
) -> Certificate:
    zone = ZoneInfo(access.challenge.definition.get("timezone", "UTC"))
    rank, unblinded_at = row["rank"], phase.unblinded_at
    assert rank is not None
    assert unblinded_at is not None
    return Certificate(
        challenge=access.challenge.title,
        phase=phase.title,
        team=row["team"],
        team_id=row["team_id"],
        usernames=usernames,
        members=members,
        rank=rank,
        of=board.teams,
        shared=shared,
        metric=METRICS[board.metric],
        score=row["score"],
        sigma=row["sigma"],
        at_least=bool(row["metrics"].get(board.metric, {}).get("lower_bound")),
        unblinded_at=unblinded_at,
        day=f"{unblinded_at.astimezone(zone):%-d %B %Y}",
    )


def _record(one: Certificate) -> dict[str, Any]:
    return {
        "challenge": one.challenge,
        "phase": one.phase,
        "rank": one.rank,
        "of": one.of,
        "shared": one.shared,
        "team": one.team,
        "team_id": one.team_id,
        "members": ", ".join(one.members),
        "usernames": ", ".join(one.usernames),
        "metric": one.metric.name,
        "score": one.score,
        "sigma": one.sigma,
        "unblinded_at": rfc3339(one.unblinded_at),
    }


def _merged_since(session: Session, challenge_id: str, board: BoardOut) -> dict[str, str]:
    """By user name, the team with which somebody stands on the board and which is no more."""
    standing = {row["team_id"] for row in board.rows}
    found: dict[str, str] = {}
    rows = session.execute(
        select(User.username, FormerMember.team_id)
        .join(User, User.id == FormerMember.user_id)
        .join(Team, Team.id == FormerMember.team_id)
        .where(Team.challenge_id == challenge_id, FormerMember.merged)
        .order_by(FormerMember.left_at)
    )
    for username, team_id in rows:
        if team_id in standing:
            found.setdefault(username, team_id)
    return found


def _class_list(session: Session, challenge_id: str) -> dict[str, str]:
    """Names on the class list by user name."""
    rows = session.execute(
        select(User.username, RosterRow.name)
        .join(User, User.id == RosterRow.user_id)
        .where(RosterRow.challenge_id == challenge_id)
    )
    return dict(rows.all())
