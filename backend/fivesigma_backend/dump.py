"""Tables as JSON lines, the same for every database: the portable half of a backup."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .core.db import UtcDateTime
from .tables import Base

# Rows that mean nothing elsewhere: who keeps house at this moment.
EPHEMERAL = frozenset({"tick_leases"})
BATCH = 1000


def kept_tables() -> list[sa.Table]:
    """Every table that a backup holds, referred ones before those that refer to them."""
    return [table for table in Base.metadata.sorted_tables if table.name not in EPHEMERAL]


def write_rows(session: Session, table: sa.Table, file: IO[bytes]) -> int:
    """Write each row of `table` as a line; returns how many there were."""
    rows = 0
    query = sa.select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
    for row in session.execute(query).mappings():
        line = json.dumps({name: _to_json(value) for name, value in row.items()})
        file.write(line.encode() + b"\n")
        rows += 1
    return rows


def read_rows(session: Session, table: sa.Table, lines: Iterable[bytes]) -> int:
    """Insert a row for each line into the empty `table`; returns how many."""
    rows = 0
    target = _target(table)
    source = (_row(table, line) for line in lines)
    while batch := list(islice(source, BATCH)):
        session.execute(sa.insert(target), batch)
        rows += len(batch)
    return rows


def tables_with_rows(session: Session) -> Iterator[str]:
    """Names of the tables that are not empty."""
    for table in kept_tables():
        if session.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            yield table.name


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _row(table: sa.Table, line: bytes) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)
    for column in table.columns:
        if isinstance(column.type, UtcDateTime) and row[column.name] is not None:
            row[column.name] = datetime.fromisoformat(row[column.name])
    return row


def _target(table: sa.Table) -> sa.TableClause:
    """The table without defaults, and with None of a JSON column as NULL, not as JSON's null."""
    columns = (sa.column(c.name, _null_is_null(c)) for c in table.columns)
    return sa.table(table.name, *columns)


def _null_is_null(column: sa.Column[Any]) -> sa.types.TypeEngine[Any]:
    if isinstance(column.type, sa.JSON) and column.nullable:
        return sa.JSON(none_as_null=True)
    return column.type
