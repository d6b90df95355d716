"""Logging in and out, and what the cookie is worth."""

from __future__ import annotations

import re
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import LoginSession, User
from fivesigma_backend.accounts.service import find_user, get_user
from fivesigma_backend.app import create_app
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import COOKIE, sign_cookie
from itsdangerous import URLSafeSerializer
from people import PASSWORD, Advancing, Browser, make_user
from sqlalchemy import func, select


def count_sessions(platform: Platform) -> int:
    with platform.db.read() as session:
        return session.scalar(select(func.count()).select_from(LoginSession)) or 0


def test_one_logs_in_by_username_or_address(web: TestClient, anna: User) -> None:
    for name in ("anna", "ANNA", "anna@EXAMPLE.org"):
        browser = Browser(web)
        answer = browser.post("/login", username=name, password=PASSWORD)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        assert "anna" in browser.get("/account").text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    browser: Browser, anna: User
) -> None:
    answer = browser.post("/login", username="anna", password=PASSWORD)
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}=")
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    assert "max-age=1209600" in cookie.lower()
    assert "secure" not in cookie.lower()


def test_behind_tls_the_cookie_is_secure(platform: Platform, anna: User) -> None:
    object.__setattr__(
        platform,
        "settings",
        platform.settings.model_copy(update={"public_url": "https://example.org"}),
    )
    with TestClient(create_app(platform), base_url="https://testserver") as web:
        browser = Browser(web)
        browser.http.base_url = "https://testserver"
        answer = browser.post("/login", username="anna", password=PASSWORD)
        assert "; secure" in answer.headers["set-cookie"].lower()
        answer = browser.post("/logout", page="/account")
        assert "; secure" in answer.headers["set-cookie"].lower()


def test_a_cookie_that_was_planted_before_the_log_in_is_worth_nothing_after_it(
    web: TestClient, browser: Browser, anna: User
) -> None:
    browser.get("/login")
    planted = browser.cookie
    assert planted
    browser.post("/login", username="anna", password=PASSWORD)
    assert browser.cookie != planted
    attacker = Browser(web)
    attacker.set_cookie(planted)
    assert attacker.get("/account").status_code == 303


def test_logging_in_again_ends_the_session_before(
    web: TestClient, platform: Platform, annas: Browser
) -> None:
    make_user(platform, "berta")
    before = annas.cookie
    annas.post("/login", page="/account", username="berta", password=PASSWORD)
    assert "berta" in annas.get("/account").text
    assert count_sessions(platform) == 1
    annas.set_cookie(before or "")
    assert annas.get("/account").status_code == 303


def visible_part(page: str) -> str:
    return re.sub(r'value="[^"]*"', "", page)


def test_an_unknown_name_gets_the_same_answer_as_a_wrong_password(
    browser: Browser, anna: User
) -> None:
    wrong = browser.post("/login", username="anna", password="not the password")
    assert wrong.status_code == 401
    for unknown in ("nobody", "nobody@example.org", "", "a\x00b", "\ud7ff", "%00"):
        missing = browser.post("/login", username=unknown, password="not the password")
        assert missing.status_code == 401
        assert visible_part(wrong.text) == visible_part(missing.text)
        assert "not the password" not in missing.text


def test_an_unknown_name_costs_as_much_work_as_a_wrong_password(
    browser: Browser, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str | bytes, password: str | bytes) -> Any:
        costs.append(str(stored).rsplit("$", 2)[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    for name in ("anna", "nobody"):
        browser.post("/login", username=name, password="not the password")
    assert len(costs) == 2
    assert costs[0] == costs[1]


def test_an_account_without_password_can_not_be_entered(
    browser: Browser, platform: Platform, anna: User
) -> None:
    with platform.db.transaction() as session:
        get_user(session, anna.id).password_hash = None
    for guess in ("", "None", PASSWORD):
        assert browser.post("/login", username="anna", password=guess).status_code == 401


def test_too_many_failures_shut_the_account_for_this_address_only(
    web: TestClient, browser: Browser, platform: Platform, anna: User
) -> None:
    for _ in range(platform.settings.login_attempts):
        assert browser.post("/login", username="Anna", password="wrong").status_code == 401
    refused = browser.post("/login", username="anna", password=PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == 900
    make_user(platform, "berta")
    assert browser.post("/login", username="berta", password=PASSWORD).status_code == 303
    elsewhere = Browser(web)
    elsewhere.http = TestClient(web.app, follow_redirects=False, client=("192.0.2.7", 1))
    assert elsewhere.post("/login", username="anna", password=PASSWORD).status_code == 303


def test_success_starts_the_count_again(browser: Browser, platform: Platform, anna: User) -> None:
    for _ in range(2):
        for _ in range(platform.settings.login_attempts - 1):
            assert browser.post("/login", username="anna", password="wrong").status_code == 401
        answer = browser.post("/login", username="anna", password=PASSWORD)
        assert answer.status_code == 303
        browser.post("/logout", page="/account")


def test_an_address_that_tries_many_names_is_shut(
    browser: Browser, platform: Platform, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fivesigma_backend.accounts.proof.ACCOUNTS_PER_ADDRESS", 1)
    for number in range(platform.settings.login_attempts):
        answer = browser.post("/login", username=f"name{number}", password="wrong")
        assert answer.status_code == 401
    assert browser.post("/login", username="another", password="wrong").status_code == 429
    assert browser.post("/login", username="anna", password=PASSWORD).status_code == 429


def test_log_in_goes_on_to_a_page_of_this_site_only(browser: Browser, anna: User) -> None:
    for wanted, given in {
        "/account": "/account",
        "/account?a=b&c=d": "/account?a=b&c=d",
        "//evil.org": "/",
        "/\\evil.org": "/",
        "https://evil.org/": "/",
        "/%2f%2fevil.org": "/",
        "/\r\nSet-Cookie: a=b": "/",
    }.items():
        answer = browser.post("/login", username="anna", password=PASSWORD, next=wanted)
        assert answer.headers["location"] == given
        # Whoever is logged in already is sent on by the same rule.
        answer = browser.http.get("/login", params={"next": wanted})
        assert answer.headers["location"] == given
        browser.post("/logout", page="/account")


def test_a_page_for_the_logged_in_leads_to_the_form_and_back(browser: Browser, anna: User) -> None:
    answer = browser.get("/account")
    assert answer.headers["location"] == "/login?next=/account"
    assert 'name="next" value="/account"' in browser.get("/login?next=/account").text


def test_log_out_ends_the_session_and_takes_the_cookie(platform: Platform, annas: Browser) -> None:
    stolen = annas.cookie
    answer = annas.post("/logout", page="/account")
    assert answer.status_code == 303
    assert annas.cookie is None
    assert count_sessions(platform) == 0
    annas.set_cookie(stolen or "")
    assert annas.get("/account").status_code == 303


def test_log_out_twice_does_no_harm(annas: Browser) -> None:
    token = annas.csrf("/account")
    cookie = annas.cookie or ""
    for _ in range(2):
        annas.set_cookie(cookie)
        assert annas.http.post("/logout", data={"csrf_token": token}).status_code == 303


def test_logging_out_by_a_link_does_not_work(annas: Browser) -> None:
    assert annas.get("/logout").status_code == 405
    assert annas.get("/account").status_code == 200


def test_a_session_ends_by_itself(annas: Browser, clock: Advancing) -> None:
    clock.advance(days=14, seconds=-1)
    assert annas.get("/account").status_code == 200
    clock.advance(seconds=1)
    assert annas.get("/account").status_code == 303


def test_a_cookie_without_our_signature_is_a_visitors(browser: Browser) -> None:
    for forged in (b"", b"x", b"x.y.z", "ä".encode(), b"\xff", b"a" * 5000):
        headers = [(b"cookie", COOKIE.encode() + b"=" + forged)]
        assert browser.http.get("/account", headers=headers).status_code == 303
        assert browser.http.get("/login", headers=headers).status_code == 200


def test_the_right_token_under_another_key_is_worth_nothing(
    annas: Browser, platform: Platform
) -> None:
    token = URLSafeSerializer(platform.secret, salt="session").loads(annas.cookie or "")
    annas.set_cookie(sign_cookie("another key", token))
    assert annas.get("/account").status_code == 303
    annas.set_cookie(URLSafeSerializer(platform.secret, salt="session").dumps({"token": token}))
    assert annas.get("/account").status_code == 303


def test_an_old_hash_is_renewed_at_the_next_log_in(
    browser: Browser, platform: Platform, anna: User
) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=2048).hash(PASSWORD)
    with platform.db.transaction() as session:
        get_user(session, anna.id).password_hash = old
    assert browser.post("/login", username="anna", password=PASSWORD).status_code == 303
    with platform.db.read() as session:
        user = find_user(session, "anna")
    assert user is not None
    assert user.password_hash is not None
    assert "m=1024," in user.password_hash
    browser.post("/logout", page="/account")
    assert browser.post("/login", username="anna", password=PASSWORD).status_code == 303


def test_a_reset_during_the_slow_check_wins(
    browser: Browser, platform: Platform, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = PasswordHasher.verify

    def slow(self: PasswordHasher, stored: str | bytes, password: str | bytes) -> Any:
        result = verify(self, stored, password)
        with platform.db.transaction() as session:
            get_user(session, anna.id).password_hash = "reset meanwhile"
        return result

    monkeypatch.setattr(PasswordHasher, "verify", slow)
    assert browser.post("/login", username="anna", password=PASSWORD).status_code == 401
    assert count_sessions(platform) == 0


def test_a_giant_password_is_just_wrong(browser: Browser, anna: User) -> None:
    for size in (1001, 300_000):
        answer = browser.post("/login", username="anna", password="x" * size)
        assert answer.status_code == 401


def test_a_megabyte_is_refused_and_half_of_one_is_not_sent_back(
    browser: Browser, anna: User
) -> None:
    answer = browser.post("/login", username="x" * 1024 * 1024, password="x")
    assert answer.status_code == 413
    answer = browser.post("/login", username="x" * 500_000, password="x")
    assert answer.status_code == 401
    assert len(answer.text) < 20_000


def test_only_so_many_sessions_are_kept(
    platform: Platform, anna: User, web: TestClient, clock: Advancing
) -> None:
    first, last = Browser(web), Browser(web)
    for browser in (first, *[Browser(web)] * 49, last):
        clock.advance(seconds=1)
        browser.log_in(platform, anna)
    assert count_sessions(platform) == 50
    assert first.get("/account").status_code == 303
    assert last.get("/account").status_code == 200
