"""Finals and results in a real Chromium: choose with a note, count down, read the final place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from challenge_folder import tiny_toml, write_prediction, write_tiny_challenge
from live_site import PATIENCE, Running, Visitor
from playwright.sync_api import Page, expect
from server_processes import server, up

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A platform with the tiny challenge, open now; one final submission counts."""
    base = tmp_path_factory.mktemp("site")
    phase = tiny_toml()["phases"][0] | {"finals": 1}
    phase["opens"] = phase["opens"].replace(year=2020)
    phase["closes"] = phase["closes"].replace(year=2099)
    folder = write_tiny_challenge(base / "tiny", phases=[phase])
    with up(base / "data") as platform:
        url = platform.url()
        server("challenge", "load", str(folder), "--data-dir", str(base / "data"))
        yield Running(url, base / "data", folder)


def join(page: Page, username: str) -> None:
    page.goto("/signup?next=/challenges/tiny")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.goto("/challenges/tiny")
    page.get_by_label("I have read the rules and accept them").check()
    page.get_by_role("button", name="Join the challenge").click()


def hand_in(page: Page, file: Path) -> None:
    page.goto("/challenges/tiny/submit")
    page.get_by_label("Prediction file").set_input_files(file)
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_url("**/submissions/**")
    expect(page.locator(".chip.status.scored")).to_be_visible(timeout=PATIENCE)


def look(page: Page, folder: Path, name: str) -> None:
    """No sideways scrolling on a phone and on a screen, by day and by night; with pictures."""
    for width in (390, 1280):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


def test_a_team_chooses_badly_and_reads_what_it_could_have_been(
    visitor: Visitor, plain_visitor: Visitor, running: Running, tmp_path: Path
) -> None:
    ada, ben = visitor.page(), plain_visitor.page()
    join(ada, "ada")
    join(ben, "ben")
    hand_in(ben, write_prediction(running.challenge, tmp_path / "mine.csv", cut=-1.0))
    hand_in(ada, write_prediction(running.challenge, tmp_path / "careful.csv", cut=0.5))
    hand_in(ada, write_prediction(running.challenge, tmp_path / "bold.csv", cut=-3.0))
    look(ada, tmp_path, "one")
    ada.get_by_label("How was it made?").fill("Everything is signal.\nNo training.")
    ada.get_by_role("button", name="Select as final").click()
    expect(ada.get_by_text("Your selection is saved.")).to_be_visible()
    expect(ada.get_by_label("How was it made?")).to_have_value(re.compile("No training"))

    for tab in ("My submissions", "Overview", "Submit"):
        ada.get_by_role("navigation", name="Sections").get_by_role("link", name=tab).click()
        banner = ada.get_by_label("Final submissions of The phase")
        expect(banner).to_contain_text("has selected its final submission")
        expect(banner.get_by_role("link", name="bold.csv")).to_be_visible()
        expect(banner.locator(".countdown .left")).to_contain_text(re.compile(r"in [\d,]+ days"))
        look(ada, tmp_path, tab.replace(" ", "-").lower())
    ben.goto("/challenges/tiny")  # without scripts the moment itself is told
    expect(ben.get_by_label("Final submissions of The phase")).to_contain_text("2099, 00:00 UTC")

    ada.goto("/challenges/tiny/result")
    expect(ada.get_by_text("Not known yet")).to_be_visible()
    server("phase", "close", "tiny", "final", "--data-dir", str(running.data))
    # The page follows by itself.
    expect(ada.get_by_text("Your team “ada” takes 2nd place of 2")).to_be_visible(timeout=PATIENCE)
    visitor.complaints.clear()  # that it was refused before is noted by the browser
    ada.goto("/")
    expect(ada.get_by_text("Your team “ada” takes 2nd place of 2")).to_be_visible()
    look(ada, tmp_path, "home")
    ada.get_by_role("link", name="What another choice would have given").click()
    expect(ada.get_by_text("With careful.csv among the finals")).to_be_visible()
    look(ada, tmp_path, "result")
    ada.goto("/challenges/tiny")
    expect(ada.get_by_text("so it fell back 1 place")).to_be_visible()
    ben.goto("/challenges/tiny/leaderboard?split=private")
    row = ben.get_by_role("row").filter(has_text="ben")
    expect(row).to_contain_text("up 1")
    ben.get_by_text("How it was made").click()
    expect(ben.get_by_text("Everything is signal.")).to_be_visible()
    look(ben, tmp_path, "board")
    assert not visitor.complaints
    assert not plain_visitor.complaints
