"""The three people of the demo, and a token while one of them hands in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import select

from ..accounts.models import ApiToken, User
from ..accounts.passwords import hash_password
from ..accounts.service import add_user, find_user
from ..accounts.tokens import create_token
from ..core.platform import Platform
from ..core.security import SCOPES
from .notes import Notes

ORGANISER, PARTICIPANTS = "organiser", ("ada", "ben")
PEOPLE = (ORGANISER, *PARTICIPANTS)
TOKEN_NAME, TOKEN_LIFE = "demo", timedelta(hours=1)


def is_peopled(opened: Platform) -> bool:
    """Whether the platform has any account."""
    with opened.db.read() as session:
        return session.scalar(select(User.id).limit(1)) is not None


def bring_people(opened: Platform, notes: Notes) -> dict[str, str]:
    """The ids of the three by name; whoever is missing is added, with a password of their own."""
    with opened.db.read() as session:
        ids = {name: user.id for name in PEOPLE if (user := find_user(session, name))}
    missing = [name for name in PEOPLE if name not in ids]
    for name in missing:
        notes.passwords.setdefault(name, secrets.token_urlsafe(9))
    notes.keep()  # before the accounts: a password that nobody knows is worse than a spare one
    for name in missing:
        hashed = hash_password(notes.passwords[name])
        with opened.db.transaction() as session:
            ids[name] = add_user(
                session,
                username=name,
                email=None,
                password_hash=hashed,
                is_admin=name == ORGANISER,
                now=opened.clock(),
            ).id
    return ids


@contextmanager
def token_of(opened: Platform, user_id: str) -> Iterator[str]:
    """A token of a participant, gone with the block; those of killed runs go, too."""
    now = opened.clock()
    with opened.db.transaction() as session:
        token = create_token(
            session,
            user=session.get_one(User, user_id),
            name=TOKEN_NAME,
            scopes=[scope for scope in SCOPES if scope != "organise"],
            expires_at=now + TOKEN_LIFE,
            challenge_id=None,
            now=now,
        )
    try:
        yield token
    finally:
        _revoke(opened, user_id)


def _revoke(opened: Platform, user_id: str) -> None:
    with opened.db.transaction() as session:
        for token in session.scalars(
            select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.name == TOKEN_NAME)
        ):
            session.delete(token)
