"""Joining a challenge: by REST, twice, at once, with rules, as staff."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from challenge_folder import write_tiny_challenge
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import User
from fivesigma_backend.accounts.tokens import create_token
from fivesigma_backend.challenges.models import Challenge, Participation
from fivesigma_backend.challenges.service import load_challenge
from fivesigma_backend.core.errors import Forbidden
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import Actor
from fivesigma_backend.teams.models import Team, TeamMember
from fivesigma_backend.teams.rules import LONGEST_NAME, numbered, team_name_key
from fivesigma_backend.teams.service import join
from hypothesis import given
from hypothesis import strategies as st
from people import Browser, make_user
from sqlalchemy import select

pytestmark = pytest.mark.stores

JOIN = "/api/v1/challenges/tiny/join"
YES = {"accept_rules": True}


@pytest.fixture
def folder(platform: Platform, tmp_path: Path) -> Path:
    """The folder of a loaded challenge."""
    written = write_tiny_challenge(tmp_path / "tiny")
    load_challenge(platform, written, report=lambda _line: None)
    return written


def rows(platform: Platform, table: type[Any]) -> list[Any]:
    with platform.db.read() as session:
        return list(session.scalars(select(table)))


def bearer(platform: Platform, user: User, *scopes: str) -> dict[str, str]:
    with platform.db.transaction() as session:
        token = create_token(
            session,
            user=user,
            name="test",
            scopes=list(scopes),
            expires_at=platform.clock() + timedelta(days=1),
            challenge_id=None,
            now=platform.clock(),
        )
    return {"Authorization": f"Bearer {token}"}


def join_as(platform: Platform, user: User, *, accept_rules: bool = True) -> Team:
    with platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        actor = Actor(user.id, user.username, is_admin=user.is_admin)
        return join(session, challenge, actor, accept_rules=accept_rules, now=platform.clock()).team


def test_joining_by_rest(
    web: TestClient, platform: Platform, folder: Path, clock: FrozenClock
) -> None:
    ada = make_user(platform, "Ada")
    answer = web.post(JOIN, json=YES, headers=bearer(platform, ada, "read", "submit"))
    assert answer.status_code == 200
    assert answer.json() == {
        "joined": True,
        "joined_at": "2026-12-01T12:00:00.000Z",
        "state": "joined",
        "team": "Ada",
        "staff": False,
        "rules_version": rows(platform, Challenge)[0].rules_version,
    }
    (participation,) = rows(platform, Participation)
    assert participation.rules_accepted_at == clock()
    (team,) = rows(platform, Team)
    (member,) = rows(platform, TeamMember)
    assert (member.user_id, member.team_id, member.leader) == (ada.id, team.id, True)


def test_joining_again_changes_nothing(
    web: TestClient, platform: Platform, folder: Path, clock: FrozenClock
) -> None:
    headers = bearer(platform, make_user(platform, "ada"), "read", "submit")
    first = web.post(JOIN, json=YES, headers=headers)
    clock.advance(hours=1)
    again = web.post(JOIN, json={}, headers=headers)  # the rules were accepted before
    assert again.json() == first.json()
    assert len(rows(platform, Team)) == 1


def test_the_rules_must_be_accepted(web: TestClient, platform: Platform, folder: Path) -> None:
    headers = bearer(platform, make_user(platform, "ada"), "read", "submit")
    answer = web.post(JOIN, json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "rules_not_accepted")
    assert rows(platform, Participation) == []


def test_a_new_version_of_the_rules_asks_again(
    platform: Platform, folder: Path, clock: FrozenClock
) -> None:
    ada = make_user(platform, "ada")
    join_as(platform, ada)
    joined_at = clock()
    clock.advance(days=1)
    (folder / "rules.md").write_text("# Stricter rules\n")
    load_challenge(platform, folder, update=True, report=lambda _line: None)
    with pytest.raises(Forbidden, match="accept them"):
        join_as(platform, ada, accept_rules=False)
    join_as(platform, ada)
    (participation,) = rows(platform, Participation)
    assert participation.rules_version == rows(platform, Challenge)[0].rules_version
    assert (participation.joined_at, participation.rules_accepted_at) == (joined_at, clock())


def test_without_rules_nothing_is_to_be_accepted(platform: Platform, tmp_path: Path) -> None:
    folder = write_tiny_challenge(tmp_path / "tiny", rules=None)
    load_challenge(platform, folder, report=lambda _line: None)
    join_as(platform, make_user(platform, "ada"), accept_rules=False)
    (participation,) = rows(platform, Participation)
    assert participation.rules_version is None
    assert participation.rules_accepted_at is None


def test_who_may_not_join(web: TestClient, platform: Platform, folder: Path) -> None:
    ada = make_user(platform, "ada")
    assert web.post(JOIN, json=YES).status_code == 401
    assert web.post(JOIN, json=YES, headers=bearer(platform, ada, "read")).status_code == 403
    browser = Browser(web).log_in(platform, ada)
    assert browser.http.post(JOIN, json=YES).json()["code"] == "csrf"
    join_as(platform, ada)
    with platform.db.transaction() as session:
        session.scalars(select(Participation)).one().banned_at = platform.clock()
    headers = bearer(platform, ada, "read", "submit")
    assert web.post(JOIN, json=YES, headers=headers).json()["code"] == "banned"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "body", [{"accept_rules": "yes"}, {"accept_rule": True}, [], None, {"code": "x" * 1000}]
)
def test_a_wrong_request_is_refused(
    web: TestClient, platform: Platform, folder: Path, body: object
) -> None:
    headers = bearer(platform, make_user(platform, "ada"), "read", "submit")
    assert web.post(JOIN, json=body, headers=headers).status_code == 422


def test_organisers_and_administrators_are_staff_even_by_a_restricted_token(
    web: TestClient, platform: Platform, folder: Path
) -> None:
    boss, root = make_user(platform, "boss"), make_user(platform, "root", is_admin=True)
    load_challenge(platform, folder, organiser_ids=[boss.id], report=lambda _line: None)
    for user in (boss, root):
        answer = web.post(JOIN, json=YES, headers=bearer(platform, user, "read", "submit"))
        assert answer.json()["staff"] is True


def test_a_team_gets_the_next_free_name(platform: Platform, folder: Path) -> None:
    (challenge,) = rows(platform, Challenge)
    with platform.db.transaction() as session:
        for name in ("ADA", "ada-2"):
            session.add(
                Team(
                    id=new_id(),
                    challenge_id=challenge.id,
                    name=name,
                    name_key=team_name_key(name),
                    created_at=platform.clock(),
                )
            )
    assert join_as(platform, make_user(platform, "ada")).name == "ada-3"


def test_joining_ten_times_at_once_makes_one_team(platform: Platform, folder: Path) -> None:
    ada = make_user(platform, "ada")
    barrier = Barrier(10)
    names: list[str] = []

    def run() -> None:
        barrier.wait()
        names.append(join_as(platform, ada).name)

    threads = [Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["ada"] * 10
    assert len(rows(platform, Team)) == len(rows(platform, TeamMember)) == 1


@given(st.text(min_size=1, max_size=LONGEST_NAME), st.integers(1, 10**6))
def test_a_numbered_name_is_never_too_long_and_never_the_same(name: str, attempt: int) -> None:
    assert len(numbered(name, attempt)) <= LONGEST_NAME
    assert numbered(name, attempt) != numbered(name, attempt + 1)
