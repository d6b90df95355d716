"""Figures in a real Chromium: they appear by themselves, in the colours of the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from challenge_folder import write_prediction
from live_site import PATIENCE, Running, Visitor
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery staple"


def hand_in(page: Page, file: Path) -> None:
    """Sign up, join, and hand in a file."""
    page.goto("/signup")
    page.get_by_label("Username").fill("rutherford")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.goto("/challenges/tiny")
    page.get_by_label("I have read the rules and accept them").check()
    page.get_by_role("button", name="Join the challenge").click()
    page.goto("/challenges/tiny/submit")
    page.get_by_label("Prediction file").set_input_files(file)
    page.get_by_role("button", name="Hand in").click()


def shown(page: Page) -> list[str]:
    """The pictures that are really there: displayed, and loaded with a size."""
    script = """images => images.filter(one => one.checkVisibility() && one.naturalWidth > 100)
        .map(one => new URL(one.src).pathname.split("/").pop())"""
    found: list[str] = page.locator("figure.drawing img").evaluate_all(script)
    return found


def expect_shown(page: Page, name: str) -> None:
    page.wait_for_function(
        """name => [...document.querySelectorAll("figure.drawing img")].some(one =>
            one.src.includes(name) && one.checkVisibility() && one.complete && one.naturalWidth)""",
        arg=name,
    )
    assert shown(page) == [name]


def test_figures_appear_by_themselves_and_follow_the_theme(
    visitor: Visitor, running: Running, tmp_path: Path
) -> None:
    page = visitor.page()
    page.emulate_media(color_scheme="light")
    hand_in(page, write_prediction(running.challenge, tmp_path / "mine.csv", cut=0.5))
    expect(page.get_by_role("heading", name="Figures")).to_be_visible(timeout=PATIENCE)
    expect_shown(page, "score.light.svg")
    page.emulate_media(color_scheme="dark")
    expect_shown(page, "score.dark.svg")
    page.get_by_role("button", name="Colours: as the system").click()
    expect_shown(page, "score.light.svg")
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Colours: light").click()
    expect_shown(page, "score.dark.svg")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="SVG").click()
    expect(page.locator("svg").first).to_be_visible()
    assert visitor.complaints == []
    assert visitor.foreign == []
