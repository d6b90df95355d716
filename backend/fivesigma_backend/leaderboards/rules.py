"""Ranking: a pure function from what each team's entry stands at to the rows of a board."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from typing import Any, NamedTuple

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
Split = str  # "public" or "private"


class BoardState(StrEnum):
    """What a reader is told about a board."""

    LIVE = "live"
    HIDDEN = "hidden"
    SETTLING = "settling"
    UNBLINDED = "unblinded"


class Line(NamedTuple):
    """What an entry stands at on one split, before ranking.

    `order` is the sort key of the score: larger is better (`BoardRule.goodness`). A tuple, since
    a long board makes thousands of them.
    """

    team_id: str
    team: str
    score: float | None
    sigma: float | None
    entries: int
    submitted_at: datetime | None
    last_submitted_at: datetime | None
    submission_id: str | None
    staff: bool
    metadata: dict[str, Any] | None
    metrics: dict[str, Any] | None
    members: list[str]
    order: float


class Ranked(NamedTuple):
    """A line with its rank; None for what is shown but not ranked (staff)."""

    rank: int | None
    line: Line


def rank(lines: Sequence[Line]) -> list[Ranked]:
    """Rank 1, 1, 3: equal scores share a rank, and stand by earlier submission, then team name.

    Lines without a finite score are left out; staff stand in place but take no rank.
    """
    scored = [line for line in lines if line.score is not None and isfinite(line.score)]
    ordered = sorted(scored, key=_place)
    board: list[Ranked] = []
    counted = 0
    shared: tuple[float, int] | None = None
    for line in ordered:
        if line.staff:
            board.append(Ranked(None, line))
            continue
        counted += 1
        if shared is None or shared[0] != line.order:
            shared = (line.order, counted)
        board.append(Ranked(shared[1], line))
    return board


def _place(line: Line) -> tuple[float, datetime, str, str]:
    return -line.order, line.submitted_at or LONG_AGO, line.team.casefold(), line.team_id


def board_state(*, hidden: bool, closed: bool, unblinded: bool, split: Split) -> BoardState:
    """The state of a board. A closed phase that is not unblinded yet is settling."""
    if unblinded:
        return BoardState.UNBLINDED
    if split == "public" and hidden:
        return BoardState.HIDDEN
    return BoardState.SETTLING if closed else BoardState.LIVE
