"""API tokens: a user restricted to scopes, an expiry and optionally one challenge."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from ..core.errors import Conflict, NotFound
from ..core.ids import new_id
from ..core.security import SCOPES, digest, new_secret
from .errors import InvalidFields
from .models import ApiToken, User
from .neighbours import CHALLENGES, organises_any, visible_challenge_id
from .rules import DEFAULT_TOKEN_DAYS, searchable, token_problems

# Secret scanners recognise a token that was pushed to a public repository by how it begins.
TOKEN_PREFIX = "fs_"  # noqa: S105 - how every token begins, not a token
MOST_TOKENS = 50


@dataclass(frozen=True)
class TokenWish:
    """What somebody asks for in a new token; `challenge` is a slug."""

    name: str
    scopes: Collection[str] | None = None
    expires_days: int = DEFAULT_TOKEN_DAYS
    challenge: str | None = None


@dataclass(frozen=True)
class TokenRow:
    """One token as its owner sees it; `challenge` is a slug."""

    id: str
    name: str
    scopes: list[str]
    challenge: str | None
    created_at: datetime
    expires_at: datetime


def default_scopes(session: Session, user: User) -> list[str]:
    """All scopes that the user can make use of."""
    if user.is_admin or organises_any(session, user.id):
        return list(SCOPES)
    return [scope for scope in SCOPES if scope != "organise"]


def grant_token(session: Session, *, user: User, wish: TokenWish, now: datetime) -> str:
    """Make the token that `user` (locked, so that the limit holds) asks for; its secret.

    Raises InvalidFields, and Conflict when the user has too many.
    """
    scopes = default_scopes(session, user) if wish.scopes is None else wish.scopes
    problems = token_problems(wish.name, scopes, wish.expires_days)
    challenge_id = _challenge_id(session, wish.challenge, user.id)
    if wish.challenge and challenge_id is None:
        problems["challenge"] = "There is no such challenge. Choose one from the list."
    if problems:
        raise InvalidFields(problems)
    _require_room(session, user.id, now)
    return create_token(
        session,
        user=user,
        name=wish.name,
        scopes=scopes,
        expires_at=now + timedelta(days=wish.expires_days),
        challenge_id=challenge_id,
        now=now,
    )


def _challenge_id(session: Session, slug: str | None, user_id: str) -> str | None:
    if not slug or not searchable(slug):
        return None
    return visible_challenge_id(session, slug, user_id)


def _require_room(session: Session, user_id: str, now: datetime) -> None:
    query = select(func.count()).select_from(ApiToken)
    held = session.scalar(query.where(ApiToken.user_id == user_id, ApiToken.expires_at > now))
    if (held or 0) >= MOST_TOKENS:
        raise Conflict(
            f"You have {held} tokens, the most there can be. Revoke one that is not needed.",
            code="too_many_tokens",
        )


def create_token(
    session: Session,
    *,
    user: User,
    name: str,
    scopes: Collection[str],
    expires_at: datetime,
    challenge_id: str | None,
    now: datetime,
) -> str:
    """Store a new token; its secret, which is not kept and can't be shown again."""
    secret = TOKEN_PREFIX + new_secret()
    session.add(
        ApiToken(
            id=new_id(),
            user_id=user.id,
            name=name,
            token_hash=digest(secret),
            scopes=sorted(set(scopes)),
            challenge_id=challenge_id,
            created_at=now,
            expires_at=expires_at,
        )
    )
    session.flush()
    return secret


def token_of_secret(session: Session, secret: str) -> TokenRow:
    """The token that has just been made."""
    row = session.execute(_rows().where(ApiToken.token_hash == digest(secret))).one()
    return _as_row(*row)


def list_tokens(
    session: Session, user_id: str, now: datetime, *, limit: int, cursor: str | None = None
) -> tuple[list[TokenRow], str | None]:
    """The user's valid tokens, newest first, and the cursor of the next page."""
    query = _rows().where(ApiToken.user_id == user_id, ApiToken.expires_at > now)
    if cursor is not None:
        query = query.where(ApiToken.id < (cursor if searchable(cursor) else ""))
    rows = session.execute(query.order_by(ApiToken.id.desc()).limit(limit + 1)).all()
    items = [_as_row(*row) for row in rows[:limit]]
    return items, items[-1].id if len(rows) > limit else None


def revoke_token(session: Session, user_id: str, token_id: str) -> None:
    """Delete one of the user's tokens. Raises NotFound if there is none with this id."""
    if not searchable(token_id):
        raise NotFound
    own = delete(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user_id)
    if session.scalar(own.returning(ApiToken.id)) is None:
        raise NotFound("You have no such token. It may have been revoked already.")


def _rows() -> Select[tuple[ApiToken, Any]]:
    return select(ApiToken, CHALLENGES.c.slug).outerjoin(
        CHALLENGES, CHALLENGES.c.id == ApiToken.challenge_id
    )


def _as_row(token: ApiToken, slug: str | None) -> TokenRow:
    return TokenRow(
        id=token.id,
        name=token.name,
        scopes=list(token.scopes),
        challenge=slug,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )
