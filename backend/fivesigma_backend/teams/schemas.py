"""What the REST call of joining takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints

from ..core.clock import rfc3339
from .service import Joined

Moment = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


class JoinIn(BaseModel):
    """A request to take part.

    `code` is for challenges that ask for one, `message` for the organisers who approve.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    accept_rules: bool = False
    code: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] | None = None
    message: Annotated[str, StringConstraints(max_length=2000)] | None = None


class JoinOut(BaseModel):
    """One's place in the challenge; none yet in the state `waiting`."""

    model_config = ConfigDict(extra="forbid")

    joined: bool
    state: Literal["joined", "waiting"]
    joined_at: Moment | None
    team: str | None
    staff: bool
    rules_version: str | None

    @classmethod
    def of(cls, joined: Joined | None) -> JoinOut:
        """The place that somebody got, or none."""
        if joined is None:
            return cls(
                joined=False,
                state="waiting",
                joined_at=None,
                team=None,
                staff=False,
                rules_version=None,
            )
        return cls(
            joined=True,
            state="joined",
            joined_at=joined.participation.joined_at,
            team=joined.team.name,
            staff=joined.team.staff,
            rules_version=joined.participation.rules_version,
        )
