"""A real Chromium that gets its pages from the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import chromium
from playwright.sync_api import Browser
from served_pages import Site

__all__ = ["chromium"]


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
