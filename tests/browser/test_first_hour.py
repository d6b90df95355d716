"""A student's first hour in a real Chromium: sign up, join, upload, watch, see the board."""

from __future__ import annotations

from pathlib import Path

import pytest
from challenge_folder import write_prediction
from live_site import Running, Visitor
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery staple"


def sign_up_and_join(page: Page, username: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.goto("/")
    page.get_by_role("link", name="Tiny: find the bump").click()
    page.get_by_label("I have read the rules and accept them").check()
    page.get_by_role("button", name="Join the challenge").click()
    expect(page.get_by_text("You have joined")).to_be_visible()


def hand_in(page: Page, file: Path) -> None:
    page.get_by_role("link", name="Submit", exact=True).click()
    page.get_by_label("Message").fill("my first file")
    page.get_by_label("Prediction file").set_input_files(file)
    page.get_by_role("button", name="Hand in").click()


def test_sign_up_join_upload_watch_and_see_the_board(
    visitor: Visitor, running: Running, tmp_path: Path
) -> None:
    page = visitor.page()
    sign_up_and_join(page, "ada")
    page.get_by_role("link", name="Data", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="test.csv").click()
    assert download.value.path().read_bytes() == (running.challenge / "test.csv").read_bytes()

    hand_in(page, write_prediction(running.challenge, tmp_path / "mine.csv", cut=0.5))
    page.wait_for_url("**/submissions/**")
    marked = page.evaluate("window.notReloaded = true")
    assert marked
    expect(page.locator(".chip.status.scored")).to_be_visible()
    expect(page.get_by_role("row", name="AMS").first).to_contain_text("±")
    assert page.evaluate("window.notReloaded === true"), "the page was loaded again"

    page.get_by_role("link", name="Leaderboard").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="ada"))
    expect(row.get_by_role("cell").first).to_have_text("1")
    expect(row).to_contain_text("±")
    page.get_by_role("link", name="private").click()
    expect(page.get_by_text("The private board is blind")).to_be_visible()
    blind = [text for text in visitor.complaints if "403" not in text]
    assert (blind, visitor.foreign) == ([], [])


def test_a_board_moves_while_somebody_looks(
    visitor: Visitor, running: Running, tmp_path: Path
) -> None:
    watching = visitor.page()
    page = visitor.page()
    sign_up_and_join(page, "grace")
    watching.goto("/challenges/tiny/leaderboard")
    watching.evaluate("window.notReloaded = true")
    hand_in(page, write_prediction(running.challenge, tmp_path / "mine.csv", cut=0.2))
    expect(watching.get_by_role("rowheader", name="grace")).to_be_visible()
    assert watching.evaluate("window.notReloaded === true")


def test_a_wrong_file_is_explained_where_it_was_handed_in(
    visitor: Visitor, running: Running, tmp_path: Path
) -> None:
    page = visitor.page()
    sign_up_and_join(page, "emmy")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("Name,Value\n1,2\n")
    hand_in(page, wrong)
    expect(page.get_by_text("The file was refused")).to_be_visible()
    expect(page.locator(".findings")).to_contain_text("EventId")

    good = write_prediction(running.challenge, tmp_path / "good.csv")
    lines = good.read_text().splitlines()
    lines[4] = lines[4].replace(",s", ",x").replace(",b", ",x")
    wrong.write_text("\n".join(lines))
    page.get_by_label("Prediction file").set_input_files(wrong)
    page.get_by_role("button", name="Only check").click()
    expect(page.get_by_text("The file would be refused")).to_be_visible()
    expect(page.locator(".findings")).to_contain_text("line 5")


def test_all_of_it_works_without_scripts_on_a_phone(
    plain_visitor: Visitor, running: Running, tmp_path: Path
) -> None:
    page = plain_visitor.page()
    sign_up_and_join(page, "lise")
    hand_in(page, write_prediction(running.challenge, tmp_path / "mine.csv", cut=0.1))
    page.wait_for_url("**/submissions/**")
    expect(page.locator(".chip.status.scored")).to_be_visible()  # the page refreshes itself
    page.get_by_role("link", name="Leaderboard").click()
    expect(page.get_by_role("rowheader", name="lise")).to_be_visible()
    assert plain_visitor.foreign == []
