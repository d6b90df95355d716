"""A real Chromium that gets its pages from the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from served_pages import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install Debian's package `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def site(chromium: Browser) -> Iterator[Site]:
    """A fresh profile in Berlin, whose system prefers light colours."""
    context = chromium.new_context(
        locale="en-GB", timezone_id="Europe/Berlin", color_scheme="light"
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    site = Site(context.new_page())
    site.page.on("console", site.hear)
    site.page.on("pageerror", lambda error: site.complaints.append(str(error)))
    site.page.route("**/*", site.handle)
    site.page.set_default_timeout(10_000)
    yield site
    context.close()
