"""Services that commands and housekeeping call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fivesigma_backend.accounts.administration import make_reset_code, redeem_reset_code
from fivesigma_backend.accounts.errors import InvalidFields, InvalidResetCode
from fivesigma_backend.accounts.models import ApiToken, LoginSession, ResetCode, User
from fivesigma_backend.accounts.service import (
    actor_of_session,
    actor_of_token,
    add_user,
    delete_expired,
    find_user,
    set_password,
    start_session,
)
from fivesigma_backend.accounts.tokens import create_token
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.db import Database
from fivesigma_backend.core.errors import NotFound
from fivesigma_backend.core.security import digest
from sqlalchemy import select
from sqlalchemy.orm import Session

pytestmark = pytest.mark.stores

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def add(session: Session, username: str | None, email: str | None = None) -> User:
    return add_user(
        session, username=username, email=email, password_hash="hash", is_admin=False, now=NOW
    )


def test_a_user_without_a_name_is_named_after_the_address(database: Database) -> None:
    with database.transaction() as session:
        assert add(session, None, "admin@school.org").username == "admin"
        assert add(session, None, "Admin@other.org").username == "Admin-2"
        assert add(session, None, "admin@third.org").username == "admin-3"
        assert add(session, None, "j@school.org").username == "user-j"
        assert add(session, None, "jörg.müller+x@school.org").username == "jorg.mullerx"


def test_a_user_is_found_in_any_case_by_name_or_address(database: Database) -> None:
    with database.transaction() as session:
        user = add(session, "Marie", "Marie.Curie@Example.org")
        for name in ("marie", "MARIE", " Marie ", "marie.curie@example.ORG"):
            assert find_user(session, name) is user
        for name in ("", "mari", "marie\x00", "m%", "x" * 10_000):
            assert find_user(session, name) is None


@pytest.mark.parametrize(
    ("username", "email", "fields"),
    [
        ("MARIE", None, {"username"}),
        ("pierre", "MARIE@example.org", {"email"}),
        ("marie", "marie@EXAMPLE.org", {"username", "email"}),
        ("=x", "x", {"username", "email"}),
        (None, None, set()),
    ],
)
def test_names_and_addresses_are_unique_and_well_formed(
    database: Database, username: str | None, email: str | None, fields: set[str]
) -> None:
    with database.transaction() as session:
        add(session, "marie", "marie@example.org")
    if not fields:
        with database.transaction() as session:
            assert add(session, username, email).username == "user"
        return
    with pytest.raises(InvalidFields) as caught, database.transaction() as session:
        add(session, username, email)
    assert set(caught.value.errors) == fields


@pytest.mark.parametrize(
    ("field", "username", "email"),
    [("username", "marie", "other@example.org"), ("email", "other", "marie@example.org")],
)
def test_a_name_taken_between_look_and_write_is_told_in_the_same_words(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    username: str,
    email: str,
) -> None:
    with database.transaction() as session:
        add(session, "marie", "marie@example.org")
    monkeypatch.setattr("fivesigma_backend.accounts.service.taken_fields", lambda *_: {})
    with pytest.raises(InvalidFields) as caught, database.transaction() as session:
        add(session, username, email)
    assert set(caught.value.errors) == {field}


def test_an_operators_reset_ends_sessions_and_is_recorded(database: Database) -> None:
    with database.transaction() as session:
        user = add(session, "marie")
        cookie = start_session(session, user.id, now=NOW, days=14)
        assert actor_of_session(session, digest(cookie), cookie, NOW) is not None
        assert set_password(session, "MARIE", "new hash", now=NOW).password_hash == "new hash"
        assert actor_of_session(session, digest(cookie), cookie, NOW) is None
        with pytest.raises(NotFound, match="nobody"):
            set_password(session, "nobody", "hash", now=NOW)
    with database.read() as session:
        (event,) = session.scalars(select(AuditEvent))
    assert (event.actor_id, event.action) == (None, "user.password_set")


def test_a_token_acts_within_its_scopes(database: Database) -> None:
    with database.transaction() as session:
        user = add(session, "marie")
        secret = create_token(
            session,
            user=user,
            name="ci",
            scopes=["submit", "read"],
            expires_at=NOW + timedelta(days=1),
            challenge_id=None,
            now=NOW,
        )
        actor = actor_of_token(session, digest(secret), NOW)
    assert actor is not None
    assert actor.scopes == {"read", "submit"}
    assert actor.user_id == user.id


def test_housekeeping_removes_what_has_expired_and_nothing_else(database: Database) -> None:
    with database.transaction() as session:
        user = add(session, "marie")
        for days in (1, 3):
            start_session(session, user.id, now=NOW, days=days)
            create_token(
                session,
                user=user,
                name=f"{days} days",
                scopes=["read"],
                expires_at=NOW + timedelta(days=days),
                challenge_id=None,
                now=NOW,
            )
        make_reset_code(session, actor_id=None, user_id=user.id, now=NOW)
    with database.transaction() as session:
        assert delete_expired(session, NOW + timedelta(hours=23)) == 0
        assert delete_expired(session, NOW + timedelta(days=1)) == 3
        assert delete_expired(session, NOW + timedelta(days=2)) == 0
    with database.read() as session:
        assert [row.name for row in session.scalars(select(ApiToken))] == ["3 days"]
        assert len(session.scalars(select(LoginSession)).all()) == 1
        assert session.scalars(select(ResetCode)).all() == []
        assert session.scalars(select(User)).one().username == "marie"


def test_a_reset_code_is_redeemed_once_and_in_time(database: Database) -> None:
    with database.transaction() as session:
        user = add(session, "marie")
        code = make_reset_code(session, actor_id=None, user_id=user.id, now=NOW)

    def redeem(now: datetime) -> str | None:
        with database.transaction() as session:
            return redeem_reset_code(
                session, code, "new hash", revoke_tokens=False, now=now
            ).password_hash

    with pytest.raises(InvalidResetCode):
        redeem(NOW + timedelta(hours=24))
    assert redeem(NOW + timedelta(hours=24, seconds=-1)) == "new hash"
    with pytest.raises(InvalidResetCode):
        redeem(NOW)
