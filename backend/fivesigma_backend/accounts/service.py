"""People, and the sessions that prove who they are. Callers own the transaction.

Passwords come in as hashes: hashing is slow and happens before the transaction (`passwords.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..core.audit import record_act
from ..core.errors import NotFound
from ..core.ids import new_id
from ..core.security import SCOPES, Actor, digest, new_secret
from .errors import InvalidFields, WrongCredentials
from .models import ApiToken, LoginSession, ResetCode, User
from .rules import account_problems, name_key, numbered, searchable, username_from_email
from .tokens import create_token as create_token  # found here with the other services

MOST_SESSIONS = 50
TAKEN = {
    "username": "This username is taken. Choose another.",
    "email": "This address belongs to an account here. Log in, or leave the field empty.",
}


def actor_of_session(
    session: Session, token_hash: str, cookie_token: str, now: datetime
) -> Actor | None:
    """The logged-in person of a browser session that is still valid."""
    user = session.scalar(
        select(User)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(LoginSession.token_hash == token_hash, LoginSession.expires_at > now)
        .where(User.deleted_at.is_(None))
    )
    if user is None:
        return None
    return Actor(
        user_id=user.id,
        username=user.username,
        is_admin=user.is_admin,
        scopes=frozenset(SCOPES),
        cookie_token=cookie_token,
    )


def actor_of_token(session: Session, token_hash: str, now: datetime) -> Actor | None:
    """The person behind an API token that is still valid, restricted as the token is."""
    row = session.execute(
        select(User, ApiToken)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.token_hash == token_hash, ApiToken.expires_at > now)
        .where(User.deleted_at.is_(None))
    ).first()
    if row is None:
        return None
    user, token = row
    return Actor(
        user_id=user.id,
        username=user.username,
        is_admin=user.is_admin,
        scopes=frozenset(token.scopes),
        by_token=True,
        challenge_id=token.challenge_id,
    )


def find_user(session: Session, name: str) -> User | None:
    """The person with this username or e-mail address, in any case of letters."""
    if not searchable(name):
        return None
    key = name_key(name)
    return session.scalar(
        select(User)
        .where(or_(User.username_key == key, User.email_key == key))
        .where(User.deleted_at.is_(None))
    )


def get_user(session: Session, user_id: str | None, *, lock: bool = False) -> User:
    """The person with this id. Raises NotFound for nobody and for a deleted account."""
    if user_id is None or not searchable(user_id):
        raise NotFound
    query = select(User).where(User.id == user_id, User.deleted_at.is_(None))
    user = session.scalar(query.with_for_update() if lock else query)
    if user is None:
        raise NotFound
    return user


def lock_proven(session: Session, user_id: str, proven_hash: str | None) -> User:
    """The person, locked, if the password proven before this transaction is still the present one.

    Otherwise a log-in could slip past a reset that happened while its password was being checked.
    """
    try:
        user = get_user(session, user_id, lock=True)
    except NotFound:
        raise WrongCredentials from None
    if user.password_hash is None or user.password_hash != proven_hash:
        raise WrongCredentials
    return user


def taken_fields(session: Session, username: str, email: str | None) -> dict[str, str]:
    """Which of the two belong to somebody else already."""
    wanted = {"username": User.username_key == name_key(username)}
    if email:
        wanted["email"] = User.email_key == name_key(email)
    return {
        field: TAKEN[field]
        for field, same in wanted.items()
        if session.scalar(select(User.id).where(same)) is not None
    }


def add_user(
    session: Session,
    *,
    username: str | None,
    email: str | None,
    password_hash: str | None,
    is_admin: bool,
    now: datetime,
) -> User:
    """A new account; without `username` it is named after the e-mail address.

    Raises InvalidFields for a name or address that is not well-formed or is taken.
    """
    username = username or _free_username(session, email or "")
    problems = account_problems(username, email or "") or taken_fields(session, username, email)
    if problems:
        raise InvalidFields(problems)
    user = User(
        id=new_id(),
        username=username,
        username_key=name_key(username),
        email=email or None,
        email_key=name_key(email) if email else None,
        password_hash=password_hash,
        is_admin=is_admin,
        created_at=now,
    )
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:  # somebody else took it between our look and our write
        field = "email" if "email_key" in str(error.orig) else "username"
        raise InvalidFields({field: TAKEN[field]}) from None
    return user


def _free_username(session: Session, email: str) -> str:
    base = username_from_email(email)
    name, number = base, 1
    while taken_fields(session, name, None):
        number += 1
        name = numbered(base, number)
    return name


def set_password(session: Session, username: str, password_hash: str, *, now: datetime) -> User:
    """An operator's reset: ends every session. Raises NotFound for an unknown username."""
    user = find_user(session, username)
    if user is None:
        raise NotFound(f"There is no user “{username[:80]}”. Check the name.")
    replace_password(session, user, password_hash)
    record_act(session, now=now, actor_id=None, action="user.password_set", target=user.id)
    return user


def replace_password(
    session: Session, user: User, password_hash: str, *, revoke_tokens: bool = False
) -> None:
    """Set the password; ends every session and every open reset link.

    API tokens stay unless `revoke_tokens`: jobs that hand in at night must not die of a routine
    change, and whoever fears that somebody else knew the password ticks a box.
    """
    user.password_hash = password_hash
    end_sessions(session, user.id)
    session.execute(delete(ResetCode).where(ResetCode.user_id == user.id))
    if revoke_tokens:
        session.execute(delete(ApiToken).where(ApiToken.user_id == user.id))
    session.flush()


def start_session(
    session: Session, user_id: str, *, now: datetime, days: int, replaces: str | None = None
) -> str:
    """A new browser session; the token for its cookie. The session of `replaces` ends.

    The token is always fresh: one that was in the browser before the log-in may be known to
    whoever planted it there.
    """
    if replaces is not None:
        end_session(session, replaces)
    _end_oldest(session, user_id, keep=MOST_SESSIONS - 1)
    token = new_secret()
    session.add(
        LoginSession(
            token_hash=digest(token),
            user_id=user_id,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    session.flush()
    return token


def _end_oldest(session: Session, user_id: str, keep: int) -> None:
    newest = select(LoginSession.token_hash).where(LoginSession.user_id == user_id)
    newest = newest.order_by(LoginSession.created_at.desc()).limit(keep)
    session.execute(
        delete(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.token_hash.not_in(newest))
        .execution_options(synchronize_session=False)
    )


def list_sessions(session: Session, user_id: str, now: datetime) -> list[LoginSession]:
    """The browsers in which the person is logged in, newest first."""
    query = select(LoginSession).where(LoginSession.user_id == user_id)
    query = query.where(LoginSession.expires_at > now).order_by(LoginSession.created_at.desc())
    return list(session.scalars(query))


def end_session(session: Session, cookie_token: str) -> None:
    """Log one browser out."""
    session.execute(delete(LoginSession).where(LoginSession.token_hash == digest(cookie_token)))


def end_sessions(session: Session, user_id: str) -> None:
    """Log the person out everywhere."""
    session.execute(delete(LoginSession).where(LoginSession.user_id == user_id))


def delete_expired(session: Session, now: datetime) -> int:
    """Housekeeping: remove sessions, tokens and reset codes that have expired; how many."""
    removed = 0
    for model in (LoginSession, ApiToken, ResetCode):
        gone = delete(model).where(model.expires_at <= now).returning(model.user_id)
        removed += len(session.scalars(gone).all())
    return removed
