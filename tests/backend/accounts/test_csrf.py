"""No changing request of a browser passes without the browser's own CSRF token."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from fivesigma_backend.accounts import pages
from fivesigma_backend.accounts.models import User
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import CSRF_FIELD, csrf_token, read_cookie
from fivesigma_backend.core.web import SAFE_METHODS, api_routes
from people import Browser


def posts(web: TestClient) -> list[str]:
    """Addresses of every form of accounts."""
    assert isinstance(web.app, FastAPI)
    return sorted(
        route.path
        for route in api_routes(web.app)
        if route.path
        and route.methods
        and not route.methods <= SAFE_METHODS
        and getattr(route.endpoint, "__module__", "").startswith(pages.__package__ or "")
        and not route.path.startswith("/api/")
    )


def test_forms_are_refused_without_the_browsers_own_token(
    web: TestClient, platform: Platform, roots: Browser, anna: User
) -> None:
    addresses = [path.format(token_id="x", user_id=anna.id) for path in posts(web)]
    assert len(addresses) == 11
    others = Browser(web)
    others_token = others.csrf("/login")
    own = read_cookie(platform.secret, roots.cookie)
    assert own
    right = csrf_token(platform.secret, own)
    for address in addresses:
        for token in (None, "", "x", "\x00", "é", others_token, csrf_token("another key", own)):
            answer = roots.http.post(address, data={} if token is None else {CSRF_FIELD: token})
            assert answer.status_code == 403, (address, token)
            assert "The form has expired" in answer.text
        # In the address it does not count: addresses end up in logs and in other people's chats.
        assert roots.http.post(address, params={CSRF_FIELD: right}).status_code == 403


def test_forms_pass_with_the_browsers_own_token(
    web: TestClient, platform: Platform, roots: Browser, anna: User
) -> None:
    cookie = roots.cookie or ""
    right = csrf_token(platform.secret, read_cookie(platform.secret, cookie) or "")
    for path in posts(web):
        roots.set_cookie(cookie)
        address = path.format(token_id="x", user_id=anna.id)
        answer = roots.http.post(address, data={CSRF_FIELD: right})
        assert "The form has expired" not in answer.text, address


@pytest.mark.parametrize("path", ["/login", "/signup"])
def test_forms_of_visitors_are_refused_without_their_own_token(
    web: TestClient, browser: Browser, path: str
) -> None:
    assert browser.http.post(path, data={}).status_code == 403
    others_token = Browser(web).csrf("/login")
    browser.get("/login")
    assert browser.http.post(path, data={CSRF_FIELD: others_token}).status_code == 403


@pytest.mark.parametrize(("method", "path"), [("POST", "/tokens"), ("DELETE", "/tokens/x")])
def test_the_api_asks_browsers_for_the_header(
    web: TestClient, annas: Browser, method: str, path: str
) -> None:
    for headers in ({}, {"X-CSRF-Token": Browser(web).csrf("/login")}):
        answer = annas.http.request(method, f"/api/v1{path}", json={"name": "x"}, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "csrf"
