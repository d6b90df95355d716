"""What the REST calls of teams take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints

from ..core.clock import rfc3339

Moment = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


class JoinIn(BaseModel):
    """A request to take part. `code` is for challenges that ask for one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    accept_rules: bool = False
    code: Annotated[str, StringConstraints(max_length=200)] | None = None


class JoinOut(BaseModel):
    """One's place in the challenge."""

    model_config = ConfigDict(extra="forbid")

    joined: bool
    joined_at: Moment
    team: str
    staff: bool
    rules_version: str | None
