"""`fivesigma-server`: what its commands do, and that mistakes are one clear line."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from challenge_folder import write_tiny_challenge
from click.testing import CliRunner, Result
from fivesigma_backend.accounts.passwords import verify_password
from fivesigma_backend.accounts.service import actor_of_token, find_user
from fivesigma_backend.cli import main
from fivesigma_backend.core.clock import utc_now
from fivesigma_backend.core.db import Database
from fivesigma_backend.core.security import digest
from fivesigma_backend.logs import CHATTY
from server_processes import environment

Run = Callable[..., Result]
PASSWORD = "tau pairs are not easy"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of the commands."""
    return tmp_path / "data"


@pytest.fixture
def logging_kept() -> Iterator[None]:
    """Gives the other tests of this process their logging and warnings back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, logging_kept: None) -> Run:
    """Runs a command in this process, on a data folder of its own."""
    for name in os.environ.keys() - environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("FIVESIGMA_DATA_DIR", str(folder))

    def call(*arguments: str, text: str = "", code: int = 0) -> Result:
        result = CliRunner().invoke(main, arguments, input=text)
        assert result.exit_code == code, (result.output, result.exc_info)
        return result

    return call


@pytest.fixture
def migrated(run: Run) -> Run:
    """The same, with a migrated database."""
    run("migrate")
    return run


def database(folder: Path) -> Database:
    return Database(f"sqlite:///{folder / 'fivesigma.sqlite3'}")


def one_line(result: Result) -> str:
    """What a refused command says: one line, no traceback."""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_help_needs_nothing_but_click() -> None:
    script = (
        "import sys; from fivesigma_backend.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'celery', 'fastapi', 'numpy', 'polars', 'pydantic', 'uvicorn'}\n"
        "print('loaded:', sorted(heavy & sys.modules.keys()))"
    )
    shown = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert "loaded: []" in shown
    for name in ("up", "serve", "worker", "migrate", "doctor", "backup", "restore", "challenge"):
        assert f"\n  {name} " in shown


def test_people_are_added_with_a_password_that_is_not_on_the_command_line(
    migrated: Run, folder: Path
) -> None:
    added = migrated("user", "add", "ada@example.org", "--admin", "--password-stdin", text=PASSWORD)
    assert added.stdout == "ada\n"
    opened = database(folder)
    with opened.read() as session:
        ada = find_user(session, "ada@example.org")
        assert ada is not None
        assert ada.is_admin
        assert verify_password(ada.password_hash, PASSWORD)
    opened.close()


def test_a_username_is_taken_once(migrated: Run) -> None:
    options = ["--username", "ada", "--password-stdin"]
    migrated("user", "add", "ada@example.org", *options, text=PASSWORD)
    refused = migrated("user", "add", "eve@example.org", *options, text=PASSWORD, code=1)
    assert "username" in one_line(refused)


def test_a_new_password_replaces_the_old_one(migrated: Run, folder: Path) -> None:
    migrated("user", "add", "ada@example.org", "--password-stdin", text=PASSWORD)
    migrated("user", "password", "ada", "--password-stdin", text="another long sentence\n")
    opened = database(folder)
    with opened.read() as session:
        ada = find_user(session, "ada")
        assert ada is not None
        assert verify_password(ada.password_hash, "another long sentence")
    opened.close()


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["user", "password", "ada"], "", "--password-stdin"),
        (["user", "password", "ada", "--password-stdin"], "short", "at least 10 characters"),
        (["user", "add", "ada@example.org", "--password-stdin"], "", "at least 10 characters"),
        (["token", "create", "ada", "--scopes", "read,fly"], "", "scopes"),
        (["token", "create", "ada", "--expires", "0"], "", "1 to 365 days"),
        (["token", "create", "ada", "--challenge", "none"], "", "no such challenge"),
        (["token", "create", "nobody"], "", "nobody"),
        (["challenge", "load", "no/such/folder"], "", "no/such/folder"),
        (["challenge", "export", "none", "out"], "", "none"),
        (["phase", "close", "none", "final"], "", "none yet"),
        (["restore", "no-such-file.tar"], "", "no-such-file.tar"),
    ],
)
def test_mistakes_are_one_line(migrated: Run, arguments: list[str], text: str, said: str) -> None:
    migrated("user", "add", "ada@example.org", "--password-stdin", text=PASSWORD)
    result = CliRunner().invoke(main, arguments, input=text)
    assert result.exit_code in (1, 2)
    assert said in one_line(result)


def test_a_token_is_printed_alone_and_works(migrated: Run, folder: Path) -> None:
    migrated("user", "add", "ada@example.org", "--password-stdin", text=PASSWORD)
    token = migrated("token", "create", "ada", "--scopes", "read", "--expires", "1").stdout
    assert token.count("\n") == 1
    opened = database(folder)
    with opened.read() as session:
        actor = actor_of_token(session, digest(token.strip()), utc_now())
    opened.close()
    assert actor is not None
    assert (actor.username, actor.scopes) == ("ada", frozenset({"read"}))


def test_a_command_on_an_old_schema_says_what_to_do(run: Run) -> None:
    assert "fivesigma-server migrate" in one_line(run("challenge", "list", code=1))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FIVESIGMA_DATABSE_URL", "sqlite://", "FIVESIGMA_DATABSE_URL is no setting"),
        ("FIVESIGMA_LEASE_SECONDS", "soon", "FIVESIGMA_LEASE_SECONDS"),
        ("FIVESIGMA_DATABASE_URL", "postgresql+psycopg://u:gehe1m@h:port/d", "is no valid URL"),
        ("FIVESIGMA_DATABASE_URL", "postgresql://u:gehe1m@h/d", "postgresql+psycopg://"),
        ("FIVESIGMA_BROKER_URL", "amqp://u:gehe1m@h", "redis://"),
        ("FIVESIGMA_STORAGE_URL", "/srv/blobs", "file:///"),
        ("FIVESIGMA_DATABASE_URL", "db2://u:gehe1m@h/d", "FIVESIGMA_DATABASE_URL"),
    ],
)
def test_wrong_settings_are_one_line_without_secrets(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    line = one_line(run("migrate", code=2))
    assert said in line
    assert "gehe1m" not in line


def test_a_database_that_is_away_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg://fivesigma:gehe1m@127.0.0.1:1/fivesigma"
    monkeypatch.setenv("FIVESIGMA_DATABASE_URL", url)
    refused = run("migrate", code=1)
    assert "the database refused" in one_line(refused)
    assert "gehe1m" not in refused.output


def checks(result: Result) -> dict[str, Any]:
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]}


def test_a_healthy_platform_passes_the_doctor(migrated: Run) -> None:
    found = checks(migrated("doctor", "--json"))
    expected = {"versions", "data folder", "free disk", "database", "broker", "object store"}
    assert set(found) == expected | {"sandbox"}
    assert found["database"]["state"] == "ok"
    assert found["object store"]["state"] == "ok"
    assert found["broker"]["state"] == "warning"
    assert "fivesigma-server up" in found["broker"]["detail"]
    assert "scrubbed environment" in found["sandbox"]["detail"]
    assert "database: sqlite" in migrated("doctor").stdout


def test_the_doctor_names_each_thing_that_is_broken(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    (folder / "storage").write_text("a file where a folder should be")
    monkeypatch.setenv("FIVESIGMA_BROKER_URL", "redis://:gehe1m@127.0.0.1:1/0")
    result = run("doctor", "--json", code=1)
    found = checks(result)
    assert not json.loads(result.stdout)["ok"]
    assert found["database"]["state"] == "failed"
    assert "fivesigma-server migrate" in found["database"]["detail"]
    assert found["broker"]["state"] == "failed"
    assert found["object store"]["state"] == "failed"
    assert found["data folder"]["state"] == "ok"
    assert "gehe1m" not in result.output


def test_a_challenge_goes_in_and_comes_out_again(migrated: Run, tmp_path: Path) -> None:
    write_tiny_challenge(tmp_path / "tiny")
    loaded = migrated("challenge", "load", str(tmp_path / "tiny"))
    assert "tiny is loaded" in loaded.stdout
    assert migrated("challenge", "list").stdout == "tiny\tfinal\tTiny: find the bump\n"
    migrated("challenge", "export", "tiny", str(tmp_path / "out"))
    assert (tmp_path / "out" / "test.csv").read_bytes() == (
        tmp_path / "tiny" / "test.csv"
    ).read_bytes()


def test_a_changed_challenge_needs_update(migrated: Run, tmp_path: Path) -> None:
    write_tiny_challenge(tmp_path / "tiny")
    migrated("challenge", "load", str(tmp_path / "tiny"))
    write_tiny_challenge(tmp_path / "tiny", title="Tiny, renamed")
    refused = migrated("challenge", "load", str(tmp_path / "tiny"), code=1)
    assert "--update" in one_line(refused)
    migrated("challenge", "load", str(tmp_path / "tiny"), "--update")
    assert "Tiny, renamed" in migrated("challenge", "list").stdout


def test_a_folder_with_a_mistake_says_which(migrated: Run, tmp_path: Path) -> None:
    write_tiny_challenge(tmp_path / "tiny", titel="misspelt")
    refused = migrated("challenge", "load", str(tmp_path / "tiny"), code=1)
    assert "titel" in refused.stderr
    assert "title" in refused.stderr


def test_a_phase_that_has_not_settled_stays_blind(migrated: Run, tmp_path: Path) -> None:
    write_tiny_challenge(tmp_path / "tiny", phases=[open_phase()])
    migrated("challenge", "load", str(tmp_path / "tiny"))
    assert "not settled" in one_line(migrated("phase", "unblind", "tiny", "final", code=1))
    assert "final" in one_line(migrated("phase", "close", "tiny", "finale", code=1))
    migrated("phase", "close", "tiny", "final")
    migrated("phase", "unblind", "tiny", "final")
    assert "not open" in one_line(migrated("phase", "close", "tiny", "final", code=1))


def open_phase() -> dict[str, Any]:
    """A phase that is open at any time a test may run."""
    from challenge_folder import tiny_toml

    phase: dict[str, Any] = tiny_toml()["phases"][0]
    opens = phase["opens"].replace(year=2020)
    return {**phase, "opens": opens, "closes": opens.replace(year=2120), "unblind": "manual"}


def test_a_board_is_exported_in_every_format(migrated: Run, tmp_path: Path) -> None:
    write_tiny_challenge(tmp_path / "tiny")
    migrated("challenge", "load", str(tmp_path / "tiny"))
    board = ["leaderboard", "export", "tiny", "final", "--split", "private", "--format"]
    header = "Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,TeamMemberUserNames"
    assert migrated(*board, "csv").stdout.startswith(header)
    assert json.loads(migrated(*board, "json").stdout)["rows"] == []
    (tmp_path / "board.parquet").write_bytes(migrated(*board, "parquet").stdout_bytes)
    assert pl.read_parquet(tmp_path / "board.parquet").columns[:7] == header.split(",")
