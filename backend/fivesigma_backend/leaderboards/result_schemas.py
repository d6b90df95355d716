"""What the API says about a team's final place."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel


class ChoiceOut(BaseModel):
    """One of the team's submissions, and the rank it would have given as the only final.

    `counted` is the one that stands on the private board, `automatic` the one that would stand
    there had the team selected nothing; with `best` among its finals the team would have done best.
    """

    submission: str
    filename: str
    message: str
    note: str | None
    submitted_at: datetime
    selected: bool
    counted: bool
    automatic: bool
    best: bool
    public_score: float | None
    score: float
    sigma: float | None
    rank: int | None


class PlaceOut(BaseModel):
    """A team's final place in a phase, in words and in data.

    `rank` is null for who takes none, and `mark` says why: `gate`, `late`, `disqualified`, `staff`,
    or `none` for a team without a scored submission. `move` is how many places it has risen
    since the public board (negative: fallen).
    """

    phase: str
    title: str
    team: str
    rank: int | None
    of: int
    shared: bool
    public_rank: int | None
    move: int | None
    mark: str | None
    score: float | None
    sigma: float | None
    metric: str
    text: str


class ResultOut(PlaceOut):
    """A team's final place, and what another choice of finals would have given."""

    finals: int
    would_have_been: list[ChoiceOut]
