"""Fixtures of the client's tests: a live server, and the command as a fresh user runs it."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import FrozenClock, RecordingBell
from fivesigma_backend.core.platform import Platform, open_platform
from fivesigma_backend.core.sandbox import Sandbox
from fivesigma_backend.core.settings import load_settings
from live_server import LiveServer, live_server
from shell import Shell
from unkind_network import Relay, relay


@pytest.fixture
def quick_platform(
    sqlite_template: Path, broker_url: str, sandbox: Sandbox, tmp_path: Path, clock: FrozenClock
) -> Iterator[Platform]:
    """A platform on SQLite alone: the client can't tell databases apart."""
    path = tmp_path / "test.sqlite3"
    shutil.copy(sqlite_template, path)
    settings = load_settings(
        {}, data_dir=tmp_path / "data", database_url=f"sqlite:///{path}", broker_url=broker_url
    )
    opened = open_platform(settings, bell=RecordingBell(), clock=clock)
    opened.throttle.reset()
    yield dataclasses.replace(opened, sandbox=sandbox)
    opened.close()


@pytest.fixture
def toml() -> dict[str, Any]:
    """Changes to the tiny challenge's toml; tests override it by `parametrize`."""
    return {}


@pytest.fixture
def live(quick_platform: Platform, tmp_path: Path, toml: dict[str, Any]) -> Iterator[LiveServer]:
    """The tiny challenge on a server at a socket."""
    with live_server(quick_platform, tmp_path / "tiny", **toml) as opened:
        yield opened


@pytest.fixture
def unkind(live: LiveServer) -> Iterator[Relay]:
    """A relay in front of the live server."""
    with relay(live.web.port) as opened:
        yield opened


@pytest.fixture
def invented() -> Iterator[Relay]:
    """A server whose every answer the test invents."""
    with relay() as opened:
        yield opened


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A fresh user's shell."""
    return Shell(tmp_path / "home", monkeypatch)


@pytest.fixture
def ada(live: LiveServer, shell: Shell) -> Shell:
    """The shell of somebody who takes part."""
    shell.at(live.url, live.person("ada").token)
    return shell
