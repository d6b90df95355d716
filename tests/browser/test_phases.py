"""An organiser's page of a phase in a real Chromium: moved times, more time, who moves on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from challenge_folder import write_prediction
from live_site import Running, Visitor
from pairs import write_pair
from playwright.sync_api import Page, expect
from server_processes import server, up

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A platform with two phases: one open now, and a final that takes over from it."""
    base = tmp_path_factory.mktemp("site")
    times = {"opens": datetime(2020, 1, 1, tzinfo=UTC), "closes": datetime(2099, 1, 1, tzinfo=UTC)}
    final = {"opens": times["opens"], "closes": None, "uploads": False, "unblind": "manual"}
    folder = write_pair(base / "tiny", first=times | {"unblind": "manual"}, then=final)
    with up(base / "data") as platform:
        url = platform.url()
        data = ("--data-dir", str(base / "data"))
        server("challenge", "load", str(folder), *data)
        admin = ("user", "add", "prof@example.org", "--username", "prof", "--admin")
        server(*admin, "--password-stdin", *data, text=PASSWORD)
        yield Running(url, base / "data", folder)


def sign_up(page: Page, username: str) -> None:
    page.goto("/signup?next=/challenges/tiny")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.get_by_label("I have read the rules and accept them").check()
    page.get_by_role("button", name="Join the challenge").click()
    expect(page.get_by_text("You have joined")).to_be_visible()


def log_in(page: Page, username: str) -> None:
    page.goto("/account")
    page.get_by_role("button", name="Log out").first.click()
    page.goto("/login")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name=username)).to_be_visible()


def look(page: Page, folder: Path, name: str) -> None:
    """No sideways scrolling on a phone and on a screen, by day and by night; with pictures."""
    for width in (390, 1280):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


def test_an_organiser_gives_time_moves_a_close_and_carries_over(
    visitor: Visitor, running: Running, tmp_path: Path
) -> None:
    page = visitor.page()
    sign_up(page, "ada")
    page.goto("/challenges/tiny/submit")
    file = write_prediction(running.challenge, tmp_path / "mine.csv", cut=0.5)
    page.get_by_label("Prediction file").set_input_files(file)
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_url("**/submissions/**")
    expect(page.locator(".chip.status.scored")).to_be_visible()

    log_in(page, "prof")
    page.goto("/challenges/tiny/phases/first")
    page.get_by_label("Team", exact=True).fill("ada")
    page.get_by_label("Closes for this team").fill("2099-02-01T00:00")
    page.get_by_role("button", name="Give more time").click()
    expect(page.get_by_text("The team has more time, and is told.")).to_be_visible()
    look(page, tmp_path, "extended")
    page.get_by_role("button", name="Take back the time of ada").click()
    page.get_by_label("Closes", exact=False).first.fill("2098-01-01T00:00")
    page.get_by_role("button", name="Save the times").click()
    expect(page.get_by_text("everybody who takes part is told").first).to_be_visible()

    page.goto("/challenges/tiny/phases/next")
    page.get_by_role("button", name="See who moves").click()
    expect(page.get_by_text("has not settled yet")).to_be_visible()
    expect(page.get_by_role("cell", name="mine.csv")).to_be_visible()
    look(page, tmp_path, "preview")
    page.goto("/challenges/tiny/phases/first")
    page.get_by_label("Close “First” now").check()
    page.get_by_role("button", name="Close the phase").click()
    expect(page.get_by_text("The phase is closed.")).to_be_visible()

    page.goto("/challenges/tiny/leaderboard?phase=next")  # the platform carries over by itself
    expect(page.locator(".chip", has_text="carried")).to_be_visible()
    look(page, tmp_path, "board")
    page.goto("/challenges/tiny")
    look(page, tmp_path, "overview")
    assert not visitor.complaints
    assert not visitor.foreign
