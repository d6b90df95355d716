"""What organisers say and read about a phase."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ExtensionOut(BaseModel):
    """A team for which a phase closes later; `closes_at` null where it was taken back."""

    team: str
    team_id: str
    closes_at: str | None


class PhaseOut(BaseModel):
    """A phase as its organisers see it."""

    slug: str
    title: str
    opens_at: str
    closes_at: str | None
    window: str
    settled: bool
    unblinded_at: str | None
    carried_at: str | None
    extensions: list[ExtensionOut]


class TimesIn(BaseModel):
    """Other times of a phase; what is left out stays. `closes` null is no close.

    RFC 3339; without offset they are local to the challenge's zone.
    """

    model_config = ConfigDict(extra="forbid")

    opens: str = Field("", max_length=40)
    closes: str | None = Field(None, max_length=40)


class ExtensionIn(BaseModel):
    """More time for one team (its id or name); `closes_at` null takes it back."""

    model_config = ConfigDict(extra="forbid")

    team: str = Field(min_length=1, max_length=200)
    closes_at: str | None = Field(max_length=40)


class CarriedOut(BaseModel):
    """One submission that a phase takes over.

    `submission` is its id in the phase it comes from; `fate` is what becomes of it: `new`, `stays`,
    `returns` (it had been superseded) or `superseded`.
    """

    team: str
    team_id: str
    submission: str
    filename: str
    message: str
    submitted_at: str
    fate: str


class CarryOut(BaseModel):
    """What a phase takes over from `source`; `ready` once that has settled."""

    phase: str
    source: str
    carry_over: str
    ready: bool
    preview: bool
    items: list[CarriedOut]
