"""What administrators do: look people up, reset passwords, share their role."""

from __future__ import annotations

import re
import threading
from html import unescape

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.administration import set_admin
from fivesigma_backend.accounts.errors import LastAdmin
from fivesigma_backend.accounts.models import User
from fivesigma_backend.accounts.service import get_user
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.db import Database
from fivesigma_backend.core.platform import Platform
from people import PASSWORD, Advancing, Browser, make_token, make_user, token_works
from sqlalchemy import func, select

pytestmark = pytest.mark.stores

USERS = "/admin/users"
NEW = "another long password"


def names(page: str) -> list[str]:
    return re.findall(r'data-label="Username">([^<]+)<', page)


def reset_path(roots: Browser, user: User) -> str:
    answer = roots.post(f"{USERS}/{user.id}/reset-link", page=USERS)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    found = re.search(r"http://127\.0\.0\.1:8000(/reset\?code=[\w-]+)", answer.text)
    assert found
    return unescape(found[1])


def use(web: TestClient, path: str, **fields: str) -> int:
    browser = Browser(web)
    sent = {"code": path.partition("=")[2], "new_password": NEW, **fields}
    return browser.post("/reset", page="/login", **sent).status_code


def log_in(web: TestClient, password: str) -> int:
    return Browser(web).post("/login", username="anna", password=password).status_code


def test_nobody_else_learns_that_these_pages_exist(browser: Browser, annas: Browser) -> None:
    for who in (browser, annas):
        for method, path in (("GET", ""), ("POST", "/x/reset-link"), ("POST", "/x/admin")):
            assert who.http.request(method, f"{USERS}{path}").status_code == 404


def test_people_are_listed_and_found(platform: Platform, roots: Browser, anna: User) -> None:
    make_user(platform, "hannah_")
    assert names(roots.get(USERS).text) == ["anna", "chief", "hannah_"]
    for query, found in {
        "ANN": ["anna", "hannah_"],
        "example.org": ["anna"],
        "_": ["hannah_"],
        "%25": [],
        "%00": [],
        "x" * 5000: [],
    }.items():
        assert names(roots.get(f"{USERS}?q={query}").text) == found, query


def test_people_come_in_pages(
    platform: Platform, roots: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fivesigma_backend.accounts.admin_pages.PAGE", 2)
    for number in range(4):
        make_user(platform, f"user{number}")
    seen: list[str] = []
    path: str | None = f"{USERS}?q=user"
    while path:
        page = roots.get(path).text
        seen += names(page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(found[1]) if found else None
    assert seen == [f"user{number}" for number in range(4)]
    assert roots.get(f"{USERS}?cursor=%00").status_code == 200


def test_a_reset_link_sets_a_password_once(
    web: TestClient, platform: Platform, roots: Browser, annas: Browser, anna: User
) -> None:
    secret = make_token(annas)["secret"]
    path = reset_path(roots, anna)
    page = Browser(web).get(path)
    assert page.status_code == 200
    assert "anna" in page.text
    assert use(web, path) == 303
    assert log_in(web, PASSWORD) == 401
    assert log_in(web, NEW) == 303
    assert annas.get("/account").status_code == 303
    assert token_works(platform, secret)
    assert use(web, path, new_password="yet another password") == 422
    assert Browser(web).get(path).status_code == 422
    assert log_in(web, NEW) == 303


def test_a_reset_can_revoke_the_tokens(
    web: TestClient, platform: Platform, roots: Browser, annas: Browser, anna: User
) -> None:
    secret = make_token(annas)["secret"]
    assert use(web, reset_path(roots, anna), revoke_tokens="1") == 303
    assert not token_works(platform, secret)


def test_looking_at_the_link_does_not_use_it_up(
    web: TestClient, roots: Browser, anna: User
) -> None:
    path = reset_path(roots, anna)
    for _ in range(2):
        assert Browser(web).get(path).status_code == 200
    assert use(web, path, new_password="short") == 422
    assert use(web, path) == 303


def test_a_reset_link_ends_after_a_day_and_with_the_next_one(
    web: TestClient, platform: Platform, roots: Browser, anna: User, clock: Advancing
) -> None:
    first = reset_path(roots, anna)
    second = reset_path(roots, anna)
    assert use(web, first) == 422
    clock.advance(hours=24)
    assert use(web, second) == 422
    assert log_in(web, PASSWORD) == 303


def test_what_is_no_code_resets_nothing(web: TestClient, anna: User) -> None:
    for code in ("", "x", "\x00", "é", "x" * 100_000):
        assert use(web, f"/reset?code={code}") == 422
        answer = Browser(web).http.get("/reset", params={"code": code[:1000]})
        assert answer.status_code == 422


def test_a_password_change_ends_an_open_reset_link(
    web: TestClient, roots: Browser, annas: Browser, anna: User
) -> None:
    path = reset_path(roots, anna)
    sent = {"present_password": PASSWORD, "new_password": "my own new password"}
    assert annas.post("/account/password", **sent).status_code == 303
    assert use(web, path) == 422


def test_there_is_no_link_for_nobody(roots: Browser, annas: Browser, anna: User) -> None:
    annas.post("/account/delete", present_password=PASSWORD)
    for user_id in (anna.id, "x", "%00", "x" * 3000):
        for act in ("reset-link", "admin"):
            answer = roots.post(f"{USERS}/{user_id}/{act}", page=USERS, is_admin="1")
            assert answer.status_code == 404


def test_the_role_is_given_and_taken_and_the_log_knows(
    platform: Platform, roots: Browser, root: User, annas: Browser, anna: User
) -> None:
    assert annas.get(USERS).status_code == 404
    for is_admin, status in (("1", 200), ("1", 200), ("0", 404)):
        answer = roots.post(f"{USERS}/{anna.id}/admin", page=USERS, is_admin=is_admin)
        assert answer.headers["location"] == f"{USERS}?notice=user-saved"
        assert annas.get(USERS).status_code == status
    reset_path(roots, anna)
    with platform.db.read() as session:
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert {(event.actor_id, event.target) for event in events} == {(root.id, anna.id)}
    assert [(event.action, event.after) for event in events] == [
        ("user.admin", {"is_admin": True}),
        ("user.admin", {"is_admin": False}),
        ("user.reset_link", None),
    ]


def test_an_unclear_role_changes_nothing(roots: Browser, root: User, platform: Platform) -> None:
    make_user(platform, "second", is_admin=True)
    for fields in ({}, {"is_admin": ""}, {"is_admin": "2"}, {"is_admin": "no"}):
        answer = roots.post(f"{USERS}/{root.id}/admin", page=USERS, **fields)
        assert answer.status_code == 422
    assert roots.get(USERS).status_code == 200


def test_the_last_administrator_can_not_be_demoted(roots: Browser, root: User) -> None:
    answer = roots.post(f"{USERS}/{root.id}/admin", page=USERS, is_admin="0")
    assert answer.status_code == 409
    assert roots.get(USERS).status_code == 200


def test_two_administrators_who_demote_each_other_at_once_leave_one(
    database: Database, platform: Platform, root: User
) -> None:
    second = make_user(platform, "second", is_admin=True)
    refused: list[LastAdmin] = []
    ready = threading.Barrier(2)

    def demote(user_id: str) -> None:
        ready.wait()
        try:
            with database.transaction() as session:
                set_admin(
                    session,
                    actor_id=None,
                    user_id=user_id,
                    is_admin=False,
                    now=platform.clock(),
                )
        except LastAdmin as error:
            refused.append(error)

    threads = [threading.Thread(target=demote, args=(user.id,)) for user in (root, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        left = session.scalar(select(func.count()).select_from(User).where(User.is_admin))
        assert get_user(session, root.id)
    assert left == 1
    assert len(refused) == 1
