"""Asking to take part where organisers approve, and their answers. Callers own the transaction."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..accounts.rules import name_key, searchable
from ..challenges.models import Challenge, Participation
from ..core.audit import record_act
from ..core.db import insert_missing
from ..core.errors import Conflict, NotFound, Unprocessable
from ..core.security import Actor
from .models import Application
from .registration_rules import LONGEST_MESSAGE, Decision, one_line
from .service import join, participation_of

MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Asked:
    """An application and who made it."""

    application: Application
    user: User

    @property
    def state(self) -> Decision:
        """How it stands."""
        return decided(self.application)


def decided(application: Application) -> Decision:
    """How an application stands."""
    if application.accepted is None:
        return Decision.WAITING
    return Decision.ACCEPTED if application.accepted else Decision.REFUSED


def decision_of(session: Session, challenge_id: str, user_id: str) -> Decision | None:
    """How the person's application stands; None without one."""
    found = session.get(Application, (challenge_id, user_id), populate_existing=True)
    return None if found is None else decided(found)


def ask(
    session: Session, challenge: Challenge, user_id: str, message: str, *, now: datetime
) -> None:
    """Ask to take part, having accepted the present rules; asking twice is asking once."""
    text = one_line(re.sub(r"\s*[\r\n]\s*", " ", message))
    if len(text) > LONGEST_MESSAGE or not text.isprintable():
        raise Unprocessable(
            f"Write at most {LONGEST_MESSAGE} characters to the organisers, no control characters."
        )
    insert_missing(
        session,
        Application,
        challenge_id=challenge.id,
        user_id=user_id,
        rules_version=challenge.rules_version,
        message=text,
        created_at=now,
    )


def applications(
    session: Session, challenge_id: str, state: Decision | None, *, limit: int
) -> list[Asked]:
    """Applications of people who do not take part, the oldest first; by default the waiting."""
    query = _open_ones(challenge_id, state or Decision.WAITING)
    rows = session.execute(query.order_by(Application.created_at, User.id).limit(limit))
    return [Asked(application, user) for application, user in rows]


def count_waiting(session: Session, challenge_id: str) -> int:
    """How many people wait for an answer."""
    waiting = _open_ones(challenge_id, Decision.WAITING).subquery()
    return session.scalar(select(func.count()).select_from(waiting)) or 0


def _open_ones(challenge_id: str, state: Decision) -> Select[Application, User]:
    joined = select(Participation.user_id).where(Participation.challenge_id == challenge_id)
    accepted = {Decision.WAITING: None, Decision.ACCEPTED: True, Decision.REFUSED: False}[state]
    return (
        select(Application, User)
        .join(User, User.id == Application.user_id)
        .where(Application.challenge_id == challenge_id, Application.accepted.is_(accepted))
        .where(Application.user_id.not_in(joined), User.deleted_at.is_(None))
    )


def decide(
    session: Session,
    challenge: Challenge,
    usernames: Collection[str],
    *,
    accept: bool,
    now: datetime,
    actor_id: str | None,
) -> list[Asked]:
    """Approve or refuse the applications of these people, all or none of them.

    Who is approved takes part at once; a refused one can be approved later. Raises NotFound that
    names whoever has not asked, and Conflict for refusing who takes part already.
    """
    found = _locked(session, challenge.id, usernames)
    for one in found:
        taking_part = participation_of(session, challenge.id, one.user.id) is not None
        if taking_part and not accept:
            name = one.user.username
            raise Conflict(f"{name} takes part already. Exclude {name} instead.")
        if not taking_part and accept:
            _let_in(session, challenge, one, now)
        if one.application.accepted is not accept:
            _record(session, one, accept=accept, now=now, actor_id=actor_id)
    session.flush()
    return found


def _locked(session: Session, challenge_id: str, usernames: Collection[str]) -> list[Asked]:
    keys = {name_key(name) for name in usernames if searchable(name)}
    if not 1 <= len(usernames) <= MOST_AT_ONCE:
        raise Unprocessable(f"Choose 1 to {MOST_AT_ONCE} people.")
    if len(keys) < len(set(usernames)):
        raise NotFound("One of these names is nobody's. Reload the list.")
    # In one order and people before their rows, as in joining, so that nobody waits in a circle.
    users = session.scalars(
        select(User)
        .where(User.username_key.in_(keys), User.deleted_at.is_(None))
        .order_by(User.id)
        .with_for_update()
    ).all()
    asked = []
    for user in users:
        found = session.get(Application, (challenge_id, user.id), populate_existing=True)
        asked += [Asked(found, user)] if found else []
    if missing := keys - {one.user.username_key for one in asked}:
        raise NotFound(f"There is no application of {', '.join(sorted(missing))}. Reload the list.")
    return asked


def _let_in(session: Session, challenge: Challenge, one: Asked, now: datetime) -> None:
    """Make the person a participant who has accepted the rules as they were when asking."""
    actor = Actor(one.user.id, one.user.username, is_admin=one.user.is_admin)
    joined = join(session, challenge, actor, accept_rules=True, now=now)
    joined.participation.rules_version = one.application.rules_version
    joined.participation.rules_accepted_at = (
        one.application.created_at if one.application.rules_version else None
    )


def _record(
    session: Session, one: Asked, *, accept: bool, now: datetime, actor_id: str | None
) -> None:
    before = one.state
    one.application.accepted = accept
    one.application.decided_by, one.application.decided_at = actor_id, now
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action="application.approved" if accept else "application.refused",
        target=one.user.id,
        challenge_id=one.application.challenge_id,
        before={"state": before},
        after={"state": decided(one.application)},
    )
