"""Deleting challenges whose time in the trash is over, a piece at a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..challenges.models import Challenge
from ..challenges.trash import KEPT
from ..core.audit import record_act
from ..teams.models import Team
from .models import Submission

PIECE = 500


def purge_piece(session: Session, challenge_id: str, now: datetime) -> bool:
    """Delete some of a challenge's submissions, then of its teams, at last the challenge itself.

    In pieces, since one of a million submissions would keep all other writers waiting. Returns
    whether there is more to do. One that was restored meanwhile stays.
    """
    challenge = session.scalars(
        select(Challenge)
        .where(Challenge.id == challenge_id, Challenge.trashed_at <= now - KEPT)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if challenge is None:
        return False
    for table in (Submission, Team):
        piece = session.scalars(
            select(table.id).where(table.challenge_id == challenge_id).limit(PIECE)
        ).all()
        if piece:
            session.execute(delete(table).where(table.id.in_(piece)))
            return True
    slug, title = challenge.slug, challenge.title
    session.execute(delete(Challenge).where(Challenge.id == challenge_id))
    # The challenge's own log went with it, so this stands in the site's.
    record_act(
        session,
        now=now,
        actor_id=None,
        action="challenge.purged",
        target=slug,
        before={"id": challenge_id, "title": title},
    )
    return False
