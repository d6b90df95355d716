"""What happens to accounts. Callers own the transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..core.security import SCOPES, Actor
from .models import ApiToken, LoginSession, User


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
