"""A class list in a real Chromium: import, join by a one-time code, exclude, let in."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_site import Running, Visitor
from playwright.sync_api import Page, expect
from server_processes import server

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery staple"


def load(running: Running, policy: str) -> None:
    """Give the running challenge this policy."""
    toml = running.challenge / "challenge.toml"
    text = toml.read_text().split("\n[registration]")[0]
    toml.write_text(f'{text}\n[registration]\npolicy = "{policy}"\n')
    data = str(running.data)
    server("challenge", "load", str(running.challenge), "--update", "--data-dir", data)


def sign_up(page: Page, username: str) -> None:
    page.goto("/signup")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("Your account is made")).to_be_visible()


def log_in_as_organiser(page: Page, running: Running, username: str) -> None:
    server(
        *("user", "add", f"{username}@example.org", "--username", username, "--admin"),
        *("--password-stdin", "--data-dir", str(running.data)),
        text=PASSWORD,
    )
    page.goto("/login")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def ask_to_join(page: Page, button: str) -> None:
    page.get_by_label("I have read the rules and accept them").check()
    page.get_by_role("button", name=button).click()


def test_a_class_joins_by_its_roster(visitor: Visitor, running: Running, tmp_path: Path) -> None:
    load(running, "roster")
    boss = visitor.page()
    log_in_as_organiser(boss, running, "teacher")
    boss.goto("/challenges/tiny/participants")
    boss.get_by_role("link", name="Roster").click()
    boss.get_by_label("Names, one a line").fill("Ada Lovelace\n=1+1\n")
    boss.get_by_role("button", name="Add and show the codes").click()
    expect(boss.get_by_text("Line 2: Begin the name")).to_be_visible()
    boss.get_by_label("Names, one a line").fill("")
    names = tmp_path / "class.csv"
    names.write_text("number,name\n1,Ada Lovelace\n2,Emmy Noether\n", "utf-8-sig")
    boss.get_by_label("Or a CSV file").set_input_files(names)
    boss.get_by_role("button", name="Add and show the codes").click()
    row = boss.get_by_role("row").filter(has=boss.get_by_role("rowheader", name="Ada Lovelace"))
    code = row.get_by_role("cell").inner_text()

    context = boss.context.browser
    assert context is not None
    own = context.new_context(base_url=running.url)
    page = own.new_page()
    sign_up(page, "ada")
    page.goto("/challenges/tiny")
    page.get_by_label("Your one-time code").fill("0000-0000-0000-0000")
    ask_to_join(page, "Join the challenge")
    expect(page.get_by_text("not valid or was used already")).to_be_visible()
    page.goto("/challenges/tiny")
    page.get_by_label("Your one-time code").fill(code.lower())
    ask_to_join(page, "Join the challenge")
    expect(page.get_by_text("You have joined")).to_be_visible()

    boss.get_by_role("link", name="Back to the roster").click()
    expect(boss.get_by_role("row", name="Ada Lovelace")).to_contain_text("ada")
    boss.get_by_role("link", name="People").click()
    boss.get_by_label("Exclude ada").click()
    boss.get_by_label("Reason, which ada reads").fill("two accounts")
    boss.get_by_role("button", name="Exclude ada").click()
    expect(boss.get_by_text("The participant is excluded")).to_be_visible()
    page.goto("/challenges/tiny")
    expect(page.get_by_text("The reason: two accounts")).to_be_visible()
    boss.get_by_role("button", name="Let ada take part again").click()
    expect(boss.get_by_text("may take part again")).to_be_visible()
    page.goto("/challenges/tiny/submit")
    expect(page.get_by_label("Prediction file")).to_be_visible()
    own.close()
    expected = [text for text in visitor.complaints if "422" not in text]
    assert (expected, visitor.foreign) == ([], [])


def test_asking_and_being_approved_without_scripts_on_a_phone(
    visitor: Visitor, plain_visitor: Visitor, running: Running
) -> None:
    load(running, "approval")
    page = plain_visitor.page()
    sign_up(page, "lise")
    page.goto("/challenges/tiny")
    page.get_by_label("A word to the organisers").fill("From the evening class")
    ask_to_join(page, "Ask to take part")
    expect(page.get_by_text("have yet to decide")).to_be_visible()
    boss = visitor.page()
    log_in_as_organiser(boss, running, "headmaster")
    boss.goto("/challenges/tiny/participants")
    expect(boss.get_by_text("From the evening class")).to_be_visible()
    boss.get_by_label("Choose lise").check()
    boss.get_by_role("button", name="Approve the chosen").click()
    expect(boss.get_by_text("They take part now")).to_be_visible()
    page.goto("/challenges/tiny/submit")
    expect(page.get_by_label("Prediction file")).to_be_visible()
