"""Certificates of rank: who gets one, when, and what stands on it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.teams.models import RosterRow
from page_checks import Page, faults
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story, begin_story
from teamwork import propose, toml, unite

pytestmark = pytest.mark.stores
OWN = "/challenges/tiny/phases/final/certificate"
ALL = "/challenges/tiny/phases/final/certificates"
SHEET = f"{API}/admin/challenges/tiny/phases/final/certificates"


@pytest.fixture
def story(platform: Platform, web: TestClient, tmp_path: Path) -> Story:
    """Teams of up to three; the challenge is at home in Zurich."""
    changes = toml(concurrent=20) | {"timezone": "Europe/Zurich", "title": "Find <the> bump"}
    return begin_story(platform, web, tmp_path / "tiny", **changes)


@pytest.fixture
def prof(story: Story) -> Person:
    """An organiser of the tiny challenge."""
    person = story.person("prof", joined=False)
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        session.add(Organiser(challenge_id=challenge.id, user_id=story.user("prof").id))
    return person


def hand_in(story: Story, person: Person, cut: float) -> None:
    answer = person.submit(story.prediction(cut))
    assert answer.status_code == 201, answer.text


def unblind(story: Story, clock: FrozenClock) -> None:
    """Everything is scored, the phase closes, and the tick opens its private board."""
    story.drain()
    clock.advance(days=20)
    story.tick()


def put_on_class_list(story: Story, username: str, name: str) -> None:
    with story.platform.db.transaction() as session:
        session.add(
            RosterRow(
                id=new_id(),
                challenge_id=session.scalars(select(Challenge.id)).one(),
                position=1,
                name=name,
                code_hash="0" * 64,
                created_at=story.platform.clock(),
                user_id=story.user(username).id,
            )
        )


def browse(story: Story, username: str) -> Browser:
    return Browser(story.web).log_in(story.platform, story.user(username))


def words(page: Any) -> str:
    """What stands on the certificates of a page, in one line."""
    assert page.status_code == 200, page.text
    assert faults(page.text) == []
    return " ".join(Page(page.text).text_of("article"))


def sheet(prof: Person) -> list[dict[str, Any]]:
    answer = prof.get(SHEET)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()
    return rows


def test_a_member_prints_the_rank_of_the_team(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada, bob, eve = story.person("ada"), story.person("bob"), story.person("eve")
    unite(ada, bob)
    put_on_class_list(story, "bob", "Ólafur <b>Þórðarson</b> 王小明 محمد")
    hand_in(story, ada, 0.5)
    hand_in(story, eve, -3.0)
    unblind(story, clock)
    private = {row["team"]: row for row in ada.board(split="private").json()["rows"]}
    for username in ("ada", "bob"):
        page = browse(story, username).get(OWN)
        assert page.status_code == 200
        text = words(page)
        assert (
            "Find <the> bump Certificate ada Ólafur <b>Þórðarson</b> 王小明 محمد Team ada" in text
        )
        assert "Rank 1 of 2 The phase" in text
        score, sigma = private["ada"]["score"], private["ada"]["sigma"]
        assert f"{score:.4f} ± {sigma:.4f}" in text
        assert "Private board opened on 21 December 2026" in text
        assert "eve" not in text
        assert "<b>Þ" not in page.text
        assert Page(page.text).of("script") == []
    assert OWN in browse(story, "eve").get("/challenges/tiny/result").text
    assert "Rank 2 of 2" in words(browse(story, "eve").get(OWN))
    assert "Team eve" not in words(browse(story, "eve").get(OWN))


def test_nobody_has_a_certificate_before_the_unblinding(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    hand_in(story, ada, 0.5)
    story.drain()
    for answer in (ada.get(OWN), prof.get(ALL), prof.get(SHEET)):
        assert answer.status_code == 403
        assert "once this phase is unblinded" in answer.text
    assert prof.get(SHEET).json()["code"] == "blinded"
    clock.advance(days=20)
    assert ada.get(OWN).status_code == 403, "the phase is closed, yet not unblinded"
    story.tick()
    assert ada.get(OWN).status_code == 200


def test_who_took_no_rank_has_none(story: Story, prof: Person, clock: FrozenClock) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    idle, barred = story.person("idle"), story.person("barred")
    story.person("outsider", joined=False)
    for person in (ada, bob, barred):
        hand_in(story, person, 0.5)
    story.drain()
    row = next(row for row in prof.board(split="private").json()["rows"] if row["team"] == "barred")
    team = f"{API}/admin/challenges/tiny/phases/final/teams/{row['team_id']}/disqualify"
    assert prof.post(team, json={"reason": "two accounts"}).status_code == 200
    unblind(story, clock)
    assert {person.get(OWN).status_code for person in (idle, barred)} == {404}
    assert "took no rank" in idle.get(OWN).text
    assert browse(story, "outsider").get(OWN).status_code == 403
    assert Browser(story.web).get(OWN).status_code == 303
    assert ada.get(ALL).status_code == ada.get(SHEET).status_code == 404
    assert [(one["team"], one["rank"], one["of"], one["shared"]) for one in sheet(prof)] == [
        ("ada", 1, 2, True),
        ("bob", 1, 2, True),
    ]
    assert "Shared rank 1 of 2" in words(ada.get(OWN))


def test_organisers_print_all_and_take_the_same_as_a_file(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    put_on_class_list(story, "ada", "=Ada L.")
    hand_in(story, ada, 0.5)
    hand_in(story, bob, -3.0)
    unblind(story, clock)
    board = "/challenges/tiny/leaderboard?phase=final&split=private"
    assert ALL in browse(story, "prof").get(board).text
    assert ALL not in browse(story, "ada").get(board).text
    page = browse(story, "prof").get(ALL)
    assert faults(page.text) == []
    sheets = Page(page.text).text_of("article")
    assert ["=Ada L." in text for text in sheets] == [True, False]
    assert ["Rank 2 of 2" in text for text in sheets] == [False, True]
    best, last = sheet(prof)
    assert (best["members"], best["usernames"], best["rank"]) == ("=Ada L.", "ada", 1)
    assert best["unblinded_at"] == last["unblinded_at"] == "2026-12-21T12:00:00.000Z"
    row = ada.board(split="private").json()["rows"][0]
    assert (best["score"], best["sigma"], best["metric"]) == (row["score"], row["sigma"], "ams")
    table = prof.get(SHEET, params={"format": "csv"})
    assert "tiny-final-certificates.csv" in table.headers["content-disposition"]
    read = list(csv.DictReader(io.StringIO(table.text)))
    assert [one["members"] for one in read] == ["'=Ada L.", "bob"]
    assert float(read[1]["score"]) == last["score"]


def test_an_unblinded_phase_without_ranks_has_an_empty_page(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    unblind(story, clock)
    page = browse(story, "prof").get(ALL)
    assert page.status_code == 200
    assert faults(page.text) == []
    assert "No team took a rank" in page.text
    assert sheet(prof) == []


def test_who_merged_after_the_close_is_named_with_the_old_team_alone(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    changed = {"closes": "2026-12-11T00:00:00Z"}
    assert prof.patch(f"{API}/admin/challenges/tiny/phases/final", json=changed).status_code == 200
    ada, bob = story.person("ada"), story.person("bob")
    hand_in(story, ada, 0.5)
    hand_in(story, bob, -3.0)
    story.drain()
    clock.time = clock.time.replace(day=15)
    with story.platform.db.transaction() as session:  # teams may merge until then
        challenge = session.scalars(select(Challenge)).one()
        locks = {"max_size": 3, "lock_at": "2026-12-20T00:00:00Z"}
        challenge.definition = challenge.definition | {"teams": locks}
    proposal = propose(ada, "bob")
    assert bob.post(f"{API}/merges/{proposal}/accept").status_code == 200
    story.tick()
    assert [(one["team"], one["usernames"]) for one in sheet(prof)] == [
        ("ada", "ada"),
        ("bob", "bob"),
    ]
    assert "Rank 1 of 2" in words(ada.get(OWN))
    assert "Rank 2 of 2" in words(bob.get(OWN))
