"""The audit log of a challenge: page, REST call, CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.audit import record_act
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story

pytestmark = pytest.mark.stores
AUDIT = f"{API}/admin/challenges/tiny/audit"


@pytest.fixture
def prof(story: Story) -> Person:
    """An organiser of the tiny challenge, who did three things and the platform one."""
    person = story.person("prof", joined=False)
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        session.add(Organiser(challenge_id=challenge.id, user_id=story.user("prof").id))
        for number, actor in enumerate([story.user("prof").id] * 3 + [None]):
            record_act(
                session,
                now=story.platform.clock(),
                actor_id=actor,
                action="test.odd" if number % 2 else "test.even",
                target="=cmd()",
                challenge_id=challenge.id,
                before={"number": number},
                after={"number": number + 1, "text": "<b>bold</b>"},
            )
    return person


def test_the_log_says_who_did_what_with_before_and_after(story: Story, prof: Person) -> None:
    first, *_ = prof.get(AUDIT).json()["items"]
    assert (first["who"], first["action"], first["target"]) == (None, "test.odd", "=cmd()")
    assert (first["before"], first["after"]["number"]) == ({"number": 3}, 4)
    odd = prof.get(AUDIT, params={"action": "test.odd"}).json()["items"]
    assert [one["before"]["number"] for one in odd] == [3, 1]
    assert [one["who"] for one in odd] == [None, "prof"]
    assert story.person("ada").get(AUDIT).status_code == 404


def test_the_log_comes_page_by_page(prof: Person) -> None:
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = prof.get(AUDIT, params=query).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) >= 4


def test_as_csv_no_cell_is_a_formula(prof: Person) -> None:
    answer = prof.get(AUDIT, params={"format": "csv", "action": "test.even"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["target"] for row in rows] == ["'=cmd()"] * 2
    assert json.loads(rows[0]["after"]) == {"number": 3, "text": "<b>bold</b>"}


def test_the_page_shows_changes_and_filters(story: Story, prof: Person) -> None:
    browser = Browser(story.web).log_in(story.platform, story.user(prof.username))
    here = "/challenges/tiny/organise/audit"
    shown = browser.get(here).text
    assert "the platform" in shown
    assert "&lt;b&gt;bold" in shown
    odd = browser.get(f"{here}?action=test.odd").text
    assert "<code>test.odd</code>" in odd
    assert "<code>test.even</code>" not in odd
