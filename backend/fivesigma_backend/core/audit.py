"""The audit log: who did what to what, when, and how it was before and after."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from .db import Base
from .ids import new_id


class AuditEvent(Base):
    """One recorded act. Rows are only ever added."""

    __tablename__ = "audit_events"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    challenge_id: Mapped[str | None] = mapped_column(
        ForeignKey("challenges.id", ondelete="CASCADE"), index=True
    )
    action: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(String(120))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]


def record_act(
    session: Session,
    *,
    now: datetime,
    actor_id: str | None,
    action: str,
    target: str,
    challenge_id: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add one event to the log, in the caller's transaction. `actor_id` None is the platform."""
    session.add(
        AuditEvent(
            id=new_id(),
            at=now,
            actor_id=actor_id,
            action=action,
            target=target,
            challenge_id=challenge_id,
            before=before,
            after=after,
        )
    )
