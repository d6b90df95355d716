"""Migrations lose nothing: a database of each former revision, filled and brought up to date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from fivesigma_backend.core.db import Database
from fivesigma_backend.core.migrate import alembic_config, migrate
from fivesigma_backend.submissions.models import Standing
from fivesigma_backend.tables import Base

pytestmark = pytest.mark.stores

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
ID = "0" * 26
# What a board showed before revision 0004; the phase is ranked by an error, so less is better.
STOOD = {
    "scored_count": 2,
    "last_submitted_at": NOON,
    "public_submission_id": ID,
    "public_score": 4.25,
    "public_sigma": 0.5,
    "public_submitted_at": NOON,
    "private_submission_id": ID,
    "private_score": 3.5,
    "private_sigma": 0.25,
    "private_submitted_at": NOON,
}
SCORES = {board: {"mae": {"value": value}} for board, value in (("public", 4.25), ("private", 3.5))}
VALUES: Mapping[str, Mapping[str, Any]] = {
    "submissions": {"declared": {"method": "trees"}},
    "evaluations": {f"{board}_scores": scores for board, scores in SCORES.items()},
    "entries": STOOD,
    "phases": {"definition": {"metric": "mae"}},
}


@pytest.fixture
def old(database: Database) -> Database:
    """A database of revision 0003 with a row in every table."""
    with database.engine.execution_options(fivesigma_write=True).begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
        command.upgrade(alembic_config(connection), "0003")
        fill(connection)
    return database


def fill(connection: sa.Connection) -> None:
    """One row in each table, all with the same id, so that each refers to the others."""
    schema = sa.MetaData()
    schema.reflect(connection)
    for table in schema.sorted_tables:
        if table.name != "alembic_version":
            given = VALUES.get(table.name, {})
            row = {one.name: given.get(one.name, filler(one)) for one in table.columns}
            connection.execute(sa.insert(table).values(row))


def filler(column: sa.Column[Any]) -> Any:
    """Some value that the column takes."""
    kind = column.type
    if isinstance(kind, sa.DateTime):
        naive = not kind.timezone
        return NOON.replace(tzinfo=None) if naive else NOON
    if isinstance(kind, sa.JSON):
        return {}
    if isinstance(kind, sa.Boolean):
        return False
    return ID[: kind.length] if isinstance(kind, sa.String) else 0


def counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        return {
            name: connection.execute(sa.text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            for name in sa.inspect(connection).get_table_names()
            if name != "alembic_version"
        }


def test_no_row_of_any_table_is_lost(old: Database) -> None:
    before = counts(old)
    assert set(before.values()) == {1}
    migrate(old)
    after = counts(old)
    assert {name: after[name] for name in before} == before


def test_the_lines_of_boards_move_out_of_the_entries(old: Database) -> None:
    migrate(old)
    with old.read() as session:
        found = session.scalars(sa.select(Standing).order_by(Standing.board)).all()
    assert [(one.board, one.score, one.sigma, one.place) for one in found] == [
        ("private", 3.5, 0.25, [-3.5]),
        ("public", 4.25, 0.5, [-4.25]),
    ]
    assert {(one.entry_id, one.submission_id, one.entries) for one in found} == {(ID, ID, 2)}
    assert {(one.submitted_at, one.mark, one.late) for one in found} == {(NOON, None, False)}
    assert {one.board: one.metrics for one in found} == SCORES
    assert [one.declared for one in found] == [{"method": "trees"}] * 2
