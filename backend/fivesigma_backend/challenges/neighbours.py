"""The one thing of the features above that challenges must know: how an application stands.

Every page of a challenge says it to whoever asked to take part and has to wait.
"""

from __future__ import annotations

from sqlalchemy import Boolean, column, select, table
from sqlalchemy.orm import Session

_APPLICATIONS = table(
    "applications", column("challenge_id"), column("user_id"), column("accepted", Boolean)
)


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
