"""News: who reads what, announcements by page and by REST call."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import FrozenClock
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.teams.models import TeamMember
from fivesigma_backend.teams.notices import notify
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story

pytestmark = pytest.mark.stores
NOTICES = f"{API}/challenges/tiny/notices"
ANNOUNCE = f"{API}/admin/challenges/tiny/announcements"
PAGE = "/challenges/tiny/organise/announcements"


@pytest.fixture
def prof(story: Story) -> Person:
    """An organiser of the tiny challenge."""
    person = story.person("prof", joined=False)
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        session.add(Organiser(challenge_id=challenge.id, user_id=story.user("prof").id))
    return person


def tell(story: Story, text: str, *, team_of: str | None = None, user: str | None = None) -> None:
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        team_id = None
        if team_of is not None:
            member = (challenge.id, story.user(team_of).id)
            team_id = session.get_one(TeamMember, member).team_id
        user_id = story.user(user).id if user else None
        now = story.platform.clock()
        notify(session, challenge.id, "test", text, now=now, team_id=team_id, user_id=user_id)


def texts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["text"] for one in answer.json()["items"]]


def test_everybody_reads_announcements_and_a_team_its_own_news(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    tell(story, "for all")
    tell(story, "for ada's team", team_of="ada")
    tell(story, "for bob himself", user="bob")
    assert texts(ada.get(NOTICES)) == ["for ada's team", "for all"]
    assert texts(bob.get(NOTICES)) == ["for bob himself", "for all"]
    assert texts(story.web.get(NOTICES)) == ["for all"]
    audiences = [one["audience"] for one in bob.get(NOTICES).json()["items"]]
    assert audiences == ["you", "everybody"]


def test_news_come_page_by_page(story: Story) -> None:
    for number in range(5):
        tell(story, str(number))
    first = story.web.get(NOTICES, params={"limit": 2})
    second = story.web.get(NOTICES, params={"limit": 2, "cursor": first.json()["next"]})
    third = story.web.get(NOTICES, params={"limit": 2, "cursor": second.json()["next"]})
    assert texts(first) + texts(second) + texts(third) == ["4", "3", "2", "1", "0"]
    assert third.json()["next"] is None


def test_the_overview_shows_news_dated_and_harmless(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    assert 'id="news"' not in story.web.get("/challenges/tiny").text
    hostile = "**Bring** a coat <script>alert(1)</script> [x](javascript:alert(1))"
    assert prof.post(ANNOUNCE, json={"text": hostile}).status_code == 200
    clock.advance(hours=1)
    tell(story, "<b>plain</b>")
    page = story.web.get("/challenges/tiny").text
    assert "<strong>Bring</strong> a coat" in page
    assert "<script>alert" not in page
    assert "javascript:" not in page.split('id="news"')[1].split("</section>")[0].replace(
        "[x](javascript:alert(1))", ""
    )
    assert "&lt;b&gt;plain&lt;/b&gt;" in page
    assert page.index("&lt;b&gt;plain") < page.index("<strong>Bring")
    assert "1 Dec 2026, 12:00 UTC" in page


def test_an_announcement_is_previewed_made_once_and_recorded(story: Story, prof: Person) -> None:
    body = {"text": "*Soon*"}
    preview = prof.post(f"{ANNOUNCE}?preview=true", json=body).json()
    assert preview == {"html": "<p><em>Soon</em></p>\n", "notice": None}
    assert texts(story.web.get(NOTICES)) == []
    first, again = (prof.post(ANNOUNCE, json=body).json() for _ in range(2))
    assert first["notice"]["id"] == again["notice"]["id"]
    assert texts(story.web.get(NOTICES)) == ["*Soon*"]
    with story.platform.db.read() as session:
        acts = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "challenge.announced")
        ).all()
    assert [act.after for act in acts] == [{"text": "*Soon*"}]


@pytest.mark.parametrize("text", ["", " \n ", "x" * 10_001])
def test_what_nobody_could_read_is_refused(story: Story, prof: Person, text: str) -> None:
    for query in ("", "?preview=true"):
        assert prof.post(f"{ANNOUNCE}{query}", json={"text": text}).status_code == 422
    assert texts(story.web.get(NOTICES)) == []


def test_the_page_previews_then_announces(story: Story, prof: Person) -> None:
    browser = Browser(story.web).log_in(story.platform, story.user(prof.username))
    shown = browser.post(PAGE, text="*Soon*", act="preview")
    assert "<em>Soon</em>" in shown.text
    assert "*Soon*</textarea>" in shown.text
    assert texts(story.web.get(NOTICES)) == []
    assert browser.post(PAGE, text="", act="announce").status_code == 422
    assert browser.post(PAGE, text="*Soon*", act="announce").status_code == 303
    assert "<em>Soon</em>" in browser.get(PAGE).text
