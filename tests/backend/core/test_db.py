"""Both databases: sessions, times, migrations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fivesigma_backend.accounts.models import User
from fivesigma_backend.core.db import Database, after_commit
from fivesigma_backend.core.migrate import is_current, migrate
from fivesigma_backend.tables import Base
from sqlalchemy import select
from sqlalchemy.exc import StatementError

pytestmark = pytest.mark.stores

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def user(**changes: object) -> User:
    values: dict[str, object] = {
        "id": "1",
        "username": "Ada",
        "username_key": "ada",
        "is_admin": False,
        "created_at": NOON,
    }
    return User(**(values | changes))


def test_a_transaction_that_ends_well_is_kept_and_then_rings(database: Database) -> None:
    rung: list[str] = []
    with database.transaction() as session:
        session.add(user())
        after_commit(session, lambda: rung.append("bell"))
        assert rung == []
    assert rung == ["bell"]
    with database.read() as session:
        assert session.scalar(select(User.username)) == "Ada"


def test_a_transaction_that_fails_keeps_nothing_and_rings_nothing(database: Database) -> None:
    rung: list[str] = []
    with pytest.raises(RuntimeError), database.transaction() as session:
        session.add(user())
        session.flush()
        after_commit(session, lambda: rung.append("bell"))
        raise RuntimeError
    with database.read() as session:
        assert session.scalar(select(User)) is None
    assert rung == []


def test_what_a_read_session_adds_is_not_kept(database: Database) -> None:
    with database.read() as session:
        session.add(user())
    with database.read() as session:
        assert session.scalar(select(User)) is None


def test_times_come_back_aware_and_equal(database: Database) -> None:
    east = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with database.transaction() as session:
        session.add(user(created_at=east))
    with database.read() as session:
        found = session.scalar(select(User.created_at))
    assert found == NOON
    assert found.tzinfo is not None


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError), database.transaction() as session:
        session.add(user(created_at=NOON.replace(tzinfo=None)))


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert is_current(database)
    migrate(database)
    assert is_current(database)
