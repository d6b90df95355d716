"""Organisers close and unblind a phase by page and by REST; nobody else can."""

from __future__ import annotations

import pytest
from conftest import FrozenClock
from fivesigma_backend.challenges.models import Organiser, Phase
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story

PATH = f"{API}/admin/challenges/tiny/phases/final"


@pytest.fixture
def prof(story: Story) -> Person:
    """An organiser of the tiny challenge."""
    person = story.person("prof", joined=False)
    with story.platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).one()
        row = Organiser(challenge_id=phase.challenge_id, user_id=story.user("prof").id)
        session.add(row)
    return person


def test_an_organiser_closes_early_and_unblinds(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    ada.submit(story.prediction(0.5))
    preview = prof.post(f"{PATH}/close?preview=true").json()
    assert (preview["window"], preview["settled"]) == ("closed", False)
    assert story.web.get(f"{API}/challenges/tiny/leaderboard").json()["state"] == "live"

    assert prof.post(f"{PATH}/close").json()["closes_at"] == "2026-12-01T12:00:00.000Z"
    assert ada.submit(story.prediction(0.1)).json()["code"] == "closed"
    early = prof.post(f"{PATH}/unblind")
    assert (early.status_code, early.json()["code"]) == (409, "settling")
    story.drain()
    assert prof.post(f"{PATH}/unblind").json()["unblinded_at"]
    assert ada.board(split="private").json()["rows"][0]["team"] == "ada"
    assert prof.post(f"{PATH}/close").status_code == 409


def test_nobody_else_learns_that_these_calls_exist(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    weak = Person(story.web, "prof", story.token("prof", scopes=["read", "submit"]))
    for person in (ada, weak):
        for call in ("close", "unblind"):
            assert person.post(f"{PATH}/{call}").status_code == 404
        assert person.get("/challenges/tiny/phases/final").status_code == 404
    assert story.web.post(f"{PATH}/close").status_code == 401


def test_the_page_says_why_it_can_not_be_done_yet_and_does_it_then(
    story: Story, prof: Person
) -> None:
    browser = Browser(story.web).log_in(story.platform, story.user("prof"))
    here = "/challenges/tiny/phases/final"
    assert "Possible once the phase is closed" in browser.get(here).text
    refused = browser.post(f"{here}/unblind", page=here, sure="1")
    assert refused.status_code == 409
    assert "has not settled" in refused.text
    browser.post(f"{here}/close", page=here, sure="1")
    done = browser.post(f"{here}/unblind", page=here, sure="1")
    assert done.status_code == 303
    assert "open since" in browser.get(here).text
