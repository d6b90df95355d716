"""Teams in a real Chromium: invite, join, see the common board, merge, hand over, leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from challenge_folder import tiny_toml, write_prediction, write_tiny_challenge
from live_site import Running, Visitor
from playwright.sync_api import Browser, Page, expect
from server_processes import server, up

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A platform with the tiny challenge for teams of up to three, open now."""
    base = tmp_path_factory.mktemp("site")
    phase = tiny_toml()["phases"][0]
    phase["opens"] = phase["opens"].replace(year=2020)
    phase["closes"] = phase["closes"].replace(year=2099)
    folder = write_tiny_challenge(base / "tiny", phases=[phase], teams={"max_size": 3})
    with up(base / "data") as platform:
        url = platform.url()
        server("challenge", "load", str(folder), "--data-dir", str(base / "data"))
        yield Running(url, base / "data", folder)


@pytest.fixture
def second(chromium: Browser, running: Running) -> Iterator[Visitor]:
    """Somebody else's phone, without scripts."""
    context = chromium.new_context(
        base_url=running.url,
        locale="en-GB",
        java_script_enabled=False,
        viewport={"width": 390, "height": 800},
    )
    yield Visitor(context, running.url)
    context.close()


def join(page: Page, username: str) -> None:
    page.goto("/signup?next=/challenges/tiny")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.goto("/challenges/tiny")
    page.get_by_label("I have read the rules and accept them").check()
    page.get_by_role("button", name="Join the challenge").click()
    expect(page.get_by_text("You have joined")).to_be_visible()


def hand_in(page: Page, file: Path) -> None:
    page.goto("/challenges/tiny/submit")
    page.get_by_label("Prediction file").set_input_files(file)
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_url("**/submissions/**")
    expect(page.locator(".chip.status.scored")).to_be_visible()


def look(page: Page, folder: Path, name: str) -> None:
    """No sideways scrolling on a phone and on a screen, by day and by night; with pictures."""
    for width in (390, 1280):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


def test_two_students_become_a_team_and_part_again(
    visitor: Visitor, second: Visitor, running: Running, tmp_path: Path
) -> None:
    ada, bob = visitor.page(), second.page()
    join(ada, "ada")
    join(bob, "bob")
    hand_in(bob, write_prediction(running.challenge, tmp_path / "mine.csv", cut=0.5))
    ada.get_by_role("link", name="Team", exact=True).click()
    ada.get_by_label("Username").fill("nobody")
    ada.get_by_role("button", name="Invite").click()
    expect(ada.get_by_text("does not take part")).to_be_visible()
    ada.get_by_label("Username").fill("bob")
    ada.get_by_role("button", name="Invite").click()
    expect(ada.get_by_text("Invited, no answer yet")).to_be_visible()

    bob.get_by_role("link", name="Team", exact=True).click()
    expect(bob.get_by_text("ada invites you to “ada”")).to_be_visible()
    expect(bob.get_by_text("1 submission moves")).to_be_visible()
    look(bob, tmp_path, "invited")
    bob.get_by_role("button", name="Join ada").click()
    expect(bob.get_by_text("Welcome to your new team")).to_be_visible()

    ada.get_by_role("link", name="Team", exact=True).click()
    ada.get_by_text("Rename the team").click()
    ada.get_by_label("Name", exact=True).fill("The Muons")
    ada.get_by_role("button", name="Rename", exact=True).click()
    expect(ada.get_by_role("heading", name="The Muons")).to_be_visible()
    look(ada, tmp_path, "members")
    ada.get_by_role("link", name="Leaderboard").click()
    expect(ada.get_by_role("rowheader", name="The Muons")).to_contain_text("bob")

    ada.get_by_role("link", name="Team", exact=True).click()
    ada.get_by_role("button", name="Make bob the leader").click()
    expect(ada.get_by_text("Somebody else leads the team now")).to_be_visible()
    ada.get_by_text("Leave the team").first.click()
    ada.get_by_role("button", name="Leave the team").click()
    expect(ada.get_by_text("You have left")).to_be_visible()

    ada.get_by_text("Merge with another team").click()
    ada.get_by_label("Name of the other team").fill("the muons")
    ada.get_by_role("button", name="Propose").click()
    expect(ada.get_by_text("Proposed, no answer yet")).to_be_visible()
    bob.get_by_role("link", name="Team", exact=True).click()
    look(bob, tmp_path, "proposed")
    bob.get_by_role("button", name="Merge with ada").click()
    expect(bob.get_by_text("The two teams are one now")).to_be_visible()
    expect(bob.get_by_role("rowheader", name="ada")).to_be_visible()
    refused = [text for text in visitor.complaints if "422" not in text]
    assert (refused, visitor.foreign, second.foreign) == ([], [], [])
