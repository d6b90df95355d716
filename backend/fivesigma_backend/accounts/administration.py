"""Acts on accounts that are recorded: reset links, the administrator's role, deletion."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from ..core.audit import record_act
from ..core.security import digest, new_secret
from .errors import InvalidResetCode, LastAdmin
from .models import ApiToken, ResetCode, User
from .neighbours import forget_registrations, rename_teams_of_one
from .rules import PSEUDONYM, RESET_CODE_LIFE, name_key, searchable
from .service import end_sessions, get_user, lock_proven, replace_password

_PSEUDONYM_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def make_reset_code(session: Session, *, actor_id: str | None, user_id: str, now: datetime) -> str:
    """A code with which the person sets a new password, once and within 24 hours.

    Earlier codes of the person stop working.
    """
    user = get_user(session, user_id, lock=True)
    session.execute(delete(ResetCode).where(ResetCode.user_id == user.id))
    code = new_secret()
    session.add(
        ResetCode(code_hash=digest(code), user_id=user.id, expires_at=now + RESET_CODE_LIFE)
    )
    record_act(session, now=now, actor_id=actor_id, action="user.reset_link", target=user.id)
    session.flush()
    return code


def user_of_reset_code(session: Session, code: str, now: datetime) -> User:
    """Whose password the code resets. Raises InvalidResetCode."""
    user = session.scalar(
        select(User)
        .join(ResetCode, ResetCode.user_id == User.id)
        .where(ResetCode.code_hash == digest(code), ResetCode.expires_at > now)
        .where(User.deleted_at.is_(None))
    )
    if user is None:
        raise InvalidResetCode
    return user


def redeem_reset_code(
    session: Session, code: str, password_hash: str, *, revoke_tokens: bool, now: datetime
) -> User:
    """Use the code up and set the password. Raises InvalidResetCode, also for a second use."""
    user_id = session.scalar(
        delete(ResetCode)
        .where(ResetCode.code_hash == digest(code), ResetCode.expires_at > now)
        .returning(ResetCode.user_id)
    )
    if user_id is None:
        raise InvalidResetCode
    user = get_user(session, user_id, lock=True)
    replace_password(session, user, password_hash, revoke_tokens=revoke_tokens)
    record_act(session, now=now, actor_id=user.id, action="user.password_reset", target=user.id)
    return user


def list_users(
    session: Session, search: str, *, limit: int, cursor: str | None = None
) -> tuple[list[User], str | None]:
    """People whose name or address contains `search`, by name, and the cursor of the next page."""
    if not searchable(search) or not searchable(cursor or ""):
        return [], None
    query = select(User).where(User.deleted_at.is_(None))
    if key := name_key(search):
        in_name = User.username_key.contains(key, autoescape=True)
        query = query.where(or_(in_name, User.email_key.contains(key, autoescape=True)))
    if cursor:
        query = query.where(User.username_key > cursor)
    users = list(session.scalars(query.order_by(User.username_key).limit(limit + 1)))
    return users[:limit], users[limit - 1].username_key if len(users) > limit else None


def set_admin(
    session: Session, *, actor_id: str | None, user_id: str, is_admin: bool, now: datetime
) -> None:
    """Give or take the administrator's role. Raises LastAdmin rather than leave the site alone."""
    if not is_admin:
        _require_other_admin(session, user_id)
    user = get_user(session, user_id, lock=True)
    before, user.is_admin = user.is_admin, is_admin
    session.flush()
    if before != is_admin:
        record_act(
            session,
            now=now,
            actor_id=actor_id,
            action="user.admin",
            target=user.id,
            before={"is_admin": before},
            after={"is_admin": is_admin},
        )


def _require_other_admin(session: Session, user_id: str) -> None:
    # All administrators are locked (in one order, before any other row, so that nobody waits in a
    # circle): the last two can't demote each other at once.
    admins = session.scalars(
        select(User.id)
        .where(User.is_admin, User.deleted_at.is_(None))
        .order_by(User.id)
        .with_for_update()
    ).all()
    if list(admins) == [user_id]:
        raise LastAdmin


def delete_account(
    session: Session, user_id: str, *, proven_hash: str | None, now: datetime
) -> None:
    """Forget the person; what they handed in stays, under a pseudonym.

    Address, password, sessions, tokens and reset links go, the username becomes free, and teams
    of this one person take the pseudonym as their name. The log keeps the id, never the name.
    Raises LastAdmin.
    """
    _require_other_admin(session, user_id)
    user = lock_proven(session, user_id, proven_hash)
    user.username = user.username_key = _free_pseudonym(session)
    user.email = user.email_key = user.password_hash = None
    user.is_admin, user.deleted_at = False, now
    end_sessions(session, user.id)
    for model in (ApiToken, ResetCode):
        session.execute(delete(model).where(model.user_id == user.id))
    rename_teams_of_one(session, user.id, user.username)
    forget_registrations(session, user.id)
    record_act(session, now=now, actor_id=user.id, action="user.deleted", target=user.id)
    session.flush()


def _free_pseudonym(session: Session) -> str:
    while True:
        name = PSEUDONYM + "".join(secrets.choice(_PSEUDONYM_LETTERS) for _ in range(6))
        if session.scalar(select(User.id).where(User.username_key == name)) is None:
            return name
