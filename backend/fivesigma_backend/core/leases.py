"""Leases in the database: which process of which host does a chore at the moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, String, or_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from .db import Base, insert_missing


class Lease(Base):
    """Who does the chore `name`, and until when."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    until: Mapped[datetime]
    holder: Mapped[str] = mapped_column(String(120))


def take_lease(
    session: Session, name: str, *, holder: str, now: datetime, lifetime: timedelta
) -> bool:
    """Take the chore, or keep it; False while somebody else has it."""
    insert_missing(session, Lease, name=name, until=now, holder=holder)
    taken = session.execute(
        update(Lease)
        .where(Lease.name == name, or_(Lease.until <= now, Lease.holder == holder))
        .values(until=now + lifetime, holder=holder)
        .execution_options(synchronize_session=False)
    )
    return isinstance(taken, CursorResult) and taken.rowcount == 1


def due(session: Session, name: str, *, now: datetime, every: timedelta) -> bool:
    """Whether a chore that is done once per `every` is due; saying so postpones the next."""
    insert_missing(session, Lease, name=name, until=now, holder="")
    taken = session.execute(
        update(Lease)
        .where(Lease.name == name, Lease.until <= now)
        .values(until=now + every)
        .execution_options(synchronize_session=False)
    )
    return isinstance(taken, CursorResult) and taken.rowcount == 1
