"""`kill -9` of every part while files are handed in and scored: each is scored exactly once."""

from __future__ import annotations

import itertools
import random
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import psutil
import pytest
from challenge_folder import write_prediction, write_tiny_challenge
from server_processes import Process, answers, eventually, server, up

PEOPLE = ("ada", "ben", "cleo")
FILES = 8
KILLED = ("fivesigma_worker", "serve", "valkey-server", "fivesigma_worker", "serve")


def unlimited(folder: Path) -> Path:
    """The tiny challenge with a phase without limits, open now."""
    from challenge_folder import tiny_toml

    phase = tiny_toml()["phases"][0] | {"limits": {}}
    phase["opens"] = phase["opens"].replace(year=2020)
    phase["closes"] = phase["closes"].replace(year=2099)
    return write_tiny_challenge(folder, phases=[phase])


def token_for(name: str, data: Path) -> str:
    password = ("--password-stdin", "--data-dir", str(data))
    server("user", "add", f"{name}@example.org", *password, text="long enough words")
    made = server("token", "create", name, "--data-dir", str(data))
    return made.stdout.strip()


def insist(url: str, token: str, number: int, file: Path) -> str:
    """Hand in as a job would: with a key, again and again until it is accepted."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"file-{number}"}
    while True:
        with suppress(httpx2.TransportError), file.open("rb") as content:
            answer = httpx2.post(
                f"{url}/api/v1/challenges/tiny/submissions",
                headers=headers, files={"file": (file.name, content)}, timeout=60,
            )  # fmt: skip
            if answer.status_code == 201:
                identity: str = answer.json()["id"]
                return identity
            assert answer.status_code >= 500, answer.text
        time.sleep(0.1)


def kill(platform: Process, part: str) -> None:
    """Kill one part by its id, together with nothing else; one that restarts is waited for."""
    eventually(lambda: part in platform.children())
    with suppress(psutil.NoSuchProcess, KeyError):
        platform.children()[part].kill()


def rows(data: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(data / "fivesigma.sqlite3", timeout=30)) as database:
        return database.execute(query).fetchall()


@pytest.mark.faults
def test_whatever_is_killed_every_accepted_submission_is_scored_exactly_once(
    tmp_path: Path,
) -> None:
    data, folder = tmp_path / "data", unlimited(tmp_path / "tiny")
    files = [
        write_prediction(folder, tmp_path / f"{number}.csv", cut=number / 4 - 1)
        for number in range(FILES)
    ]
    with up(data, FIVESIGMA_LEASE_SECONDS="2") as platform:
        url = platform.url()
        server("challenge", "load", str(folder), "--data-dir", str(data))
        tokens = {name: token_for(name, data) for name in PEOPLE}
        for token in tokens.values():
            joined = httpx2.post(
                f"{url}/api/v1/challenges/tiny/join",
                headers={"Authorization": f"Bearer {token}"}, json={"accept_rules": True},
            )  # fmt: skip
            assert joined.status_code == 200, joined.text
        accepted: list[str] = []

        def hand_in_all(token: str) -> None:
            for number, file in enumerate(files):
                accepted.append(insist(url, token, number, file))

        threads = [threading.Thread(target=hand_in_all, args=(t,)) for t in tokens.values()]
        for thread in threads:
            thread.start()
        for part in KILLED:
            time.sleep(random.uniform(0.2, 1.0))
            kill(platform, part)
        for thread in threads:
            thread.join()
        kill(platform, "fivesigma_worker")
        eventually(lambda: not rows(data, "SELECT 1 FROM evaluations WHERE state != 'scored'"))
        eventually(lambda: answers(f"{url}/readyz"))

    expected = len(PEOPLE) * FILES
    assert len(set(accepted)) == len(accepted) == expected
    assert rows(data, "SELECT count(*) FROM submissions") == [(expected,)]
    assert rows(data, "SELECT count(*) FROM evaluations") == [(expected,)]
    assert rows(data, "SELECT entries FROM standings WHERE board = 'public'") == [(FILES,)] * len(
        PEOPLE
    )
    found = set(itertools.chain(*rows(data, "SELECT id FROM submissions")))
    assert found == set(accepted)


@pytest.mark.faults
def test_what_was_accepted_before_everything_was_killed_is_scored_after_the_restart(
    tmp_path: Path,
) -> None:
    data, folder = tmp_path / "data", unlimited(tmp_path / "tiny")
    file = write_prediction(folder, tmp_path / "one.csv")
    with up(data, FIVESIGMA_LEASE_SECONDS="2") as platform:
        url = platform.url()
        server("challenge", "load", str(folder), "--data-dir", str(data))
        token = token_for("ada", data)
        httpx2.post(
            f"{url}/api/v1/challenges/tiny/join",
            headers={"Authorization": f"Bearer {token}"}, json={"accept_rules": True},
        )  # fmt: skip
        kill(platform, "fivesigma_worker")
        identity = insist(url, token, 1, file)
        everything = psutil.Process(platform.pid)
        platform.children()
        everything.kill()
        eventually(lambda: not platform.running())
    with up(data, FIVESIGMA_LEASE_SECONDS="2"):
        query = "SELECT 1 FROM evaluations WHERE state = 'scored'"
        eventually(lambda: rows(data, query))
    assert rows(data, "SELECT id FROM submissions") == [(identity,)]
