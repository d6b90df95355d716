"""Who is asking, and the proofs that a browser and a token carry."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

SCOPES = ("organise", "read", "submit")
COOKIE = "fivesigma_session"
CSRF_FIELD = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"


@dataclass(frozen=True)
class Actor:
    """The one who makes a request: a visitor, a logged-in browser, or a token.

    `cookie_token` is the secret of the browser's cookie, to which CSRF tokens are bound.
    `challenge_id` restricts a token to one challenge.
    """

    user_id: str | None = None
    username: str = ""
    is_admin: bool = False
    scopes: frozenset[str] = frozenset()
    by_token: bool = False
    challenge_id: str | None = None
    cookie_token: str | None = None

    @property
    def known(self) -> bool:
        """Whether this is a person who has proved who they are."""
        return self.user_id is not None


def new_secret() -> str:
    """A fresh secret of 256 bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a secret of full entropy (sessions, tokens, codes): its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def sign_cookie(key: str, token: str) -> str:
    """The cookie's value for a browser's token."""
    return URLSafeSerializer(key, salt="session").dumps(token)


def read_cookie(key: str, value: str | None) -> str | None:
    """The token of a cookie that we signed; None for any other."""
    if not value:
        return None
    try:
        token = URLSafeSerializer(key, salt="session").loads(value)
    except BadSignature:
        return None
    return token if isinstance(token, str) else None


def csrf_token(key: str, cookie_token: str) -> str:
    """The token that forms of this browser carry."""
    return hmac.new(key.encode(), f"csrf:{cookie_token}".encode(), hashlib.sha256).hexdigest()


def csrf_matches(key: str, cookie_token: str | None, offered: str | None) -> bool:
    """Whether `offered` is this browser's token, compared in constant time."""
    if not cookie_token or not offered:
        return False
    return hmac.compare_digest(csrf_token(key, cookie_token).encode(), offered.encode())
