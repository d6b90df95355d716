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
    FROZEN = "frozen"
    SETTLING = "settling"
    UNBLINDED = "unblinded"


class Line(NamedTuple):
    """What an entry stands at on one split, before ranking.

    `place` is the sort key of the score and of the tie-breaks: larger is better. `mark` says why it
    takes no rank. A tuple, since a long board makes thousands of them.
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
    carried: bool
    mark: str | None
    place: list[float]
    members: str | None
    note: str | None = None

    @property
    def ranked(self) -> bool:
        """Whether it competes."""
        return not self.staff and self.mark is None


class Ranked(NamedTuple):
    """A line with its rank; None for what is shown but not ranked (staff, late, disqualified)."""

    rank: int | None
    line: Line


def rank(lines: Sequence[Line]) -> list[Ranked]:
    """Rank 1, 1, 3: equal places share a rank, and stand by earlier submission, then team name.

    Lines without a finite score are left out; staff and marked lines take no rank.
    """
    scored = [line for line in lines if line.score is not None and isfinite(line.score)]
    ordered = sorted(scored, key=_place)
    board: list[Ranked] = []
    counted = 0
    shared: tuple[list[float], int] | None = None
    for line in ordered:
        if not line.ranked:
            board.append(Ranked(None, line))
            continue
        counted += 1
        if shared is None or shared[0] != line.place:
            shared = (line.place, counted)
        board.append(Ranked(shared[1], line))
    return board


def _place(line: Line) -> tuple[list[float], datetime, str, str]:
    place = [-value for value in line.place]
    return place, line.submitted_at or LONG_AGO, line.team.casefold(), line.team_id


def board_state(
    *, hidden: bool, frozen: bool, closed: bool, unblinded: bool, split: Split
) -> BoardState:
    """The state of a board. A closed phase that is not unblinded yet is settling."""
    if unblinded:
        return BoardState.UNBLINDED
    if split == "public" and hidden:
        return BoardState.HIDDEN
    if split == "public" and frozen:
        return BoardState.FROZEN
    return BoardState.SETTLING if closed else BoardState.LIVE


def moves(board: Sequence[Ranked], before: Sequence[Ranked]) -> dict[str, int]:
    """By how many places each team has risen (or, negative, fallen) since `before`."""
    earlier = {one.line.team_id: one.rank for one in before if one.rank is not None}
    return {
        one.line.team_id: earlier[one.line.team_id] - one.rank
        for one in board
        if one.rank is not None and one.line.team_id in earlier
    }
