"""A platform with a challenge and people on it, for tests that tell a story over HTTP."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from challenge_folder import write_prediction, write_tiny_challenge
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import User
from fivesigma_backend.accounts.service import add_user, create_token, find_user
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import SCOPES
from fivesigma_worker.housekeeping import tick
from fivesigma_worker.scoring import drain

API = "/api/v1"


@dataclass
class Person:
    """Somebody with a token, and what they can do with it."""

    web: TestClient
    username: str
    token: str
    slug: str = "tiny"
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **options: Any) -> Any:
        return self.web.get(path, headers=self._headers(options), **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.web.post(path, headers=self._headers(options), **options)

    def patch(self, path: str, **options: Any) -> Any:
        return self.web.patch(path, headers=self._headers(options), **options)

    def join(self) -> Any:
        body = {"accept_rules": True}
        return self.post(f"{API}/challenges/{self.slug}/join", json=body)

    def submit(self, content: bytes, name: str = "prediction.csv", **options: Any) -> Any:
        """Hand in a file; `phase`, `message`, `metadata` go into the form."""
        form = {key: options.pop(key) for key in ("phase", "message", "metadata") if key in options}
        path = f"{API}/challenges/{self.slug}/submissions"
        return self.post(path, data=form, files={"file": (name, content)}, **options)

    def validate(self, content: bytes, name: str = "prediction.csv") -> Any:
        path = f"{API}/challenges/{self.slug}/validate"
        return self.post(path, files={"file": (name, content)})

    def board(self, **query: Any) -> Any:
        return self.get(f"{API}/challenges/{self.slug}/leaderboard", params=query)

    def _headers(self, options: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})


@dataclass
class Story:
    """The tiny challenge, loaded, and people who may have joined it."""

    platform: Platform
    web: TestClient
    folder: Path

    def person(self, username: str, *, joined: bool = True, admin: bool = False) -> Person:
        """Somebody new, with a token of all scopes."""
        now = self.platform.clock()
        with self.platform.db.transaction() as session:
            user = add_user(
                session,
                username=username,
                email=None,
                password_hash=None,
                is_admin=admin,
                now=now,
            )
            token = token_of(session, user, now)
        person = Person(self.web, username, token)
        if joined:
            assert person.join().status_code == 200
        return person

    def user(self, username: str) -> User:
        with self.platform.db.read() as session:
            found = find_user(session, username)
        assert found is not None
        return found

    def token(self, username: str, **restrictions: Any) -> str:
        """A further token of somebody."""
        with self.platform.db.transaction() as session:
            return token_of(session, self.user(username), self.platform.clock(), **restrictions)

    def prediction(self, cut: float = 0.0) -> bytes:
        """A valid file that selects `x > cut`."""
        path = self.folder / f"cut-{cut}.csv"
        write_prediction(self.folder, path, cut=cut)
        return path.read_bytes()

    def drain(self) -> int:
        """Score what waits, in this process."""
        return drain(self.platform, threading.Event())

    def tick(self) -> None:
        """One housekeeping tick, in this process."""
        tick(self.platform, threading.Event())


def token_of(session: Any, user: User, now: Any, **restrictions: Any) -> str:
    """A token of all scopes, or as restricted."""
    options = {
        "name": "test",
        "scopes": list(SCOPES),
        "expires_at": now + timedelta(days=90),
        "challenge_id": None,
    } | restrictions
    return create_token(session, user=user, now=now, **options)


def begin_story(platform: Platform, web: TestClient, folder: Path, **toml: Any) -> Story:
    """Load the tiny challenge, with changes to its toml."""
    write_tiny_challenge(folder, **toml)
    load_challenge(platform, folder, report=lambda line: None)
    return Story(platform, web, folder)
