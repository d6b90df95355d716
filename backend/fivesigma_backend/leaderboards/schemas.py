"""What the API says about a board."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12


class RowOut(TypedDict):
    """One row of a board. `rank` is null for rows that are shown but not ranked; `mark` says why
    (`gate`, `late`, `disqualified`) unless they are a baseline or staff. `note` is the team's word
    on its method, told once the phase is unblinded.

    A dict and not a model: a thousand of them are made whenever a board has changed.
    """

    rank: int | None
    team: str
    team_id: str
    members: list[str]
    score: float
    sigma: float | None
    entries: int
    submitted_at: datetime | None
    last_submitted_at: datetime | None
    submission: str | None
    baseline: bool
    staff: bool
    late: bool
    carried: bool
    mark: str | None
    move: int | None
    metadata: dict[str, Any] | None
    note: str | None
    metrics: dict[str, Any]


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
