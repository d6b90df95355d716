"""What the REST calls of organisers about participants take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ..challenges.models import Challenge
from .applications import MOST_AT_ONCE, Asked
from .models import InviteCode
from .participants_list import Participant
from .roster import Issued
from .roster_list import Claimed
from .schemas import Moment

Text = Annotated[str, StringConstraints(max_length=2000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class BanIn(_Strict):
    """Why somebody is excluded; the person reads it."""

    reason: Text


class StaffIn(_Strict):
    """Whether a team is shown unranked."""

    staff: bool


class DecisionIn(_Strict):
    """Whose applications are decided."""

    usernames: Annotated[list[Text], Field(min_length=1, max_length=MOST_AT_ONCE)]


class CodeIn(_Strict):
    """What the code is for, in the organisers' words."""

    label: Text


class RosterIn(_Strict):
    """A class list: one name a line, or a CSV with a column `name`."""

    csv: str


class ParticipantOut(BaseModel):
    """Somebody who takes part. `rules_due` says that newer rules were not accepted yet."""

    username: str
    team: str | None
    staff: bool
    banned_at: Moment | None
    banned_reason: str | None
    joined_at: Moment
    rules_version: str | None
    rules_accepted_at: Moment | None
    rules_due: bool
    roster_name: str | None

    @classmethod
    def of(cls, one: Participant, challenge: Challenge) -> ParticipantOut:
        """The participant, whose rules are held against the present ones."""
        return cls(
            username=one.user.username,
            team=one.team.name if one.team else None,
            staff=one.staff,
            banned_at=one.participation.banned_at,
            banned_reason=one.participation.banned_reason,
            joined_at=one.participation.joined_at,
            rules_version=one.participation.rules_version,
            rules_accepted_at=one.participation.rules_accepted_at,
            rules_due=one.participation.rules_version != challenge.rules_version,
            roster_name=one.roster_name,
        )


class ParticipantList(BaseModel):
    """A page of participants."""

    items: list[ParticipantOut]
    next: str | None


class ApplicationOut(BaseModel):
    """Somebody who asked to take part."""

    username: str
    state: str
    message: str
    asked_at: Moment
    decided_at: Moment | None

    @classmethod
    def of(cls, one: Asked) -> ApplicationOut:
        """The application as it stands."""
        return cls(
            username=one.user.username,
            state=one.state,
            message=one.application.message,
            asked_at=one.application.created_at,
            decided_at=one.application.decided_at,
        )


class ApplicationList(BaseModel):
    """Applications, the oldest first; `waiting` is how many wait in all."""

    items: list[ApplicationOut]
    next: str | None = None
    waiting: int


class CodeOut(BaseModel):
    """An invite code; `code` is shown in the answer that made it and never again."""

    id: str
    label: str
    uses: int
    created_at: Moment
    revoked_at: Moment | None
    code: str | None = None

    @classmethod
    def of(cls, row: InviteCode, code: str | None = None) -> CodeOut:
        """The code's row."""
        return cls(
            id=row.id,
            label=row.label,
            uses=row.uses,
            created_at=row.created_at,
            revoked_at=row.revoked_at,
            code=code,
        )


class CodeList(BaseModel):
    """The invite codes of a challenge."""

    items: list[CodeOut]
    next: str | None = None


class RosterRowOut(BaseModel):
    """A name on the roster, and who takes part by it."""

    id: str
    name: str
    username: str | None
    claimed_at: Moment | None

    @classmethod
    def of(cls, one: Claimed) -> RosterRowOut:
        """The row as it stands."""
        return cls(
            id=one.row.id,
            name=one.row.name,
            username=one.username,
            claimed_at=one.row.claimed_at,
        )


class RosterList(BaseModel):
    """A page of the roster."""

    items: list[RosterRowOut]
    next: str | None


class IssuedOut(BaseModel):
    """A name with its code, which is shown this once."""

    id: str
    name: str
    code: str

    @classmethod
    def of(cls, one: Issued) -> IssuedOut:
        """The row with its code."""
        return cls(id=one.row.id, name=one.row.name, code=one.code)


class IssuedList(BaseModel):
    """The codes that were made just now."""

    items: list[IssuedOut]
    next: str | None = None
