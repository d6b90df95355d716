"""What the API says about a board."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class RowOut(BaseModel):
    """One row of a board. `rank` is null for rows that are shown but not ranked."""

    rank: int | None
    team: str
    team_id: str
    members: list[str]
    score: float
    sigma: float | None
    entries: int
    submitted_at: str | None
    last_submitted_at: str | None
    submission: str | None
    baseline: bool = False
    staff: bool = False
    late: bool = False
    carried: bool = False
    move: int | None = None
    metadata: dict[str, Any] | None = None
    metrics: dict[str, Any] = {}


class BoardOut(BaseModel):
    """A board, or one page of it."""

    phase: str
    split: str
    metric: str
    metrics: list[str]
    higher_is_better: bool
    digits: dict[str, int]
    version: int
    unblinded_at: str | None
    state: str
    teams: int
    rule: str
    rows: list[RowOut]
    next: str | None = None
