"""The database: engines, the two kinds of session, and the only place that commits.

Nothing outside this module knows which database is behind it. A write session on SQLite begins
with BEGIN IMMEDIATE, so that two writers wait for each other instead of failing half-way; a read
session does not, so that readers never wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json
from sqlalchemy import JSON, DateTime, Engine, MetaData, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
AfterCommit = Callable[[], None]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC. A naive one is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database, in UTC; SQLite keeps no offset, so it gets none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """From the database, aware. In one step, since a long board reads thousands of times."""
        del coltype
        return _read_text if dialect.name == "sqlite" else _read_aware


def _read_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


def _read_aware(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON(), list[Any]: JSON()}


class Database:
    """An engine and its two kinds of session."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.engine = _create_engine(url, pool_size)
        self._writer = self.engine.execution_options(fivesigma_write=True)
        self._reader = self.engine.execution_options(postgresql_readonly=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads; nothing it does is kept."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session that only reads, and sees every table as it was at one moment."""
        reader = self._reader
        if reader.dialect.name != "sqlite":  # where every transaction is a snapshot
            reader = reader.execution_options(isolation_level="REPEATABLE READ")
        with Session(reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One short write transaction: commits at the end, then does what `after_commit` noted.

        On an exception nothing is stored and nothing of that is done.
        """
        with Session(self._writer, expire_on_commit=False) as session:
            noted: list[AfterCommit] = []
            session.info["after_commit"] = noted
            with session.begin():
                yield session
            for action in noted:
                action()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def after_commit(session: Session, action: AfterCommit) -> None:
    """Do `action` once the transaction of `session` is committed, and only then."""
    session.info["after_commit"].append(action)


def insert_missing(session: Session, table: type[Base], **values: Any) -> None:
    """Insert a row unless one with the same unique key is there already."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(table).values(**values).on_conflict_do_nothing())


def _create_engine(url: str, pool_size: int) -> Engine:
    # Reading JSON is most of what a long board costs, and this reader is the faster one.
    shared: dict[str, Any] = {"pool_size": pool_size, "json_deserializer": from_json}
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, **shared)
    engine = create_engine(url, connect_args={"timeout": 30}, **shared)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transactions are switched off: `_begin_sqlite` begins them.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("fivesigma_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
