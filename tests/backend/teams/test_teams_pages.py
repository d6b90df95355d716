"""The page “Team”: what it shows to whom, and its forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.core.platform import Platform
from page_checks import faults
from people import Browser
from stories import API, Person, Story, begin_story
from teamwork import TEAM, code, invite, members, propose, team, toml, unite

PAGE = "/challenges/tiny/team"


@pytest.fixture
def story(platform: Platform, web: TestClient, tmp_path: Path) -> Story:
    """Teams of up to three."""
    return begin_story(platform, web, tmp_path / "tiny", **toml())


def browse(story: Story, person: Person) -> Browser:
    """A browser of somebody."""
    return Browser(story.web).log_in(story.platform, story.user(person.username))


def send(browser: Browser, path: str, **fields: str) -> Any:
    """Send a form of the page."""
    return browser.post(path, page=PAGE, **fields)


def test_a_team_is_made_and_unmade_by_the_forms_of_the_page(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    hers, his = browse(story, ada), browse(story, bob)
    assert f'href="{PAGE}"' in hers.get("/challenges/tiny").text
    assert (
        send(hers, f"{PAGE}/invite", username="bob").headers["location"] == f"{PAGE}?notice=invited"
    )
    (asked,) = team(bob)["invitations_received"]
    for browser in (hers, his):
        assert faults(browser.get(PAGE).text) == []
    assert f"/invitations/{asked['id']}/accept" in his.get(PAGE).text
    joined = send(his, f"/invitations/{asked['id']}/accept")
    assert joined.headers["location"] == f"{PAGE}?notice=team-joined"
    assert "Welcome to your new team" in his.get(joined.headers["location"]).text
    assert members(ada) == ["ada", "bob"]
    for path in ("invite", "rename", "hand-over", "remove", "merge"):  # a leader's
        assert send(his, f"{PAGE}/{path}", username="ada", name="x", team="x").status_code == 403
    assert send(hers, f"{PAGE}/rename", name="Muons").status_code == 303
    assert send(hers, f"{PAGE}/hand-over", username="bob").status_code == 303
    assert (members(ada), team(ada)["name"]) == (["bob", "ada"], "Muons")
    assert send(his, f"{PAGE}/leave", successor="ada").status_code == 303
    assert send(hers, f"{PAGE}/merge", team="bob").status_code == 303
    (proposal,) = team(bob)["merges_received"]
    for browser in (hers, his):
        assert faults(browser.get(PAGE).text) == []
    assert send(his, f"/merges/{proposal['id']}/accept").status_code == 303
    assert members(bob) == ["bob", "ada"]
    assert send(his, f"{PAGE}/remove", username="ada").status_code == 303
    assert members(bob) == ["bob"]


def test_a_refusal_is_said_on_the_page_and_keeps_what_was_typed(story: Story) -> None:
    ada = story.person("ada")
    browser = browse(story, ada)
    for path, field, typed, status in (
        ("invite", "username", "nobody & co", 422),
        ("rename", "name", "=1+1", 422),
        ("merge", "team", "<nothing>", 422),
    ):
        refused = send(browser, f"{PAGE}/{path}", **{field: typed})
        assert refused.status_code == status
        assert 'role="alert"' in refused.text
        assert typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in refused.text
        assert faults(refused.text) == []
    assert send(browser, f"{PAGE}/leave").status_code == 409


def test_open_questions_can_be_declined_and_withdrawn_by_forms(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    hers, his = browse(story, ada), browse(story, bob)
    for answer, browser in (("decline", his), ("withdraw", hers)):
        path = f"/invitations/{invite(ada, bob)}/{answer}"
        assert path in browser.get(PAGE).text
        assert send(browser, path).status_code == 303
        assert send(browser, path).status_code == 409  # once
    for answer, browser in (("decline", his), ("withdraw", hers)):
        path = f"/merges/{propose(ada, 'bob')}/{answer}"
        assert path in browser.get(PAGE).text
        assert send(browser, path).status_code == 303
        assert send(browser, path).status_code == 409
    assert members(ada) == ["ada"]
    assert code(bob.post(f"{API}{path}")) == (404, "not_found")


def test_after_the_lock_the_page_offers_no_change(story: Story, clock: FrozenClock) -> None:
    ada, bob, eve = (story.person(name) for name in ("ada", "bob", "eve"))
    unite(ada, bob)
    invite(ada, eve)
    clock.advance(days=20)
    for person in (ada, bob, eve):
        page = browse(story, person).get(PAGE).text
        assert faults(page) == []
        assert "The teams stay as they are" in page
        for gone in ("/leave", "/remove", "/invite", "/merge", "/accept"):
            assert f'{gone}"' not in page
    assert f"{PAGE}/rename" in browse(story, ada).get(PAGE).text


def test_alone_by_rule(platform: Platform, web: TestClient, tmp_path: Path) -> None:
    story = begin_story(platform, web, tmp_path / "tiny")
    page = browse(story, story.person("ada")).get(PAGE).text
    assert faults(page) == []
    assert "everybody takes part alone" in page
    assert f'{PAGE}/invite"' not in page


def test_who_has_not_joined_has_no_team(story: Story) -> None:
    eve = story.person("eve", joined=False)
    assert code(eve.get(TEAM)) == (403, "not_joined")
    assert browse(story, eve).get(PAGE).status_code == 403
