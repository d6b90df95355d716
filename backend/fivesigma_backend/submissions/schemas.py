"""What the API says about submissions. There is no place for a blind private score here."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

LONGEST_NOTE = 2000


class FindingOut(BaseModel):
    """One finding of the validation report."""

    code: str
    severity: str
    message: str
    column: str | None = None
    rows: list[int] = []
    count: int = 0


class ValidationOut(BaseModel):
    """Answer of `validate`: costs no quota and knows nothing of the truth."""

    ok: bool
    findings: list[FindingOut]


class SubmissionOut(BaseModel):
    """A submission as its team sees it.

    `scores` is null until scored and while the board is hidden; its `private` part appears with
    the unblinding only. So do those of `details`, every metric by variant and by slice:
    `{public: {variants: {nominal: {ams: …}}, slices: {"process=ttbar": {ams: null}}}}`, null where
    the metric has no value. `carried_from` is the submission of an earlier phase that this one is;
    `superseded` says that the team's choice there no longer contains it.
    """

    id: str
    status: str
    challenge: str
    phase: str
    team: str
    sha256: str
    filename: str
    size: int
    message: str
    metadata: dict[str, Any] | None
    submitted_at: str
    submitted_by: str
    note: str | None
    scores: dict[str, dict[str, Any]] | None
    details: dict[str, dict[str, dict[str, Any]]] | None
    findings: list[FindingOut]
    selected: bool
    late: bool
    carried_from: str | None
    superseded: bool
    reference: str | None
    url: str
    hidden: bool
    disqualified: bool
    disqualified_reason: str | None
    team_disqualified_reason: str | None
    refunded: bool


class SubmissionList(BaseModel):
    """One page of a team's submissions, the newest first."""

    items: list[SubmissionOut]
    next: str | None


class SubmissionChange(BaseModel):
    """What a team may change of a submission; `note` is its word on its method."""

    model_config = ConfigDict(extra="forbid")

    selected: bool | None = None
    message: str | None = Field(None, max_length=500)
    note: str | None = Field(None, max_length=LONGEST_NOTE)


class LimitsOut(BaseModel):
    """The allowance of a team in a phase; null is unlimited."""

    phase: str
    per_day: int | None
    total: int | None
    concurrent: int | None
    window: str
    used_today: int
    used_total: int
    running: int
    remaining: int | None
    next_at: str | None


class FigureOut(BaseModel):
    """One figure of a submission.

    `images` has the addresses of its pictures by theme and format (`light.svg`), null until it is
    drawn; `data` has the numbers that it shows.
    """

    name: str
    title: str
    note: str
    split: str
    images: dict[str, str] | None
    data: dict[str, Any]


class FigureList(BaseModel):
    """The figures that one may see.

    `pending` says that some are being made, `drawable` that some are drawn on request only.
    """

    items: list[FigureOut]
    pending: bool
    drawable: bool
