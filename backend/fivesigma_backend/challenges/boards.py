"""New versions of all boards of a challenge, where who is shown on them changes."""

from __future__ import annotations

from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..core.db import after_commit
from ..core.events import Events
from .models import Phase


def renew_boards(session: Session, challenge_id: str) -> None:
    """Give every board of the challenge a new version, which caches and live pages go by."""
    own = Phase.challenge_id == challenge_id
    # Locked in one order, so that two who do this at once don't wait for each other in a circle.
    session.execute(select(Phase.id).where(own).order_by(Phase.id).with_for_update())
    session.execute(update(Phase).where(own).values(board_version=Phase.board_version + 1))


def announce_boards(session: Session, events: Events, challenge_id: str) -> None:
    """Once committed, tell every page of the challenge that its boards have new versions."""
    rows = session.execute(
        select(Phase.slug, Phase.board_version).where(Phase.challenge_id == challenge_id)
    ).all()
    for slug, version in rows:
        event = {"type": "board", "phase": slug, "version": version}
        after_commit(session, partial(events.publish, challenge_id, event))
