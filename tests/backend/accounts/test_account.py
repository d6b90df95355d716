"""One's own account: the page, the password, the sessions, the end of it."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import ApiToken, LoginSession, ResetCode, User
from fivesigma_backend.accounts.service import find_user
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.teams.models import Team, TeamMember
from people import PASSWORD, Browser, make_challenge, make_token, make_user, token_works
from sqlalchemy import func, select

NEW = "another long password"


def make_team(platform: Platform, challenge_id: str, name: str, *members: User) -> str:
    team = Team(
        id=new_id(),
        challenge_id=challenge_id,
        name=name,
        name_key=name.casefold(),
        created_at=platform.clock(),
    )
    with platform.db.transaction() as session:
        session.add(team)
        session.flush()
        for member in members:
            session.add(TeamMember(challenge_id=challenge_id, user_id=member.id, team_id=team.id))
    return team.id


def team_name(platform: Platform, team_id: str) -> str:
    with platform.db.read() as session:
        return session.get_one(Team, team_id).name


def change(browser: Browser, **fields: str) -> int:
    sent = {"present_password": PASSWORD, "new_password": NEW, **fields}
    return browser.post("/account/password", **sent).status_code


def log_in(web: TestClient, password: str) -> int:
    return Browser(web).post("/login", username="anna", password=password).status_code


def test_the_page_shows_the_account(
    web: TestClient, platform: Platform, annas: Browser, anna: User
) -> None:
    Browser(web).log_in(platform, anna)
    page = annas.get("/account").text
    assert "Anna@example.org" in page
    assert page.count("this browser") == 1
    assert page.count("<li>since") == 2


def test_a_new_password_replaces_the_old_one(web: TestClient, annas: Browser) -> None:
    assert change(annas) == 303
    assert log_in(web, PASSWORD) == 401
    assert log_in(web, NEW) == 303


def test_a_new_password_ends_the_other_sessions_and_renews_this_one(
    web: TestClient, platform: Platform, annas: Browser, anna: User
) -> None:
    other, before = Browser(web).log_in(platform, anna), annas.cookie
    change(annas)
    assert annas.get("/account").status_code == 200
    assert annas.cookie != before
    assert other.get("/account").status_code == 303
    annas.set_cookie(before or "")
    assert annas.get("/account").status_code == 303


@pytest.mark.parametrize(("ticked", "left"), [("", True), ("1", False)])
def test_tokens_stay_unless_one_says_otherwise(
    platform: Platform, annas: Browser, ticked: str, left: bool
) -> None:
    secret = make_token(annas)["secret"]
    assert change(annas, revoke_tokens=ticked) == 303
    assert token_works(platform, secret) is left


def test_a_password_is_not_changed_when_something_is_wrong(web: TestClient, annas: Browser) -> None:
    for field, value in (
        ("present_password", "wrong password"),
        ("present_password", ""),
        ("present_password", "x" * 500_000),
        ("new_password", "short"),
        ("new_password", "x" * 1001),
        ("new_password", "ANNA@example.org"),
    ):
        sent = {"present_password": PASSWORD, "new_password": NEW, field: value}
        answer = annas.post("/account/password", **sent)
        assert answer.status_code == 422
        assert re.findall(r'id="(\w+)-error"', answer.text) == [field]
        assert NEW not in answer.text
        assert PASSWORD not in answer.text
    assert log_in(web, PASSWORD) == 303


def test_guessing_the_present_password_in_a_stolen_session_is_limited(
    platform: Platform, annas: Browser
) -> None:
    for _ in range(platform.settings.login_attempts):
        assert change(annas, present_password="wrong password") == 422
    assert change(annas) == 429
    answer = annas.post("/account/delete", present_password=PASSWORD)
    assert answer.status_code == 429


def test_logging_out_everywhere_leaves_tokens_alone(
    web: TestClient, platform: Platform, annas: Browser, anna: User
) -> None:
    other = Browser(web).log_in(platform, anna)
    stranger = Browser(web).log_in(platform, make_user(platform, "berta"))
    secret = make_token(annas)["secret"]
    answer = annas.post("/account/logout-everywhere", page="/account")
    assert answer.headers["location"] == "/login?notice=logged-out"
    assert annas.get("/account").status_code == 303
    assert other.get("/account").status_code == 303
    assert stranger.get("/account").status_code == 200
    assert token_works(platform, secret)


def test_deletion_asks_for_the_password(platform: Platform, annas: Browser) -> None:
    answer = annas.post("/account/delete", present_password="wrong password")
    assert answer.status_code == 422
    assert 'id="present_password-error"' in answer.text
    assert annas.get("/account").status_code == 200


def test_deletion_leaves_a_pseudonym_and_nothing_else(
    web: TestClient, platform: Platform, annas: Browser, anna: User
) -> None:
    other, cookie = Browser(web).log_in(platform, anna), annas.cookie
    secret = make_token(annas)["secret"]
    answer = annas.post("/account/delete", present_password=PASSWORD)
    assert answer.headers["location"] == "/?notice=account-deleted"
    assert annas.cookie is None
    annas.set_cookie(cookie or "")
    assert annas.get("/account").status_code == 303
    assert other.get("/account").status_code == 303
    headers = {"Authorization": f"Bearer {secret}"}
    assert TestClient(web.app).get("/api/v1/tokens", headers=headers).status_code == 401
    assert log_in(web, PASSWORD) == 401
    with platform.db.read() as session:
        user = session.get_one(User, anna.id)
        for model in (LoginSession, ApiToken, ResetCode):
            query = select(func.count()).select_from(model).where(model.user_id == anna.id)
            assert session.scalar(query) == 0
        events = session.scalars(select(AuditEvent)).all()
    assert re.fullmatch(r"deleted-[a-z0-9]{6}", user.username)
    assert user.username_key == user.username
    assert (user.email, user.email_key, user.password_hash) == (None, None, None)
    assert user.deleted_at == platform.clock()
    (event,) = events
    assert (event.action, event.target) == ("user.deleted", anna.id)
    assert "anna" not in str(vars(event)).lower().replace(anna.id, "")


def test_a_deleted_name_and_address_are_free_again(
    web: TestClient, platform: Platform, annas: Browser
) -> None:
    annas.post("/account/delete", present_password=PASSWORD)
    answer = Browser(web).post(
        "/signup", username="anna", email="anna@example.org", password="a fine long password"
    )
    assert answer.status_code == 303


def test_the_name_leaves_teams_of_one_and_no_others(
    platform: Platform, annas: Browser, anna: User
) -> None:
    berta = make_user(platform, "berta")
    first, second, third = (make_challenge(platform, slug) for slug in ("one", "two", "three"))
    own = make_team(platform, first, "anna", anna)
    shared = make_team(platform, second, "anna and berta", anna, berta)
    other = make_team(platform, third, "berta", berta)
    annas.post("/account/delete", present_password=PASSWORD)
    with platform.db.read() as session:
        pseudonym = session.get_one(User, anna.id).username
    assert team_name(platform, own) == pseudonym
    assert team_name(platform, shared) == "anna and berta"
    assert team_name(platform, other) == "berta"


def test_the_last_administrator_stays(platform: Platform, roots: Browser) -> None:
    answer = roots.post("/account/delete", present_password=PASSWORD)
    assert answer.status_code == 409
    assert "No other administrator" in answer.text
    make_user(platform, "second", is_admin=True)
    assert roots.post("/account/delete", present_password=PASSWORD).status_code == 303
    with platform.db.read() as session:
        assert find_user(session, "chief") is None
