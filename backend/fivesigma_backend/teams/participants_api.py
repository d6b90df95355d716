"""REST calls of organisers about participants: list, applications, codes, roster, bans."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from .applications import applications, count_waiting
from .invite_codes import invite_codes
from .participants_actions import Acts
from .participants_list import participants
from .participants_schemas import (
    ApplicationList,
    ApplicationOut,
    BanIn,
    CodeIn,
    CodeList,
    CodeOut,
    DecisionIn,
    IssuedList,
    IssuedOut,
    ParticipantList,
    ParticipantOut,
    RosterIn,
    RosterList,
    RosterRowOut,
    StaffIn,
)
from .registration_rules import Decision
from .roster_list import roster_page

router = APIRouter(prefix="/admin/challenges/{slug}/participants", tags=["organisers"])
Limit = Annotated[int, Query(ge=1, le=500)]
Search = Annotated[str, Query(alias="q", max_length=200)]


@router.get("")
def get_participants(
    acts: Acts,
    search: Search = "",
    limit: Limit = 100,
    cursor: str | None = None,
) -> ParticipantList:
    """Who takes part, by username; `q` looks for a part of a username, team or roster name."""
    challenge = acts.challenge
    with acts.platform.db.read() as session:
        found, following = participants(session, challenge.id, search, limit=limit, cursor=cursor)
    return ParticipantList(
        items=[ParticipantOut.of(one, challenge) for one in found], next=following
    )


@router.post("/{username}/ban")
def post_ban(acts: Acts, username: str, wanted: BanIn) -> ParticipantOut:
    """Exclude a participant for a reason that the person reads."""
    return ParticipantOut.of(acts.ban(username, wanted.reason), acts.challenge)


@router.post("/{username}/unban")
def post_unban(acts: Acts, username: str) -> ParticipantOut:
    """Let an excluded participant take part again."""
    return ParticipantOut.of(acts.unban(username), acts.challenge)


@router.post("/{username}/staff")
def post_staff(acts: Acts, username: str, wanted: StaffIn) -> ParticipantOut:
    """Show the team of a participant unranked, or rank it again."""
    return ParticipantOut.of(acts.set_staff(username, staff=wanted.staff), acts.challenge)


@router.get("/applications")
def get_applications(
    acts: Acts,
    state: Decision = Decision.WAITING,
    limit: Limit = 500,
) -> ApplicationList:
    """Applications of people who do not take part, the oldest first."""
    with acts.platform.db.read() as session:
        found = applications(session, acts.challenge.id, state, limit=limit)
        waiting = count_waiting(session, acts.challenge.id)
    return ApplicationList(items=[ApplicationOut.of(one) for one in found], waiting=waiting)


@router.post("/applications/approve")
def post_approve(acts: Acts, wanted: DecisionIn) -> ApplicationList:
    """Let these applicants take part, all or none of them."""
    return _decide(acts, wanted, accept=True)


@router.post("/applications/refuse")
def post_refuse(acts: Acts, wanted: DecisionIn) -> ApplicationList:
    """Refuse these applicants, all or none of them."""
    return _decide(acts, wanted, accept=False)


def _decide(acts: Acts, wanted: DecisionIn, *, accept: bool) -> ApplicationList:
    decided = acts.decide(wanted.usernames, accept=accept)
    with acts.platform.db.read() as session:
        waiting = count_waiting(session, acts.challenge.id)
    return ApplicationList(items=[ApplicationOut.of(one) for one in decided], waiting=waiting)


@router.get("/codes")
def get_codes(acts: Acts) -> CodeList:
    """The invite codes, the newest first, without the codes themselves."""
    with acts.platform.db.read() as session:
        rows = invite_codes(session, acts.challenge.id)
    return CodeList(items=[CodeOut.of(row) for row in rows])


@router.post("/codes", status_code=201)
def post_code(acts: Acts, wanted: CodeIn) -> CodeOut:
    """Make an invite code; it stands in this answer only."""
    return CodeOut.of(*acts.make_invite_code(wanted.label))


@router.post("/codes/{code_id}/revoke")
def post_revoke(acts: Acts, code_id: str) -> CodeOut:
    """Let nobody in by this code any more."""
    return CodeOut.of(acts.revoke_invite_code(code_id))


@router.get("/roster")
def get_roster(
    acts: Acts,
    search: Search = "",
    limit: Limit = 100,
    cursor: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> RosterList:
    """The names of the class list and who takes part by them."""
    with acts.platform.db.read() as session:
        rows, following = roster_page(session, acts.challenge.id, search, limit=limit, after=cursor)
    return RosterList(
        items=[RosterRowOut.of(one) for one in rows],
        next=None if following is None else str(following),
    )


@router.post("/roster", status_code=201)
def post_roster(acts: Acts, wanted: RosterIn) -> IssuedList:
    """Add the names that are not on the list yet; their codes stand in this answer only."""
    return IssuedList(items=[IssuedOut.of(one) for one in acts.import_roster(wanted.csv)])


@router.post("/roster/codes")
def post_codes(acts: Acts) -> IssuedList:
    """New codes for all names that nobody took; the old ones stop working."""
    return IssuedList(items=[IssuedOut.of(one) for one in acts.reissue_free_codes()])


@router.post("/roster/{row_id}/code")
def post_row_code(acts: Acts, row_id: str) -> IssuedOut:
    """A new code for one name; the old one stops working."""
    return IssuedOut.of(acts.reissue_code(row_id))


@router.delete("/roster/{row_id}", status_code=204)
def delete_row(acts: Acts, row_id: str) -> None:
    """Take a name off the list."""
    acts.remove_row(row_id)
