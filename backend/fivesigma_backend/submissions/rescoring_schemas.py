"""What organisers read about updates and re-scorings. No participant sees any of this."""

from __future__ import annotations

from pydantic import BaseModel


class LoadOut(BaseModel):
    """What a folder changed, or with `preview` would change.

    `rescored` are the test sets whose submissions are scored again before that takes effect.
    """

    slug: str
    created: bool
    preview: bool
    changes: list[str]
    rescored: list[str]
    report: list[str]


class PlannedOut(BaseModel):
    """A test set that is scored again; `recompiled` if its solution becomes a new version."""

    test_set: str
    submissions: int
    recompiled: bool


class RescoreOut(BaseModel):
    """What a re-scoring scores, or with `preview` would score."""

    preview: bool
    test_sets: list[PlannedOut]


class RescoringOut(BaseModel):
    """How far a re-scoring is. `ready`: it takes over with the next tick."""

    id: str
    test_set: str
    solution: int
    reason: str
    began_at: str
    ended_at: str | None
    outcome: str | None
    submissions: int
    done: int
    waiting: int
    failed: int
    finished: bool


class MoveOut(BaseModel):
    """A team's rank before and after, null where it has none."""

    team: str
    before: int | None
    after: int | None


class BoardMoves(BaseModel):
    """Who would move on one board; `teams` counts all that stand on it."""

    phase: str
    split: str
    teams: int
    moves: list[MoveOut]


class RescoringDetail(RescoringOut):
    """A re-scoring with its boards as they would be; what has no new score keeps its old one."""

    boards: list[BoardMoves]


class RescoringList(BaseModel):
    """The re-scorings of a challenge, the newest first."""

    items: list[RescoringOut]
