"""Signing up."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import User
from fivesigma_backend.accounts.service import find_user
from fivesigma_backend.core.platform import Platform
from people import PASSWORD, Browser
from pydantic import SecretStr
from sqlalchemy import func, select

pytestmark = pytest.mark.stores

GOOD = {"username": "Newcomer", "email": "", "password": "a fine long password"}


def set_signup(platform: Platform, **update: object) -> None:
    object.__setattr__(platform, "settings", platform.settings.model_copy(update=update))


def count_users(platform: Platform) -> int:
    with platform.db.read() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


def test_whoever_signs_up_is_logged_in(browser: Browser, platform: Platform) -> None:
    answer = browser.post("/signup", **{**GOOD, "email": "New@example.org", "next": "/account"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/account?notice=signed-up"
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "Newcomer" in browser.get("/account").text
    with platform.db.read() as session:
        user = find_user(session, "newcomer")
    assert user is not None
    assert user.email == "New@example.org"
    assert not user.is_admin
    assert user.password_hash is not None
    assert user.password_hash.startswith("$argon2id$")


def test_the_password_opens_the_account_again(browser: Browser) -> None:
    browser.post("/signup", **GOOD)
    browser.post("/logout", page="/account")
    answer = browser.post("/login", username="newcomer", password=GOOD["password"])
    assert answer.status_code == 303


def test_signing_up_changes_the_cookie(browser: Browser) -> None:
    browser.get("/signup")
    before = browser.cookie
    browser.post("/signup", **GOOD)
    assert before != browser.cookie


WRONG = (
    ({"username": "a"}, "username"),
    ({"username": "=2+3"}, "username"),
    ({"username": "admin"}, "username"),
    ({"username": "deleted-abcdef"}, "username"),
    ({"username": "ANNA"}, "username"),
    ({"username": "with\x00nul"}, "username"),
    ({"username": "x" * 900_000}, "username"),
    ({"email": "no address"}, "email"),
    ({"email": "a\x00@b.org"}, "email"),
    ({"email": "ANNA@example.org"}, "email"),
    ({"password": "short"}, "password"),
    ({"password": "x" * 1001}, "password"),
    ({"username": "Same-as-it", "password": "same-AS-it"}, "password"),
)


def test_errors_stand_at_their_field_and_what_was_typed_stays(
    browser: Browser, platform: Platform, anna: User
) -> None:
    for change, field in WRONG:
        sent = {**GOOD, "email": "typed@example.org", **change}
        answer = browser.post("/signup", **sent)
        assert answer.status_code == 422
        assert re.findall(r'id="(\w+)-error"', answer.text) == [field]
        assert sent["password"] not in answer.text
        assert field == "email" or 'value="typed@example.org"' in answer.text
        assert len(answer.text) < 20_000
    assert count_users(platform) == 1


def test_every_wrong_field_is_named_at_once(browser: Browser) -> None:
    answer = browser.post("/signup", username="", email="x", password="")
    for field in ("username", "email", "password"):
        assert f'id="{field}-error"' in answer.text


def test_what_was_typed_is_escaped(browser: Browser) -> None:
    answer = browser.post("/signup", **{**GOOD, "username": '"><script>alert(1)</script>'})
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text


def test_a_megabyte_is_too_large(browser: Browser) -> None:
    answer = browser.post("/signup", **{**GOOD, "username": "x" * 1024 * 1024})
    assert answer.status_code == 413


def test_a_file_is_no_username(browser: Browser, platform: Platform) -> None:
    token = browser.csrf("/signup")
    answer = browser.http.post(
        "/signup",
        data={"csrf_token": token, "password": PASSWORD},
        files={"username": ("name.txt", b"newcomer")},
    )
    assert answer.status_code == 422
    assert count_users(platform) == 0


def test_a_field_sent_twice_makes_no_second_account(browser: Browser, platform: Platform) -> None:
    token = browser.csrf("/signup")
    body = f"csrf_token={token}&username=one1&username=two2&password={GOOD['password']}"
    answer = browser.http.post(
        "/signup",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code < 500
    assert count_users(platform) <= 1


def test_sending_the_form_twice_makes_one_account(browser: Browser, platform: Platform) -> None:
    token, cookie = browser.csrf("/signup"), browser.cookie or ""
    answers = []
    for _ in range(2):
        browser.set_cookie(cookie)
        answers.append(browser.http.post("/signup", data={"csrf_token": token, **GOOD}))
    assert [answer.status_code for answer in answers] == [303, 422]
    assert count_users(platform) == 1


def test_where_sign_up_is_closed_nobody_gets_in(browser: Browser, platform: Platform) -> None:
    token = browser.csrf("/signup")
    set_signup(platform, signup="closed")
    assert browser.get("/signup").status_code == 403
    answer = browser.http.post("/signup", data={"csrf_token": token, **GOOD})
    assert answer.status_code == 403
    assert count_users(platform) == 0


def test_where_a_code_is_asked_for_only_its_holders_get_in(
    browser: Browser, platform: Platform
) -> None:
    set_signup(platform, signup="code", signup_code=SecretStr("zurich-2026-ü"))
    for wrong in ("", "zurich-2025", "\x00", "zurich-2026-ü2"):
        answer = browser.post("/signup", **GOOD, code=wrong)
        assert answer.status_code == 422
        assert 'id="code-error"' in answer.text
    assert count_users(platform) == 0
    assert browser.post("/signup", **GOOD, code="zurich-2026-ü").status_code == 303


def test_without_a_code_in_the_settings_no_code_is_right(
    browser: Browser, platform: Platform
) -> None:
    set_signup(platform, signup="code", signup_code=None)
    assert browser.post("/signup", **GOOD, code="").status_code == 422
    assert browser.post("/signup", **GOOD, code="None").status_code == 422


def test_guessing_codes_is_limited(
    browser: Browser, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fivesigma_backend.accounts.signup_pages.WRONG_CODES", "3/hour")
    set_signup(platform, signup="code", signup_code=SecretStr("right"))
    for _ in range(3):
        assert browser.post("/signup", **GOOD, code="wrong").status_code == 422
    assert browser.post("/signup", **GOOD, code="right").status_code == 429


def test_trying_out_addresses_is_limited(
    browser: Browser, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fivesigma_backend.accounts.signup_pages.TAKEN_ADDRESSES", "2/hour")
    sent = {**GOOD, "email": "anna@example.org"}
    codes = [browser.post("/signup", **sent).status_code for _ in range(3)]
    assert codes == [422, 422, 429]


def test_signing_up_is_limited(
    browser: Browser, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fivesigma_backend.accounts.signup_pages.ATTEMPTS", "1/hour")
    assert browser.post("/signup", **GOOD).status_code == 303
    assert Browser(web).post("/signup", **{**GOOD, "username": "other"}).status_code == 429


def test_whoever_is_logged_in_needs_no_form(annas: Browser) -> None:
    assert annas.get("/signup").status_code == 303
