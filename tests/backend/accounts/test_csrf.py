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

POSTS = sorted(
    route.path
    for app in [FastAPI()]
    if app.include_router(pages.router) is None
    for route in api_routes(app)
    if route.path and not (route.methods or set()) <= SAFE_METHODS
)


def test_the_list_is_whole() -> None:
    assert {"/login", "/logout", "/signup", "/reset", "/account/password"} <= set(POSTS)
    assert len(POSTS) == 11


@pytest.mark.parametrize("path", POSTS)
def test_forms_are_refused_without_the_browsers_own_token(
    web: TestClient, platform: Platform, roots: Browser, anna: User, path: str
) -> None:
    address = path.format(token_id="x", user_id=anna.id)
    others = Browser(web)
    others_token = others.csrf("/login")
    own = read_cookie(platform.secret, roots.cookie)
    assert own
    for token in (None, "", "x", "\x00", "é", others_token, csrf_token("another key", own)):
        data = {} if token is None else {CSRF_FIELD: token}
        answer = roots.http.post(address, data=data)
        assert answer.status_code == 403, token
        assert "The form has expired" in answer.text
    # In the address it does not count: addresses end up in logs and in other people's chats.
    answer = roots.http.post(address, params={CSRF_FIELD: csrf_token(platform.secret, own)})
    assert answer.status_code == 403
    answer = roots.http.post(address, data={CSRF_FIELD: csrf_token(platform.secret, own)})
    assert "The form has expired" not in answer.text


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
