"""The rules of what counts: which submission stands for a team on which board. Pure functions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any

from fivesigma_scoring import Metric

Place = tuple[float, ...]
# Sorts behind every value, and unlike an infinity it can be written as JSON.
NOWHERE = -sys.float_info.max


class Board(StrEnum):
    """What is ranked: public scores, private ones, or the public ones of before the freeze."""

    PUBLIC = "public"
    PRIVATE = "private"
    FROZEN = "frozen"


class Mark(StrEnum):
    """Why a line is shown without a rank."""

    GATE = "gate"
    LATE = "late"
    DISQUALIFIED = "disqualified"


@dataclass(frozen=True)
class SplitScore:
    """A submission's score on one split.

    `place` sorts: the goodness of the ranking metric, then of each tie-break; larger is better.
    `passes` says whether every gate of the phase is passed on this split; `metrics` are all scores.
    """

    score: float
    sigma: float | None
    place: Place
    passes: bool = True
    metrics: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Scored:
    """One scored submission of an entry; a split is None where it has no score.

    Hidden and superseded submissions are none of these: nobody counts them. `declared`, `note` and
    `carried` decide nothing, they are shown.
    """

    submission_id: str
    submitted_at: datetime
    public: SplitScore | None
    private: SplitScore | None
    selected: bool = False
    late: bool = False
    disqualified: bool = False
    declared: Mapping[str, Any] | None = field(default=None, hash=False)
    note: str | None = None
    carried: bool = False

    @property
    def competes(self) -> bool:
        """Whether it can count."""
        return not (self.late or self.disqualified)


@dataclass(frozen=True)
class BoardRule:
    """How a phase picks what counts. `finals` 0 means best of all on the private board.

    `frozen_at` is when the public board is frozen, None for a board that is not.
    """

    latest: bool = False
    finals: int = 2
    frozen_at: datetime | None = None


@dataclass(frozen=True)
class Line:
    """A submission that stands on a board. `entries` and `last` are of what led there."""

    board: Board
    submission: Scored
    split: SplitScore
    mark: Mark | None
    entries: int
    last_submitted_at: datetime

    @property
    def late(self) -> bool:
        """Whether it stands beside the line that counts."""
        return self.mark is Mark.LATE


def place_of(metrics: Sequence[Metric], values: Sequence[float | None]) -> Place:
    """The sort key of a score and its tie-breaks; what is missing or not finite comes last."""
    return tuple(
        metric.rank_key(value) if value is not None and isfinite(value) else NOWHERE
        for metric, value in zip(metrics, values, strict=True)
    )


def lines(scored: Sequence[Scored], rule: BoardRule, *, disqualified: bool = False) -> list[Line]:
    """Every line of an entry, on each board (order of the input is irrelevant).

    A `disqualified` entry keeps its lines, marked.
    """
    before_freeze = [
        one for one in scored if rule.frozen_at is not None and one.submitted_at < rule.frozen_at
    ]
    found = [
        _counting(Board.PUBLIC, scored, _public(scored, rule)),
        _counting(Board.PRIVATE, scored, _best(finalists(scored, rule), _private_of)),
        _counting(Board.FROZEN, before_freeze, _public(before_freeze, rule)),
        _beside(Board.PUBLIC, scored, _public_of),
        _beside(Board.PRIVATE, scored, _private_of),
    ]
    kept = [line for line in found if line is not None]
    return [_disqualify(line) for line in kept] if disqualified else kept


def finalists(scored: Sequence[Scored], rule: BoardRule) -> list[Scored]:
    """The submissions among which the private board takes the best.

    The team's selected ones; free places are filled by best public score. One that is disqualified
    or has no private score frees its place.
    """
    every = able(scored)
    if rule.finals == 0:
        return every
    chosen = sorted((one for one in every if one.selected), key=_earliest)[: rule.finals]
    rest = [one for one in every if not one.selected and _public_of(one) is not None]
    rest.sort(key=lambda one: _order(one, _public_of))
    return chosen + rest[: rule.finals - len(chosen)]


def best_private(scored: Sequence[Scored]) -> Scored | None:
    """The one with the best private score of these, what passes the gates before what does not."""
    return _best(scored, _private_of)


def able(scored: Sequence[Scored]) -> list[Scored]:
    """What could count on the private board: in time, not disqualified, with a private score."""
    return [one for one in scored if one.competes and _private_of(one) is not None]


SplitOf = Callable[[Scored], SplitScore | None]


def _public_of(one: Scored) -> SplitScore | None:
    return one.public if one.public is not None and isfinite(one.public.score) else None


def _private_of(one: Scored) -> SplitScore | None:
    return one.private if one.private is not None and isfinite(one.private.score) else None


def _public(scored: Sequence[Scored], rule: BoardRule) -> Scored | None:
    if not rule.latest:
        return _best([one for one in scored if one.competes], _public_of)
    public = [one for one in scored if one.competes and _public_of(one) is not None]
    return max(public, key=_earliest, default=None)


def _best(scored: Sequence[Scored], split: SplitOf) -> Scored | None:
    able = [one for one in scored if split(one) is not None]
    return min(able, key=lambda one: _order(one, split), default=None)


def _order(one: Scored, split: SplitOf) -> tuple[bool, Place, datetime, str]:
    """Sorts the best first: what passes the gates before what does not, then by place and time."""
    found = split(one)
    assert found is not None, "only what has a score is ordered"
    return not found.passes, tuple(-value for value in found.place), *_earliest(one)


def _earliest(one: Scored) -> tuple[datetime, str]:
    return one.submitted_at, one.submission_id


def _counting(board: Board, scored: Sequence[Scored], best: Scored | None) -> Line | None:
    """The line of what counts; where nothing does, that of the best disqualified submission."""
    split = _private_of if board is Board.PRIVATE else _public_of
    in_time = [one for one in scored if not one.late]
    if best is None:
        best = _best([one for one in in_time if one.disqualified], split)
    found = None if best is None else split(best)
    if best is None or found is None:
        return None
    mark = Mark.DISQUALIFIED if best.disqualified else None if found.passes else Mark.GATE
    return Line(board, best, found, mark, len(in_time), _last(in_time))


def _beside(board: Board, scored: Sequence[Scored], split: SplitOf) -> Line | None:
    """The line of the best submission that came late: shown, never ranked."""
    late = [one for one in scored if one.late and not one.disqualified]
    best = _best(late, split)
    found = None if best is None else split(best)
    if best is None or found is None:
        return None
    return Line(board, best, found, Mark.LATE, len(late), _last(late))


def _last(scored: Sequence[Scored]) -> datetime:
    return max(one.submitted_at for one in scored)


def _disqualify(line: Line) -> Line:
    if line.late:
        return line
    return replace(line, mark=Mark.DISQUALIFIED)
