"""New teams and their names. Callers own the transaction."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from sqlalchemy.orm import Session

from ..core.db import insert_missing
from ..core.ids import new_id
from .models import Team
from .rules import LONGEST_NAME, numbered, team_name_key


def found_team(
    session: Session, challenge_id: str, name: str, *, staff: bool, now: datetime
) -> Team:
    """A new team without members, called `name` or, where that is taken, `name-2` and so on."""
    team = None
    attempts = count(1)
    while team is None:
        team_id, free = new_id(), numbered(name[:LONGEST_NAME], next(attempts))
        insert_missing(
            session,
            Team,
            id=team_id,
            challenge_id=challenge_id,
            name=free,
            name_key=team_name_key(free),
            staff=staff,
            created_at=now,
        )
        team = session.get(Team, team_id)
    return team
