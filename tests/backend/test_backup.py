"""Backup and restore: every row and blob, on and across both databases, or nothing at all."""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import create_postgres_database, psycopg_url
from fivesigma_backend.backup import BackupError, restore_backup, write_backup
from fivesigma_backend.core.db import Database, UtcDateTime
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.lockfile import locked
from fivesigma_backend.core.migrate import migrate
from fivesigma_backend.core.settings import Settings, load_settings, secret_key
from fivesigma_backend.core.storage import Storage
from fivesigma_backend.dump import kept_tables

NOON = datetime(2026, 12, 1, 12, 0, 0, 123456, tzinfo=UTC)
ROWS = 3
Rows = dict[str, list[tuple[Any, ...]]]
EmptySettings = Callable[[str], Settings]


@pytest.fixture
def empty_settings(request: pytest.FixtureRequest, tmp_path: Path) -> EmptySettings:
    """Makes settings of a new platform on the database that is asked for."""

    def make(dialect: str) -> Settings:
        name = f"backup_{new_id()}"
        url = None
        if dialect == "postgresql":
            server = request.getfixturevalue("postgres_url")
            create_postgres_database(server, name)
            url = psycopg_url(server, name)
        return load_settings({}, data_dir=tmp_path / name, database_url=url)

    return make


def plausible(column: sa.Column[Any], parents: Rows, number: int) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        # Each parent has a child of its own, so that unique constraints over keys hold.
        return parents[key.column.table.name][number][0]
    if isinstance(column.type, UtcDateTime):
        return NOON
    if isinstance(column.type, sa.JSON):
        return {"σ": [1, 2.5, None, "x"]}
    if isinstance(column.type, sa.Boolean):
        return bool(number % 2)
    if isinstance(column.type, sa.Integer):
        return 2**31 - 1 - number
    if isinstance(column.type, sa.Float):
        return 1 / 3 + number
    return f"{column.name[:6]}·{number}"[: column.type.length]


def fill(database: Database) -> None:
    """A few rows in every table; the optional columns of the last one are empty."""
    parents: Rows = {}
    with database.transaction() as session:
        for table in kept_tables():
            parents[table.name] = []
            for number in range(ROWS):
                row = {
                    column.name: None
                    if column.nullable and number == ROWS - 1
                    else plausible(column, parents, number)
                    for column in table.columns
                }
                session.execute(sa.insert(table).values(row))
                parents[table.name].append(tuple(row.values()))


def rows_of(database: Database) -> Rows:
    with database.read() as session:
        return {
            table.name: [
                tuple(row) for row in session.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for table in kept_tables()
        }


def filled(settings: Settings) -> tuple[Rows, str]:
    """Fills a platform; its rows and the name of its blob."""
    settings.data_dir.mkdir(parents=True)
    database = Database(settings.resolved_database_url())
    migrate(database)
    fill(database)
    rows = rows_of(database)
    database.close()
    storage = Storage(settings.resolved_storage_url(), settings.data_dir)
    file = storage.spool / "file"
    file.write_bytes(os.urandom(3_000_000))
    return rows, storage.put(file)


def rows_in(settings: Settings) -> Rows:
    database = Database(settings.resolved_database_url())
    try:
        return rows_of(database)
    finally:
        database.close()


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
def test_what_was_backed_up_comes_back(
    source: str, target: str, empty_settings: EmptySettings, tmp_path: Path
) -> None:
    old, new = empty_settings(source), empty_settings(target)
    rows, blob = filled(old)
    file = tmp_path / "site.tar"
    write_backup(old, file)
    restore_backup(new, file)
    assert all(len(found) == ROWS for found in rows.values())
    assert rows_in(new) == rows
    kept = Storage(new.resolved_storage_url(), new.data_dir)
    assert [name for name, _ in kept.blobs()] == [blob]
    original = Storage(old.resolved_storage_url(), old.data_dir).local(blob)
    assert kept.local(blob).read_bytes() == original.read_bytes()


def test_a_missing_json_value_comes_back_as_null(
    empty_settings: EmptySettings, tmp_path: Path
) -> None:
    old, new = empty_settings("sqlite"), empty_settings("postgresql")
    filled(old)
    write_backup(old, tmp_path / "site.tar")
    restore_backup(new, tmp_path / "site.tar")
    database = Database(new.resolved_database_url())
    with database.read() as session:
        missing = session.scalar(sa.text("SELECT count(*) FROM audit_events WHERE before IS NULL"))
    database.close()
    assert missing == 1


def test_a_backup_is_for_the_operator_alone_and_leaves_the_key_out_unless_asked(
    empty_settings: EmptySettings, tmp_path: Path
) -> None:
    settings = empty_settings("sqlite")
    filled(settings)
    key = secret_key(settings)
    without, with_key = tmp_path / "without.tar", tmp_path / "with.tar"
    write_backup(settings, without)
    write_backup(settings, with_key, with_secrets=True)
    assert stat.S_IMODE(without.stat().st_mode) == 0o600
    assert key.encode() not in without.read_bytes()
    new = empty_settings("sqlite")
    restore_backup(new, with_key)
    assert secret_key(new) == key


def test_every_cut_of_a_backup_is_refused_and_changes_nothing(
    empty_settings: EmptySettings, tmp_path: Path
) -> None:
    old = empty_settings("sqlite")
    filled(old)
    file = tmp_path / "site.tar"
    write_backup(old, file)
    content = file.read_bytes()
    with tarfile.open(file) as archive:
        member_ends = [member.offset for member in archive.getmembers()]
    for length in [0, 100, 700, *member_ends[1:], len(content) // 2, len(content) - 20_000]:
        cut = tmp_path / "cut.tar"
        cut.write_bytes(content[:length])
        new = empty_settings("sqlite")
        with pytest.raises(BackupError):
            restore_backup(new, cut)
        assert not (new.data_dir / "fivesigma.sqlite3").exists()


def test_a_damaged_byte_is_noticed(empty_settings: EmptySettings, tmp_path: Path) -> None:
    old = empty_settings("sqlite")
    filled(old)
    file = tmp_path / "site.tar"
    write_backup(old, file)
    with tarfile.open(file) as archive:
        offset = archive.getmember("tables/users.jsonl").offset_data
    with file.open("r+b") as opened:
        opened.seek(offset + 40)
        opened.write(b"!")
    with pytest.raises(BackupError, match=r"damaged at tables/users\.jsonl"):
        restore_backup(empty_settings("sqlite"), file)


def test_a_platform_with_people_is_not_overwritten(
    empty_settings: EmptySettings, tmp_path: Path
) -> None:
    old, other = empty_settings("sqlite"), empty_settings("sqlite")
    filled(old)
    before, _ = filled(other)
    write_backup(old, tmp_path / "site.tar")
    with pytest.raises(BackupError, match=r"not empty.*users"):
        restore_backup(other, tmp_path / "site.tar")
    assert rows_in(other) == before


def test_a_running_platform_is_not_restored_into(
    empty_settings: EmptySettings, tmp_path: Path
) -> None:
    old, new = empty_settings("sqlite"), empty_settings("sqlite")
    filled(old)
    write_backup(old, tmp_path / "site.tar")
    with locked(new.lock_file()), pytest.raises(BackupError, match=f"as process {os.getpid()}"):
        restore_backup(new, tmp_path / "site.tar")
    assert not (new.data_dir / "fivesigma.sqlite3").exists()


def test_an_existing_file_is_not_overwritten(empty_settings: EmptySettings, tmp_path: Path) -> None:
    settings = empty_settings("sqlite")
    filled(settings)
    file = tmp_path / "site.tar"
    file.write_text("precious")
    with pytest.raises(BackupError, match="is there already"):
        write_backup(settings, file)
    assert file.read_text() == "precious"


def test_a_backup_that_fails_leaves_no_half_file(
    empty_settings: EmptySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = empty_settings("sqlite")
    filled(settings)

    def store_is_gone(*_: object) -> Path:
        raise OSError(errno.EIO, "the store is gone")

    monkeypatch.setattr(Storage, "local", store_is_gone)
    folder = tmp_path / "backups"
    folder.mkdir()
    with pytest.raises(OSError, match="the store is gone"):
        write_backup(settings, folder / "site.tar")
    assert list(folder.iterdir()) == []


@pytest.mark.stores
def test_a_backup_sees_every_table_at_one_moment(database: Database) -> None:
    users = sa.select(sa.func.count()).select_from(sa.table("users"))
    with database.snapshot() as session:
        assert session.scalar(users) == 0
        fill(database)
        assert session.scalar(users) == 0
    with database.read() as session:
        assert session.scalar(users) == ROWS


def test_no_table_has_a_counter_that_a_restore_would_leave_behind() -> None:
    for table in kept_tables():
        assert table.autoincrement_column is None or table.autoincrement_column.foreign_keys, (
            f"{table.name} counts its rows; a restore must set its sequence"
        )
