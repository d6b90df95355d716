"""Backup and restore: everything that is kept, in one tar file.

The file holds a manifest, the rows of every table as they were at one moment (`dump`), the signing
key if asked for, every blob, and at its end a list with the SHA-256 of what came before. So a file
that was cut or damaged is known before anything is changed, and as the rows are portable, moving
from SQLite to PostgreSQL or from a folder to S3 is a backup and a restore.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from .core.clock import rfc3339, utc_now
from .core.db import Database
from .core.migrate import alembic_config, is_current, migrate
from .core.settings import Settings, secret_key
from .core.storage import CHUNK, Storage
from .dump import kept_tables, read_rows, tables_with_rows, write_rows

FORMAT = 1
MANIFEST, COMPLETE, SECRET = "manifest.json", "complete.json", "secrets/secret_key"
TABLES, BLOBS = "tables/", "blobs/"
LARGEST_LIST = 2**30


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
                writer = _Writer(file, storage.spool)
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
            _check_whole(archive)
            with _stores(settings) as (database, storage):
                return _restore(settings, archive, database, storage)
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


class _Writer:
    """Adds members to an archive and remembers their SHA-256."""

    def __init__(self, file: IO[bytes], spool: Path) -> None:
        self._archive = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - finish() ends it
        self._spool = spool
        self._sums: dict[str, str] = {}

    @contextmanager
    def member(self, name: str) -> Iterator[IO[bytes]]:
        """A file to write the member `name` to."""
        with tempfile.TemporaryFile(dir=self._spool) as file:
            yield file
            size = file.tell()
            file.seek(0)
            self._sums[name] = _sha256(file)
            file.seek(0)
            self._add(name, size, file)

    def add_text(self, name: str, content: bytes) -> None:
        """A short member."""
        with self.member(name) as file:
            file.write(content)

    def add_blob(self, sha256: str, path: Path) -> None:
        """A blob, whose name is its SHA-256."""
        with path.open("rb") as file:
            self._sums[BLOBS + sha256] = sha256
            self._add(BLOBS + sha256, path.stat().st_size, file)

    def finish(self) -> None:
        """Add the list of what is in the archive, and end it."""
        content = json.dumps(self._sums).encode()
        self._add(COMPLETE, len(content), BytesIO(content))
        self._archive.close()

    def _add(self, name: str, size: int, file: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self._archive.addfile(member, file)


def _write_tables(writer: _Writer, database: Database) -> int:
    rows = 0
    with database.snapshot() as session:
        for table in kept_tables():
            with writer.member(f"{TABLES}{table.name}.jsonl") as file:
                rows += write_rows(session, table, file)
    return rows


def _write_blobs(writer: _Writer, storage: Storage) -> int:
    # After the rows, since a blob is stored before a row names it.
    count = 0
    for sha256, _ in storage.blobs():
        try:
            path = storage.local(sha256)
        except FileNotFoundError:  # housekeeping was here meanwhile
            continue
        writer.add_blob(sha256, path)
        count += 1
    return count


def _check_manifest(archive: tarfile.TarFile) -> None:
    try:
        manifest = json.loads(_content(archive, MANIFEST))
        form, schema, maker = (manifest[key] for key in ("format", "schema", "made_by"))
    except (KeyError, TypeError, ValueError) as error:
        raise BackupError("this file is no backup of Fivesigma") from error
    if form != FORMAT or schema != _present_schema():
        raise BackupError(
            f"the backup was made by {maker}, whose tables differ from those of fivesigma "
            f"{version('fivesigma')}: restore it with that version, then upgrade and migrate"
        )


def _check_whole(archive: tarfile.TarFile) -> None:
    """Raises BackupError unless every listed member is there and as it was written."""
    try:
        listed = json.loads(_content(archive, COMPLETE))
    except (KeyError, ValueError) as error:
        raise BackupError("the backup has no end: it was cut off; nothing was changed") from error
    for name, sha256 in dict(listed).items():
        try:
            digest = _sha256(_opened(archive, name))
        except KeyError:
            digest = ""
        if digest != sha256:
            raise BackupError(f"the backup is damaged at {name}; nothing was changed")


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    return _opened(archive, name).read(LARGEST_LIST)


def _opened(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _restore(
    settings: Settings, archive: tarfile.TarFile, database: Database, storage: Storage
) -> str:
    _make_ready(database)
    names = archive.getnames()
    blobs = [name for name in names if name.startswith(BLOBS)]
    for name in blobs:  # an interrupted restore leaves blobs only, which harm nobody
        _put_blob(archive, name, storage)
    if SECRET in names:
        _put_secret(settings, _content(archive, SECRET))
    rows = 0
    with database.transaction() as session:
        for table in kept_tables():
            rows += read_rows(session, table, _opened(archive, f"{TABLES}{table.name}.jsonl"))
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
        content = _opened(archive, name)
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
