"""The class list: names with one-time codes. Callers own the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..accounts.rules import searchable
from ..challenges.models import Challenge, Participation
from ..core.audit import record_act
from ..core.errors import Conflict, NotFound, Unprocessable
from ..core.ids import new_id
from .models import RosterRow
from .registration_codes import code_hash, new_code
from .roster_list import roster_counts
from .roster_rules import LARGEST_ROSTER, RosterError, name_key, roster_names


@dataclass(frozen=True)
class Issued:
    """A row with its code, which is shown this once."""

    row: RosterRow
    code: str


def import_roster(
    session: Session, challenge_id: str, text: str, *, now: datetime, actor_id: str | None
) -> list[Issued]:
    """Add the names of a CSV that are not on the list yet, each with a code.

    Sending a list again adds nothing, and leaves the codes that were given out as they are.
    Raises Unprocessable, which names the lines to mend; then nothing was added.
    """
    try:
        names = roster_names(text)
    except RosterError as error:
        raise Unprocessable(str(error), code="bad_roster", errors=error.problems) from None
    _lock_list(session, challenge_id)
    before = roster_counts(session, challenge_id).names
    known, last = _present(session, challenge_id)
    fresh = [name for name in names if name_key(name) not in known]
    if before + len(fresh) > LARGEST_ROSTER:
        raise Unprocessable(
            f"The list would have {before + len(fresh):,} names; {LARGEST_ROSTER:,} are allowed.",
            code="bad_roster",
        )
    issued = [
        _new_row(challenge_id, position, name, now)
        for position, name in enumerate(fresh, start=last + 1)
    ]
    session.add_all(one.row for one in issued)
    if issued:
        _record(
            session,
            challenge_id,
            "roster.imported",
            challenge_id,
            now,
            actor_id,
            {"names": before},
            {"names": before + len(issued)},
        )
    session.flush()
    return issued


def _lock_list(session: Session, challenge_id: str) -> None:
    # Two imports at once would otherwise both find the same names missing.
    session.execute(select(Challenge.id).where(Challenge.id == challenge_id).with_for_update())


def _present(session: Session, challenge_id: str) -> tuple[set[str], int]:
    rows = session.execute(
        select(RosterRow.name, RosterRow.position).where(RosterRow.challenge_id == challenge_id)
    ).all()
    return {name_key(name) for name, _ in rows}, max((at for _, at in rows), default=0)


def _new_row(challenge_id: str, position: int, name: str, now: datetime) -> Issued:
    code = new_code()
    row = RosterRow(
        id=new_id(),
        challenge_id=challenge_id,
        position=position,
        name=name,
        code_hash=code_hash(code),
        created_at=now,
    )
    return Issued(row, code)


def claim_row(
    session: Session, challenge_id: str, code: str, *, user_id: str, now: datetime
) -> bool:
    """Take the row of a one-time code; of two who try at once exactly one gets it."""
    claimed = session.scalar(
        update(RosterRow)
        .where(RosterRow.code_hash == code_hash(code), RosterRow.challenge_id == challenge_id)
        .where(RosterRow.claimed_at.is_(None))
        .values(user_id=user_id, claimed_at=now)
        .returning(RosterRow.id)
    )
    return claimed is not None


def reissue_code(
    session: Session, challenge_id: str, row_id: str, *, now: datetime, actor_id: str | None
) -> Issued:
    """A new code for one name; the old one no longer works.

    Raises Conflict where its person takes part. A row whose claimant was banned or has deleted the
    account becomes free again: the code was in the wrong hands.
    """
    row = _locked_row(session, challenge_id, row_id)
    _require_free(session, row)
    before = {"claimed": row.claimed_at is not None}
    issued = _renew(row)
    _record(session, challenge_id, "roster.code", row.id, now, actor_id, before, {"claimed": False})
    session.flush()
    return issued


def reissue_free_codes(
    session: Session, challenge_id: str, *, now: datetime, actor_id: str | None
) -> list[Issued]:
    """New codes for every name whose code was not used; the old ones no longer work."""
    rows = session.scalars(
        select(RosterRow)
        .where(RosterRow.challenge_id == challenge_id, RosterRow.claimed_at.is_(None))
        .order_by(RosterRow.position)
        .with_for_update()
    ).all()
    issued = [_renew(row) for row in rows]
    if issued:
        _record(
            session,
            challenge_id,
            "roster.codes",
            challenge_id,
            now,
            actor_id,
            None,
            {"renewed": len(issued)},
        )
    session.flush()
    return issued


def remove_row(
    session: Session, challenge_id: str, row_id: str, *, now: datetime, actor_id: str | None
) -> None:
    """Take a name off the list with its code. Raises Conflict where its person takes part."""
    row = _locked_row(session, challenge_id, row_id)
    _require_free(session, row)
    session.execute(delete(RosterRow).where(RosterRow.id == row.id))
    _record(
        session, challenge_id, "roster.removed", row.id, now, actor_id, {"name": row.name}, None
    )
    session.flush()


def _renew(row: RosterRow) -> Issued:
    code = new_code()
    row.code_hash, row.user_id, row.claimed_at = code_hash(code), None, None
    return Issued(row, code)


def _locked_row(session: Session, challenge_id: str, row_id: str) -> RosterRow:
    if not searchable(row_id):
        raise NotFound
    row = session.scalar(
        select(RosterRow)
        .where(RosterRow.id == row_id, RosterRow.challenge_id == challenge_id)
        .with_for_update()
    )
    if row is None:
        raise NotFound("There is no such name on the list. Reload it.")
    return row


def _require_free(session: Session, row: RosterRow) -> None:
    taking_part = session.scalar(
        select(User.username)
        .join(Participation, Participation.user_id == User.id)
        .where(User.id == row.user_id, User.deleted_at.is_(None))
        .where(Participation.challenge_id == row.challenge_id, Participation.banned_at.is_(None))
    )
    if taking_part is not None:
        raise Conflict(
            f"“{row.name}” takes part as {taking_part}. If that is somebody else, exclude "
            f"{taking_part} first.",
            code="claimed",
        )


def _record(
    session: Session,
    challenge_id: str,
    action: str,
    target: str,
    now: datetime,
    actor_id: str | None,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action=action,
        target=target,
        challenge_id=challenge_id,
        before=before,
        after=after,
    )
