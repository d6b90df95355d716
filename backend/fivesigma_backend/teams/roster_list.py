"""The class list as organisers see it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.models import Participation
from .models import RosterRow
from .registration_rules import one_line


@dataclass(frozen=True)
class Claimed:
    """A row and who takes part by it; `free` says that it still waits for its person."""

    row: RosterRow
    username: str | None
    banned: bool

    @property
    def free(self) -> bool:
        """Whether nobody has used the row's code."""
        return self.row.claimed_at is None


@dataclass(frozen=True)
class RosterCounts:
    """How many are on the list, and how many of them take part."""

    names: int
    claimed: int


def roster_counts(session: Session, challenge_id: str) -> RosterCounts:
    """How long the list is."""
    names, claimed = session.execute(
        select(func.count(), func.count(RosterRow.claimed_at)).where(
            RosterRow.challenge_id == challenge_id
        )
    ).one()
    return RosterCounts(names, claimed)


def roster_page(
    session: Session, challenge_id: str, search: str, *, limit: int, after: int = 0
) -> tuple[list[Claimed], int | None]:
    """Names that contain `search`, in the list's order, and the position after which to go on."""
    query = _with_claimants(challenge_id).where(RosterRow.position > after)
    if wanted := one_line(search):
        if not wanted.isprintable():
            return [], None
        found = RosterRow.name.icontains(wanted, autoescape=True)
        query = query.where(
            or_(found, User.username_key.contains(wanted.casefold(), autoescape=True))
        )
    rows = session.execute(query.order_by(RosterRow.position).limit(limit + 1)).all()
    page = [Claimed(*row) for row in rows[:limit]]
    return page, page[-1].row.position if len(rows) > limit else None


def _with_claimants(challenge_id: str) -> Select[RosterRow, str, bool]:
    banned = exists().where(
        Participation.challenge_id == RosterRow.challenge_id,
        Participation.user_id == RosterRow.user_id,
        Participation.banned_at.is_not(None),
    )
    return (
        select(RosterRow, User.username, banned)
        .join(User, User.id == RosterRow.user_id, isouter=True)
        .where(RosterRow.challenge_id == challenge_id)
    )
