"""Backup and restore: everything that is kept, in one tar file.

The file holds a manifest, the rows of every table as they were at one moment (`dump`), the signing
key if asked for, every blob, and at its end a list with the SHA-256 of what came before. So a file
that was cut or damaged is known before anything is changed, and as the rows are portable, moving
from SQLite to PostgreSQL or from a folder to S3 is a backup and a restore.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from .archive import ArchiveWriter, Damaged, check_whole, open_member, read_member
from .core.clock import rfc3339, utc_now
from .core.db import Database
from .core.lockfile import AlreadyRunning, locked
from .core.migrate import alembic_config, is_current, migrate
from .core.settings import Settings, secret_key
from .core.storage import CHUNK, Storage
from .dump import kept_tables, read_rows, tables_with_rows, write_rows

FORMAT = 1
MANIFEST, SECRET = "manifest.json", "secrets/secret_key"
TABLES, BLOBS = "tables/", "blobs/"


class BackupError(Exception):
    """Backup or restore can't be done, and why."""


def write_backup(settings: Settings, target: Path, *, with_secrets: bool = False) -> str:
    """Write the file `target`, which appears once it is whole. Returns what it holds, in words.

    Raises BackupError when `target` is there already or the database is not migrated.
    """
    if target.exists():
        raise BackupError(f"{target} is there already: choose another name, or remove it")
    part = target.with_name(f"{target.name}.part")
    with _stores(settings) as (database, storage):
        if not is_current(database):
            raise BackupError("the database has not the present schema: migrate it first")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                writer = ArchiveWriter(file, storage.spool)
                writer.add_text(MANIFEST, json.dumps(_manifest()).encode())
                rows = _write_tables(writer, database)
                if with_secrets:
                    writer.add_text(SECRET, secret_key(settings).encode())
                blobs = _write_blobs(writer, storage)
                writer.finish()
                file.flush()
                os.fsync(file.fileno())
            part.rename(target)
        finally:
            part.unlink(missing_ok=True)
    return f"{rows} rows and {blobs} files"


def restore_backup(settings: Settings, source: Path) -> str:
    """Fill the empty platform of `settings` from `source`. Returns what it held, in words.

    Raises BackupError when the file is not whole or the platform is not empty; then nothing has
    been changed.
    """
    try:
        with tarfile.open(source, "r:") as archive:
            _check_manifest(archive)
            check_whole(archive)
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(settings.lock_file()), _stores(settings) as (database, storage):
                return _restore(settings, archive, database, storage)
    except AlreadyRunning as error:
        raise BackupError(f"{error}; nothing was changed") from error
    except Damaged as error:
        raise BackupError(f"{error}; nothing was changed") from error
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{source} is no whole backup ({error}); nothing was changed") from error


@contextmanager
def _stores(settings: Settings) -> Iterator[tuple[Database, Storage]]:
    """Database and object store alone: opening a platform would make a secret key."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.resolved_database_url(), pool_size=1)
    try:
        yield database, Storage(settings.resolved_storage_url(), settings.data_dir)
    finally:
        database.close()


def _manifest() -> dict[str, Any]:
    return {
        "format": FORMAT,
        "schema": _present_schema(),
        "made_by": f"fivesigma {version('fivesigma')}",
        "made_at": rfc3339(utc_now()),
    }


def _present_schema() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def _write_tables(writer: ArchiveWriter, database: Database) -> int:
    rows = 0
    with database.snapshot() as session:
        for table in kept_tables():
            with writer.member(f"{TABLES}{table.name}.jsonl") as file:
                rows += write_rows(session, table, file)
    return rows


def _write_blobs(writer: ArchiveWriter, storage: Storage) -> int:
    # After the rows, since a blob is stored before a row names it.
    count = 0
    for sha256, _ in storage.blobs():
        try:
            path = storage.local(sha256)
        except FileNotFoundError:  # housekeeping was here meanwhile
            continue
        writer.add_file(BLOBS + sha256, sha256, path)
        count += 1
    return count


def _check_manifest(archive: tarfile.TarFile) -> None:
    try:
        manifest = json.loads(read_member(archive, MANIFEST))
        form, schema, maker = (manifest[key] for key in ("format", "schema", "made_by"))
    except (KeyError, TypeError, ValueError) as error:
        raise BackupError("this file is no backup of Fivesigma") from error
    if form != FORMAT or schema != _present_schema():
        raise BackupError(
            f"the backup was made by {maker}, whose tables differ from those of fivesigma "
            f"{version('fivesigma')}: restore it with that version, then upgrade and migrate"
        )


def _restore(
    settings: Settings, archive: tarfile.TarFile, database: Database, storage: Storage
) -> str:
    _make_ready(database)
    names = archive.getnames()
    blobs = [name for name in names if name.startswith(BLOBS)]
    for name in blobs:  # an interrupted restore leaves blobs only, which harm nobody
        _put_blob(archive, name, storage)
    if SECRET in names:
        _put_secret(settings, read_member(archive, SECRET))
    rows = 0
    with database.transaction() as session:
        for table in kept_tables():
            rows += read_rows(session, table, open_member(archive, f"{TABLES}{table.name}.jsonl"))
    return f"{rows} rows and {len(blobs)} files"


def _make_ready(database: Database) -> None:
    if not is_current(database):
        if inspect(database.engine).get_table_names():
            raise BackupError("the database has another schema: restore into a new one")
        migrate(database)
    with database.read() as session:
        filled = sorted(tables_with_rows(session))
    if filled:
        raise BackupError(
            f"the platform is not empty (there are {', '.join(filled)}): restore into a new data "
            "folder or database; nothing was changed"
        )


def _put_blob(archive: tarfile.TarFile, name: str, storage: Storage) -> None:
    with tempfile.NamedTemporaryFile(dir=storage.spool) as file:
        content = open_member(archive, name)
        while chunk := content.read(CHUNK):
            file.write(chunk)
        file.flush()
        storage.put(Path(file.name))


def _put_secret(settings: Settings, key: bytes) -> None:
    folder = settings.data_dir / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "secret_key"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
