"""Browsers and people for the tests of accounts."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.accounts import passwords
from fivesigma_backend.accounts.models import User
from fivesigma_backend.core.platform import Platform
from people import CHEAP, Browser, make_user


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the cost of the hash; test_passwords.py looks at the real one."""
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)
    monkeypatch.setattr(passwords, "_NOBODY", passwords._hash_of_nobody())


@pytest.fixture
def browser(web: TestClient) -> Browser:
    """A visitor."""
    return Browser(web)


@pytest.fixture
def anna(platform: Platform) -> User:
    """A participant."""
    return make_user(platform, "anna", email="Anna@example.org")


@pytest.fixture
def annas(web: TestClient, platform: Platform, anna: User) -> Browser:
    """The logged-in browser of anna."""
    return Browser(web).log_in(platform, anna)


@pytest.fixture
def root(platform: Platform) -> User:
    """The one administrator."""
    return make_user(platform, "chief", is_admin=True)


@pytest.fixture
def roots(web: TestClient, platform: Platform, root: User) -> Browser:
    """The logged-in browser of the administrator."""
    return Browser(web).log_in(platform, root)
