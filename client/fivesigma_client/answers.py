"""What the server answers, as typed values. `document` of each is the answer as it was sent.

Members that a newer server adds are passed over; a missing or mistyped one is a `BadAnswer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
FINISHED = ("scored", "rejected", "failed", "cancelled")


@dataclass(frozen=True)
class Finding:
    """One line of a validation report; `rows` are the first line numbers of `count` in all."""

    code: str
    severity: str
    message: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Page:
    """One page of a list; `next` asks for the following one."""

    next: str | None = None


@dataclass(frozen=True)
class Report:
    """The validation report of a file."""

    ok: bool
    findings: tuple[Finding, ...]
    document: Document = field(repr=False, compare=False)


@dataclass(frozen=True)
class Phase:
    """A window in which files are scored, and how. Times are RFC 3339."""

    slug: str
    title: str
    state: str
    opens: str
    closes: str | None
    metric: str
    metrics: tuple[str, ...]
    options: Mapping[str, Any]
    normalise: Mapping[str, float] | None
    higher_is_better: bool = True
    uploads: bool = True

    @property
    def takes_files(self) -> bool:
        """Whether files can be handed in at present."""
        return self.state == "open" and self.uploads


@dataclass(frozen=True)
class Challenge:
    """A challenge; `rules` and `rules_due` only where one challenge was asked for."""

    slug: str
    title: str
    kind: str
    summary: str
    joined: bool
    phases: tuple[Phase, ...]
    document: Document = field(repr=False, compare=False)
    rules: str | None = None
    rules_due: bool = False


@dataclass(frozen=True)
class Membership:
    """One's place in a challenge; none, and no team, while `state` is `waiting`."""

    joined: bool
    team: str | None
    document: Document = field(repr=False, compare=False)
    state: str = "joined"


@dataclass(frozen=True)
class File:
    """A published file: `name` in commands, `filename` on disk."""

    name: str
    filename: str
    size: int
    sha256: str
    document: Document = field(repr=False, compare=False)
    title: str = ""


@dataclass(frozen=True)
class Submission:
    """A submission. `scores` is null until scored, and as long as the board is hidden.

    `remaining` is how many more may be handed in, known only right after handing in.
    """

    id: str
    status: str
    phase: str
    team: str
    sha256: str
    message: str
    submitted_at: str
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]] | None
    findings: tuple[Finding, ...]
    selected: bool
    url: str
    document: Document = field(repr=False, compare=False)
    reference: str | None = None
    remaining: int | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status in FINISHED


@dataclass(frozen=True)
class Final:
    """One of the finals; `how` is `selected`, `waiting` (not scored yet) or `filled`."""

    id: str
    how: str
    filename: str


@dataclass(frozen=True)
class Finals:
    """What counts of one's team in a phase as things stand; `until` when one may choose."""

    phase: str
    open: bool
    until: str | None
    places: int
    free: int
    text: str
    items: tuple[Final, ...]
    document: Document = field(repr=False, compare=False)


@dataclass(frozen=True)
class Choice:
    """One's submission, and the rank that it would have given as the only final."""

    submission: str
    filename: str
    score: float
    sigma: float | None
    rank: int | None
    selected: bool
    counted: bool
    best: bool


@dataclass(frozen=True)
class Result:
    """One's team's final place in a phase, and what another choice would have given."""

    phase: str
    team: str
    rank: int | None
    of: int
    public_rank: int | None
    move: int | None
    mark: str | None
    text: str
    metric: str
    would_have_been: tuple[Choice, ...]
    document: Document = field(repr=False, compare=False)


@dataclass(frozen=True)
class Limits:
    """The allowance of one's team in a phase; null is unlimited."""

    per_day: int | None
    total: int | None
    concurrent: int | None
    window: str
    used_today: int
    used_total: int
    running: int
    remaining: int | None
    next_at: str | None
    document: Document = field(repr=False, compare=False)


@dataclass(frozen=True)
class Row:
    """A row of a board; one without a rank is shown but not ranked."""

    rank: int | None
    team: str
    members: tuple[str, ...]
    score: float
    sigma: float | None
    entries: int
    submitted_at: str | None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    staff: bool = False
    baseline: bool = False


@dataclass(frozen=True)
class Board:
    """The board of a phase on a split, best first."""

    phase: str
    split: str
    metric: str
    higher_is_better: bool
    state: str
    rows: tuple[Row, ...]
    document: Document = field(repr=False, compare=False)
    metrics: tuple[str, ...] = ()
