"""News of a challenge: what its organisers announce, and what the platform tells teams or people.

A notice is a row that pages show, made in the caller's transaction.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ..core.audit import record_act
from ..core.errors import Unprocessable
from ..core.ids import new_id
from .models import Notice, TeamMember

ANNOUNCEMENT = "announcement"
LONGEST_ANNOUNCEMENT = 10_000


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
) -> Notice:
    """Tell all participants of a challenge, or one team or person only.

    `text` is plain, but Markdown where `kind` is ANNOUNCEMENT. `actor_id` None is the platform.
    """
    notice = Notice(
        id=new_id(),
        challenge_id=challenge_id,
        team_id=team_id,
        user_id=user_id,
        actor_id=actor_id,
        kind=kind,
        text=text,
        created_at=now,
    )
    session.add(notice)
    session.flush()
    return notice


def notices_for(
    session: Session,
    challenge_id: str,
    team_id: str | None,
    user_id: str | None,
    limit: int,
    *,
    before: str | None = None,
) -> list[Notice]:
    """What all are told, what the team is told and what the person is told, the newest first.

    `before` is the id of a notice: only older ones are given.
    """
    everybody = Notice.team_id.is_(None) & Notice.user_id.is_(None)
    mine: list[ColumnElement[bool]] = [everybody]
    if team_id is not None:
        mine.append(Notice.team_id == team_id)
    if user_id is not None:
        mine.append(Notice.user_id == user_id)
    wanted = select(Notice).where(Notice.challenge_id == challenge_id, or_(*mine))
    if before is not None:
        wanted = wanted.where(Notice.id < before)
    return list(session.scalars(wanted.order_by(Notice.id.desc()).limit(limit)))


def team_id_of(session: Session, challenge_id: str, user_id: str | None) -> str | None:
    """The team whose news somebody may read; None for who has none."""
    return session.scalar(
        select(TeamMember.team_id).where(
            TeamMember.challenge_id == challenge_id, TeamMember.user_id == user_id
        )
    )


def announce(
    session: Session, challenge_id: str, text: str, *, now: datetime, actor_id: str | None
) -> Notice:
    """Tell everybody something in Markdown. Raises Unprocessable for what nobody could read.

    The same text again, with nothing announced between, is a form that was sent twice: it stands
    there once.
    """
    text = checked_announcement(text)
    last = session.scalar(
        select(Notice)
        .where(Notice.challenge_id == challenge_id, Notice.kind == ANNOUNCEMENT)
        .order_by(Notice.id.desc())
        .limit(1)
    )
    if last is not None and last.text == text:
        return last
    notice = notify(session, challenge_id, ANNOUNCEMENT, text, now=now, actor_id=actor_id)
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action="challenge.announced",
        target=notice.id,
        challenge_id=challenge_id,
        after={"text": text},
    )
    return notice


def checked_announcement(text: str) -> str:
    """The text as it is kept."""
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise Unprocessable("Write something first: an announcement can't be empty.")
    if len(text) > LONGEST_ANNOUNCEMENT:
        raise Unprocessable(
            f"An announcement has at most {LONGEST_ANNOUNCEMENT} characters, and this has "
            f"{len(text)}. Put the rest on a page and link to it."
        )
    return text
