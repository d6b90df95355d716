"""The trash: a challenge out of sight for 30 days, until it is restored or gone for good.

Callers own the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..core.audit import record_act
from ..core.clock import rfc3339
from ..core.errors import Unprocessable
from ..core.security import Actor
from .models import Challenge, Organiser

KEPT = timedelta(days=30)


def put_into_trash(
    session: Session, challenge_id: str, typed_slug: str, *, now: datetime, actor_id: str | None
) -> Challenge:
    """Take a challenge out of everybody's sight; nothing of it is lost yet.

    Raises Unprocessable unless the challenge's slug was typed, which no slip of the hand does.
    """
    challenge = _locked(session, challenge_id)
    if typed_slug.strip() != challenge.slug:
        raise Unprocessable(
            f"Type “{challenge.slug}” to move this challenge to the trash.", code="slug"
        )
    if challenge.trashed_at is None:
        challenge.trashed_at = now
        _record(session, "challenge.trashed", challenge, None, now, actor_id)
    return challenge


def restore_from_trash(
    session: Session, challenge_id: str, *, now: datetime, actor_id: str | None
) -> Challenge:
    """Put a challenge back as it was."""
    challenge = _locked(session, challenge_id)
    if challenge.trashed_at is not None:
        before, challenge.trashed_at = challenge.trashed_at, None
        _record(session, "challenge.restored", challenge, before, now, actor_id)
    return challenge


def trashed_challenges(session: Session, actor: Actor) -> Sequence[Challenge]:
    """What the actor may restore, the latest first."""
    wanted = select(Challenge).where(Challenge.trashed_at.is_not(None))
    if actor.challenge_id is not None:
        wanted = wanted.where(Challenge.id == actor.challenge_id)
    if not actor.is_admin:
        own = select(Organiser.challenge_id).where(Organiser.user_id == actor.user_id)
        wanted = wanted.where(Challenge.id.in_(own))
    return session.scalars(wanted.order_by(Challenge.trashed_at.desc(), Challenge.id)).all()


def trashed_long_ago(session: Session, now: datetime) -> Sequence[str]:
    """Ids of the challenges whose time in the trash is over."""
    return session.scalars(select(Challenge.id).where(Challenge.trashed_at <= now - KEPT)).all()


def purge_at(challenge: Challenge) -> datetime | None:
    """When a challenge in the trash is gone for good."""
    return challenge.trashed_at + KEPT if challenge.trashed_at else None


def _locked(session: Session, challenge_id: str) -> Challenge:
    return session.get_one(
        Challenge, challenge_id, with_for_update={"key_share": True}, populate_existing=True
    )


def _record(
    session: Session,
    action: str,
    challenge: Challenge,
    before: datetime | None,
    now: datetime,
    actor_id: str | None,
) -> None:
    session.flush()
    after = challenge.trashed_at
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action=action,
        target=challenge.slug,
        challenge_id=challenge.id,
        before={"trashed_at": rfc3339(before) if before else None},
        after={"trashed_at": rfc3339(after) if after else None},
    )
