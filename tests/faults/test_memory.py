"""A large upload goes through the web process without growing it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from challenge_folder import tiny_toml, write_tiny_challenge
from server_processes import Process, server, up

MEBIBYTE = 1 << 20
SIZE = 200 * MEBIBYTE
ROOM = 48 * MEBIBYTE
BOUNDARY = "fivesigma-memory"


def body() -> Iterator[bytes]:
    """A form with one file of SIZE bytes that begins like a prediction."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    yield head.encode() + b"EventId,Class\n"
    line = b"100000,s\n" * (MEBIBYTE // 9)
    for _ in range(SIZE // len(line)):
        yield line
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def tallest(platform: Process, stop: threading.Event, found: list[int]) -> None:
    """The largest resident size of the web process until `stop`."""
    web = platform.children()["serve"]
    found.append(web.memory_info().rss)
    while not stop.wait(0.02):
        found.append(web.memory_info().rss)


@pytest.mark.faults
def test_the_web_process_stays_flat_under_a_large_upload(tmp_path: Path) -> None:
    phase = tiny_toml()["phases"][0] | {"limits": {}}
    phase["opens"] = phase["opens"].replace(year=2020)
    phase["closes"] = phase["closes"].replace(year=2099)
    folder, data = write_tiny_challenge(tmp_path / "tiny", phases=[phase]), tmp_path / "data"
    with up(data) as platform:
        url = platform.url()
        where = ("--data-dir", str(data))
        server("challenge", "load", str(folder), *where)
        server(
            "user", "add", "ada@example.org", "--password-stdin", *where, text="long enough words"
        )
        token = server("token", "create", "ada", *where).stdout.strip()
        headers = {"Authorization": f"Bearer {token}"}
        path = f"{url}/api/v1/challenges/tiny"
        httpx2.post(f"{path}/join", headers=headers, json={"accept_rules": True}).raise_for_status()

        sizes: list[int] = []
        stop = threading.Event()
        watcher = threading.Thread(target=tallest, args=(platform, stop, sizes))
        watcher.start()
        headers["Content-Type"] = f"multipart/form-data; boundary={BOUNDARY}"
        answer = httpx2.post(f"{path}/submissions", headers=headers, content=body(), timeout=120)
        stop.set()
        watcher.join()
    assert answer.status_code == 201, answer.text
    assert max(sizes) - sizes[0] < ROOM
