"""Counting SQL statements, which is how a page's cost is bounded in tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fivesigma_backend.core.db import Database
from sqlalchemy import event


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile."""
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
