"""What the REST calls of teams take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

ShortText = Annotated[str, StringConstraints(max_length=200)]


class TeamChange(BaseModel):
    """What a leader may change of the team itself."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: ShortText


class PersonIn(BaseModel):
    """A person, by username: to invite, or to lead."""

    model_config = ConfigDict(extra="forbid", strict=True)

    username: ShortText


class LeaveIn(BaseModel):
    """How to leave: a leader says who leads the others from now on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    successor: ShortText | None = None


class MergeIn(BaseModel):
    """The team, by name, that the own team offers to become part of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    team: ShortText


class MemberOut(BaseModel):
    """A member of the own team."""

    username: str
    leader: bool
    banned: bool


class PhaseShareOut(BaseModel):
    """What becoming one team would mean in one open phase; `allowed` null is no limit."""

    phase: str
    title: str
    used: int
    allowed: int | None
    moves: int
    finals: int
    disqualified: bool
    possible: bool


class InvitationOut(BaseModel):
    """An invitation that waits for its answer.

    `preview` stands in those that ask the actor.
    """

    id: str
    team: str
    username: str
    invited_by: str
    created_at: str
    preview: list[PhaseShareOut] | None = None


class MergeOut(BaseModel):
    """A proposal that waits for its answer: `from_team` would become part of `into_team`."""

    id: str
    from_team: str
    from_members: list[str]
    into_team: str
    created_at: str
    preview: list[PhaseShareOut]


class TeamOut(BaseModel):
    """The actor's own team, and what it and the actor were asked."""

    id: str
    name: str
    staff: bool
    leader: bool
    members: list[MemberOut]
    max_size: int
    lock_at: str | None
    locked: bool
    invitations_sent: list[InvitationOut]
    invitations_received: list[InvitationOut]
    merges_sent: list[MergeOut]
    merges_received: list[MergeOut]
