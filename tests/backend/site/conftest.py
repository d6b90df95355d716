"""Challenges for the home page, made as rows: no files are needed to list them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import User
from fivesigma_backend.challenges.models import Challenge, Phase, TestSet
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.platform import Platform
from people import Browser, make_user

Window = tuple[float, float | None]
MakeChallenge = Callable[..., Challenge]


def phase_row(
    challenge_id: str, test_set_id: str, position: int, window: Window, now: datetime, **keys: Any
) -> Phase:
    opens = now + timedelta(days=window[0])
    closes = None if window[1] is None else now + timedelta(days=window[1])
    slug = f"phase-{position}"
    definition = {"slug": slug, "title": slug, "opens": opens.isoformat(), "metric": "ams"} | keys
    return Phase(
        id=new_id(),
        challenge_id=challenge_id,
        test_set_id=test_set_id,
        slug=slug,
        title=f"Phase {position}",
        position=position,
        opens_at=opens,
        closes_at=closes,
        definition=definition,
    )


@pytest.fixture
def make_challenge(platform: Platform) -> MakeChallenge:
    """Makes a challenge with phases at `windows`: days from now, [opens, closes)."""

    def make(
        slug: str,
        *,
        windows: Sequence[Window] = ((-1, 1),),
        published: bool = True,
        visibility: str = "public",
        **keys: Any,
    ) -> Challenge:
        now = platform.clock()
        challenge = Challenge(
            id=new_id(),
            slug=slug,
            title=f"Challenge {slug}",
            summary=f"The summary of {slug}.",
            kind="selection",
            definition={"visibility": visibility},
            card="",
            folder_sha256="0" * 64,
            published=published,
            created_at=now,
        )
        test_set = TestSet(id=new_id(), challenge_id=challenge.id, name="main", definition={})
        with platform.db.transaction() as session:
            session.add(challenge)
            session.flush()
            session.add(test_set)
            session.flush()
            for position, window in enumerate(windows):
                session.add(phase_row(challenge.id, test_set.id, position, window, now, **keys))
        return challenge

    return make


@pytest.fixture
def visitor(web: TestClient) -> Browser:
    """Somebody who is not logged in."""
    return Browser(web)


@pytest.fixture
def anna(platform: Platform) -> User:
    """A participant."""
    return make_user(platform, "anna")


@pytest.fixture
def annas(web: TestClient, platform: Platform, anna: User) -> Browser:
    """The logged-in browser of anna."""
    return Browser(web).log_in(platform, anna)


@pytest.fixture
def chiefs(web: TestClient, platform: Platform) -> Browser:
    """The logged-in browser of an administrator."""
    return Browser(web).log_in(platform, make_user(platform, "chief", is_admin=True))
