"""What challenges must know of the features above: asked by the names of their tables.

How an application stands, which every page says to whoever asked to take part and has to wait; and
which phases close later for one's team.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, column, select, table
from sqlalchemy.orm import Session

from ..core.db import UtcDateTime

_APPLICATIONS = table(
    "applications", column("challenge_id"), column("user_id"), column("accepted", Boolean)
)
_ENTRIES = table("entries", column("phase_id"), column("team_id"), column("closes_at", UtcDateTime))
_MEMBERS = table("team_members", column("challenge_id"), column("user_id"), column("team_id"))


def application_state(session: Session, challenge_id: str, user_id: str) -> str | None:
    """`waiting` or `refused`; None for who did not ask."""
    found = session.execute(
        select(_APPLICATIONS.c.accepted).where(
            _APPLICATIONS.c.challenge_id == challenge_id, _APPLICATIONS.c.user_id == user_id
        )
    ).one_or_none()
    if found is None:
        return None
    return "refused" if found.accepted is False else "waiting"


def own_closes(session: Session, challenge_id: str, user_id: str) -> dict[str, datetime]:
    """The closes that the user's team was given for itself, by the phase's id."""
    rows = session.execute(
        select(_ENTRIES.c.phase_id, _ENTRIES.c.closes_at)
        .join(_MEMBERS, _MEMBERS.c.team_id == _ENTRIES.c.team_id)
        .where(_MEMBERS.c.challenge_id == challenge_id, _MEMBERS.c.user_id == user_id)
        .where(_ENTRIES.c.closes_at.is_not(None))
    )
    return dict(rows.all())
