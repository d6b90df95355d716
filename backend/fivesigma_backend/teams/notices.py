"""Telling people of a challenge: a row that their pages show, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from ..core.ids import new_id
from .models import Notice


def notify(
    session: Session,
    challenge_id: str,
    kind: str,
    text: str,
    *,
    now: datetime,
    team_id: str | None = None,
    user_id: str | None = None,
    actor_id: str | None = None,
) -> None:
    """Tell all participants of a challenge, or one team or person only.

    `actor_id` None is the platform.
    """
    session.add(
        Notice(
            id=new_id(),
            challenge_id=challenge_id,
            team_id=team_id,
            user_id=user_id,
            actor_id=actor_id,
            kind=kind,
            text=text,
            created_at=now,
        )
    )
