"""A whole platform as real processes, and browsers that look at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from challenge_folder import tiny_toml, write_tiny_challenge
from chromium import chromium
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from server_processes import server, up

__all__ = ["chromium"]
PATIENCE = 60_000


@dataclass
class Running:
    """The platform under test: its address, its data and the folder of its challenge."""

    url: str
    data: Path
    challenge: Path


@dataclass
class Visitor:
    """A browser profile that notes whatever should not happen."""

    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def page(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._watch)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.foreign.append(request.url)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`fivesigma-server up` with the tiny challenge, open now."""
    base = tmp_path_factory.mktemp("site")
    phase = tiny_toml()["phases"][0]
    phase["opens"] = phase["opens"].replace(year=2020)
    phase["closes"] = phase["closes"].replace(year=2099)
    folder = write_tiny_challenge(base / "tiny", phases=[phase])
    with up(base / "data") as platform:
        url = platform.url()
        server("challenge", "load", str(folder), "--data-dir", str(base / "data"))
        yield Running(url, base / "data", folder)


@pytest.fixture
def visitor(chromium: Browser, running: Running) -> Iterator[Visitor]:
    """A fresh profile with scripts."""
    context = chromium.new_context(base_url=running.url, locale="en-GB")
    yield Visitor(context, running.url)
    context.close()


@pytest.fixture
def plain_visitor(chromium: Browser, running: Running) -> Iterator[Visitor]:
    """A fresh profile without scripts, on a phone."""
    context = chromium.new_context(
        base_url=running.url,
        locale="en-GB",
        java_script_enabled=False,
        viewport={"width": 360, "height": 740},
    )
    yield Visitor(context, running.url)
    context.close()
