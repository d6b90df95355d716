"""`fivesigma-server up` with real processes: start, stop, what is killed, what is in the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from challenge_folder import write_tiny_challenge
from fivesigma_backend.up import UpRefused, _own_folder
from fivesigma_datasets import BUILTINS
from server_processes import answers, eventually, server, up

PARTS = {"valkey-server", "watchdog", "fivesigma_worker", "serve"}


def ticked_after(folder: Path, moment: datetime) -> bool:
    """Whether a worker has kept house since."""
    with closing(sqlite3.connect(folder / "fivesigma.sqlite3", timeout=30)) as database:
        row = database.execute("SELECT until FROM leases WHERE name = 'tick'").fetchone()
    # The lease lasts 10 seconds from the tick on; times are stored in UTC without a zone.
    return row is not None and (
        datetime.fromisoformat(row[0]).replace(tzinfo=UTC).timestamp() - 10 > moment.timestamp()
    )


def keeps_house(folder: Path) -> None:
    """Wait until a worker ticks."""
    now = datetime.now(UTC)
    eventually(lambda: ticked_after(folder, now))


def open_stream(url: str) -> socket.socket:
    """The event stream of the tiny challenge, with its first bytes read."""
    address = httpx2.URL(url)
    stream = socket.create_connection((address.host, address.port), timeout=60)
    stream.sendall(
        b"GET /api/v1/challenges/tiny/events HTTP/1.1\r\nHost: localhost\r\n"
        b"Accept: text/event-stream\r\n\r\n"
    )
    assert b"200 OK" in stream.recv(65536)
    return stream


def open_upload(url: str) -> socket.socket:
    """A log-in form that was announced and never comes."""
    address = httpx2.URL(url)
    upload = socket.create_connection((address.host, address.port), timeout=60)
    upload.sendall(
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nusername="
    )
    return upload


@pytest.mark.faults
def test_up_answers_keeps_a_second_one_out_and_stops_though_streams_are_open(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    with up(folder) as platform:
        url = platform.url()
        assert answers(f"{url}/readyz")
        assert set(platform.children()) == PARTS
        keeps_house(folder)

        port = str(httpx2.URL(url).port)  # the folder is the reason to give, not the port
        second = server("up", "--data-dir", str(folder), "--port", port, check=False)
        assert second.returncode == 1
        assert f"already runs on {folder} as process {platform.pid}" in second.stderr

        write_tiny_challenge(tmp_path / "tiny")
        server("challenge", "load", str(tmp_path / "tiny"), "--data-dir", str(folder))
        with open_stream(url) as stream, open_upload(url):
            platform.send(signal.SIGTERM)
            assert platform.wait() == 0
            while stream.recv(65536):  # what was still under way; then the end
                pass
        assert platform.running() == []
    assert "Everything is stopped." in platform.printed
    assert "Traceback" not in platform.printed, platform.printed
    assert "killed" not in platform.printed


@pytest.mark.faults
def test_whatever_is_killed_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with up(folder) as platform:
        url = platform.url()
        keeps_house(folder)
        for part in sorted(PARTS):
            victim = platform.children()[part]
            victim.kill()
            eventually(lambda gone=victim: not gone.is_running())
            eventually(lambda: set(platform.children()) == PARTS)
        eventually(lambda: answers(f"{url}/readyz"))
        keeps_house(folder)
        platform.send(signal.SIGTERM)
        assert platform.wait() == 0
        assert platform.running() == []


@pytest.mark.faults
def test_kill_9_of_up_leaves_no_process_and_the_folder_can_be_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with up(folder) as platform:
        platform.url()
        keeps_house(folder)  # by now the sandbox has a process of its own, too
        platform.send(signal.SIGKILL)
        platform.wait()
        eventually(lambda: platform.running() == [])
    with up(folder) as again:
        assert answers(f"{again.url()}/readyz")
        # Ctrl-C in a terminal reaches the whole foreground group at once.
        again.children()
        os.killpg(again.pid, signal.SIGINT)
        assert again.wait() == 0
        assert again.running() == []


@pytest.mark.faults
def test_what_is_external_is_not_started(tmp_path: Path, broker_url: str) -> None:
    with up(tmp_path / "data", FIVESIGMA_BROKER_URL=broker_url) as platform:
        assert answers(f"{platform.url()}/readyz")
        assert set(platform.children()) == PARTS - {"valkey-server"}


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in (["up"], ["serve"]):
            refused = server(*command, "--port", port, "--data-dir", str(tmp_path), check=False)
            assert refused.returncode == 1
            assert refused.stderr.count("\n") == 1
            assert f"port {port} of 127.0.0.1 is in use" in refused.stderr


def test_a_child_that_can_not_start_is_named_and_the_others_are_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "run" / "valkey.sock").mkdir(parents=True)  # so that Valkey can't listen
    refused = server("up", "--port", "0", "--data-dir", str(folder), check=False)
    assert refused.returncode == 1
    assert "valkey ended" in refused.stderr
    assert str(folder / "valkey.log") in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_socket_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    _own_folder(mine)
    assert mine.stat().st_mode & 0o777 == 0o700
    link = tmp_path / "link"
    link.symlink_to(mine)
    with pytest.raises(UpRefused, match="belongs to somebody else"):
        _own_folder(link)


@pytest.mark.faults
def test_the_demo_ends_with_scored_submissions_and_is_kept_by_the_next_run(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with up(folder, "--demo") as platform:
        platform.url()
        eventually(lambda: "╰" in platform.printed)
        for name in BUILTINS:
            eventually(lambda name=name: platform.printed.count(f" to {name}: scored") >= 2)
        eventually(lambda: "demo" not in platform.children())  # it ends, and is not restarted
        board = ["leaderboard", "export", "higgsml", "challenge", "--split", "public"]
        rows = server(*board, "--format", "csv", "--data-dir", str(folder)).stdout.splitlines()[1:]
        first = platform.printed
    assert "starts again" not in first
    assert {row.split(",")[2] for row in rows} == {"ada", "ben"}
    assert "is not loaded" not in first
    notes = json.loads((folder / "secrets" / "demo.json").read_text())
    assert notes["challenges"] == list(BUILTINS)
    assert set(notes["passwords"]) == {"organiser", "ada", "ben"}
    for username, password in notes["passwords"].items():
        assert username in first
        assert password in first

    with up(folder, "--demo") as again:
        eventually(lambda: "as the last run left it" in again.printed)
        assert "handed in" not in again.printed
        assert notes["passwords"]["ada"] in again.printed
    after = server(*board, "--format", "csv", "--data-dir", str(folder)).stdout.splitlines()[1:]
    assert after == rows


@pytest.mark.faults
def test_the_demo_leaves_people_alone(tmp_path: Path) -> None:
    folder = ["--data-dir", str(tmp_path / "data")]
    server("migrate", *folder)
    password = "a password of ten"
    server("user", "add", "eve@example.org", "--password-stdin", *folder, text=password)
    with up(tmp_path / "data", "--demo") as platform:
        eventually(lambda: "leaves it alone" in platform.printed)
    assert server("challenge", "list", *folder).stdout == ""
