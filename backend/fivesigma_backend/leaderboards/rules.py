"""Ranking: a pure function from what each team's entry stands at to the rows of a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any

Split = str  # "public" or "private"


class BoardState(StrEnum):
    """What a reader is told about a board."""

    LIVE = "live"
    HIDDEN = "hidden"
    SETTLING = "settling"
    UNBLINDED = "unblinded"


@dataclass(frozen=True)
class Line:
    """What an entry stands at on one split, before ranking.

    `order` is the sort key of the score: larger is better (`BoardRule.goodness`).
    """

    team_id: str
    team: str
    members: tuple[str, ...]
    score: float | None
    order: float
    sigma: float | None
    entries: int
    submitted_at: datetime | None
    last_submitted_at: datetime | None
    submission_id: str | None
    staff: bool = False
    metadata: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None


@dataclass(frozen=True)
class Ranked:
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


def _place(line: Line) -> tuple[float, float, str, str]:
    moment = line.submitted_at.timestamp() if line.submitted_at else 0.0
    return -line.order, moment, line.team.casefold(), line.team_id


def board_state(*, hidden: bool, closed: bool, unblinded: bool, split: Split) -> BoardState:
    """The state of a board. A closed phase that is not unblinded yet is settling."""
    if unblinded:
        return BoardState.UNBLINDED
    if split == "public" and hidden:
        return BoardState.HIDDEN
    return BoardState.SETTLING if closed else BoardState.LIVE
