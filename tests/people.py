"""People for tests: accounts made without the page, and browsers without scripts."""

from __future__ import annotations

import json
import re
from functools import cache
from html import unescape
from typing import Any, Protocol

from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import User
from fivesigma_backend.accounts.service import actor_of_token, add_user, start_session
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import COOKIE, CSRF_FIELD, digest, sign_cookie
from httpx2 import Response

PASSWORD = "correct horse battery staple"
# Argon2 all the same, without the cost: tests log in hundreds of times.
CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


class Advancing(Protocol):
    """The part of the frozen clock that tests turn."""

    def advance(self, **by: float) -> None:
        """Move on by a `timedelta(**by)`."""


@cache
def password_hash() -> str:
    """A hash of PASSWORD."""
    return CHEAP.hash(PASSWORD)


def make_user(
    platform: Platform, username: str, *, is_admin: bool = False, email: str | None = None
) -> User:
    """An account whose password is PASSWORD."""
    with platform.db.transaction() as session:
        return add_user(
            session,
            username=username,
            email=email,
            password_hash=password_hash(),
            is_admin=is_admin,
            now=platform.clock(),
        )


def make_challenge(
    platform: Platform, slug: str, *, published: bool = True, organiser: User | None = None
) -> str:
    """A challenge without files or phases; its id."""
    challenge = Challenge(
        id=new_id(),
        slug=slug,
        title=f"The {slug} challenge",
        summary="",
        kind="selection",
        definition={},
        card="",
        folder_sha256="0" * 64,
        published=published,
        created_at=platform.clock(),
    )
    with platform.db.transaction() as session:
        session.add(challenge)
        session.flush()
        if organiser is not None:
            session.add(Organiser(challenge_id=challenge.id, user_id=organiser.id))
    return challenge.id


class Browser:
    """A browser of its own: it keeps cookies and sends the CSRF field of the page it is on."""

    def __init__(self, web: TestClient) -> None:
        self.http = TestClient(web.app, follow_redirects=False)

    def log_in(self, platform: Platform, user: User) -> Browser:
        """Carry a session of `user`, without the slow log-in page."""
        with platform.db.transaction() as session:
            token = start_session(session, user.id, now=platform.clock(), days=14)
        self.set_cookie(sign_cookie(platform.secret, token))
        return self

    def set_cookie(self, value: str) -> None:
        """Carry exactly this session cookie."""
        self.http.cookies.clear()
        # The test client's cookie jar calls a host without a dot so.
        self.http.cookies.set(COOKIE, value, domain="testserver.local")

    @property
    def cookie(self) -> str | None:
        """The session cookie."""
        return self.http.cookies.get(COOKIE)

    def get(self, path: str) -> Response:
        """Look at a page."""
        return self.http.get(path)

    def csrf(self, page: str) -> str:
        """The CSRF token in the forms of `page`."""
        answer = self.get(page)
        found = re.search(rf'name="{CSRF_FIELD}" value="([^"]+)"', answer.text)
        assert found, f"no form on {page}: {answer.status_code}"
        return unescape(found[1])

    def post(self, path: str, *, page: str | None = None, **fields: str) -> Response:
        """Send the form of `page` (by default the page at the same address) to `path`."""
        return self.http.post(path, data={CSRF_FIELD: self.csrf(page or path), **fields})

    def api(self, method: str, path: str, **options: Any) -> Response:
        """Call the API as a script of our own pages would."""
        headers = {"X-CSRF-Token": self.csrf("/account")}
        # A body as text, since the client's encoder is stricter than what a stranger may send.
        if "json" in options:
            options["content"] = json.dumps(options.pop("json"))
            headers["Content-Type"] = "application/json"
        return self.http.request(method, path, headers=headers, **options)


def make_token(browser: Browser, **fields: Any) -> Any:
    """Make an API token in a logged-in browser; the answer, with the secret."""
    answer = browser.api("POST", "/api/v1/tokens", json={"name": "ci", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def token_works(platform: Platform, secret: str) -> bool:
    """Whether the secret of a token still proves somebody."""
    with platform.db.read() as session:
        return actor_of_token(session, digest(secret), platform.clock()) is not None
