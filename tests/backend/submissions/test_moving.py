"""Moving the times of a phase: audited, told to everybody, and the same in folder and rows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from challenge_folder import tiny_toml
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Challenge, Phase
from fivesigma_backend.challenges.stored import export_challenge
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.teams.models import Notice
from pairs import ADMIN, begin_pair, carried, organiser_of, phase_of
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story, begin_story

pytestmark = pytest.mark.stores
FINAL = f"{ADMIN}/final"


@pytest.fixture
def prof(story: Story) -> Person:
    return organiser_of(story)


def agree(story: Story) -> None:
    """Columns and both stored definitions say the same, and so does an exported folder."""
    with story.platform.db.read() as session:
        challenge = session.scalars(select(Challenge)).one()
        phases = session.scalars(select(Phase).order_by(Phase.position)).all()
    for phase, stored in zip(phases, challenge.definition["phases"], strict=True):
        assert phase.definition == stored
        close = phase.definition["closes"]
        assert phase.closes_at == (datetime.fromisoformat(close) if close else None)
        assert phase.opens_at == datetime.fromisoformat(phase.definition["opens"])
    out = story.folder.parent / "exported"
    export_challenge(story.platform, "tiny", out)
    assert [one.closes for one in read_definition(out).phases] == [one.closes_at for one in phases]
    assert load_challenge(story.platform, out, report=lambda line: None).changes == ()


def test_a_moved_close_is_kept_recorded_told_and_exported(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    seen = prof.patch(f"{FINAL}?preview=true", json={"closes": "2026-12-24T00:00:00Z"}).json()
    assert seen["closes_at"] == "2026-12-24T00:00:00.000Z"
    assert phase_of(story, "final").closes_at == datetime(2026, 12, 21, tzinfo=UTC)
    assert prof.patch(FINAL, json={"closes": "2026-12-24T00:00:00Z"}).status_code == 200
    assert prof.patch(FINAL, json={"closes": "2026-12-24T00:00:00Z"}).status_code == 200
    agree(story)
    with story.platform.db.read() as session:
        act = session.scalars(select(AuditEvent).where(AuditEvent.action == "phase.move")).one()
        notice = session.scalars(select(Notice)).one()
    assert act.before == {"closes_at": "2026-12-21T00:00:00.000Z"}
    assert act.after == {"closes_at": "2026-12-24T00:00:00.000Z"}
    assert (notice.kind, notice.team_id, notice.user_id) == ("close", None, None)
    assert notice.text == (
        "“The phase” now closes at 2026-12-24 00:00 UTC; it was 2026-12-21 00:00 UTC."
    )
    clock.advance(days=21)
    assert ada.submit(story.prediction(0.5)).status_code == 201
    assert prof.patch(FINAL, json={"closes": None}).json()["closes_at"] is None
    agree_again = phase_of(story, "final")
    assert agree_again.definition["closes"] is None


def test_a_closed_phase_opens_again_until_it_is_unblinded(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    clock.advance(days=20)
    assert ada.submit(story.prediction(0.5)).status_code == 403
    assert prof.patch(FINAL, json={"closes": "2026-12-22T00:00:00Z"}).status_code == 200
    assert ada.submit(story.prediction(0.5)).status_code == 201
    story.drain()
    clock.advance(days=2)
    story.tick()
    late = prof.patch(FINAL, json={"closes": "2026-12-30T00:00:00Z"})
    assert (late.status_code, late.json()["code"]) == (409, "unblinded")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"closes": "2026-12-01T11:00:00Z"}, 422),
        ({"closes": "2026-11-01T00:00:00Z"}, 422),
        ({"closes": "whenever"}, 422),
        ({"closes": 7}, 422),
        ({"close": "2026-12-24T00:00:00Z"}, 422),
        ({"opens": "2026-12-25T00:00:00Z"}, 422),
        ({"opens": None}, 422),
        ({"opens": ""}, 422),
        ({}, 422),
        ({"opens": "2026-12-02T00:00:00Z"}, 200),
    ],
)
def test_times_that_can_not_be_are_refused_and_nothing_changes(
    story: Story, prof: Person, body: dict[str, object], status: int
) -> None:
    before = phase_of(story, "final")
    assert prof.patch(FINAL, json=body).status_code == status
    after = phase_of(story, "final")
    assert (after.closes_at, after.definition["closes"]) == (
        before.closes_at,
        before.definition["closes"],
    )
    if status != 200:
        assert after.opens_at == before.opens_at


def test_a_phase_with_submissions_does_not_open_later(story: Story, prof: Person) -> None:
    story.person("ada").submit(story.prediction(0.5))
    refused = prof.patch(FINAL, json={"opens": "2026-12-02T00:00:00Z"})
    assert (refused.status_code, refused.json()["code"]) == (409, "frozen")


def test_a_close_after_the_unblinding_time_would_be_no_valid_folder(
    platform: Platform, web: TestClient, tmp_path: Path
) -> None:
    phase = tiny_toml()["phases"][0]
    phase |= {"unblind": "at", "unblind_at": datetime(2026, 12, 22, tzinfo=UTC)}
    story = begin_story(platform, web, tmp_path / "tiny", phases=[phase])
    refused = organiser_of(story).patch(FINAL, json={"closes": "2026-12-23T00:00:00Z"})
    assert refused.status_code == 422
    assert "unblind_at" in refused.json()["detail"]
    agree(story)


def test_closing_before_the_freeze_keeps_the_board_live_and_the_folder_valid(
    platform: Platform, web: TestClient, tmp_path: Path
) -> None:
    phase = tiny_toml()["phases"][0]
    phase |= {"board": "frozen", "freeze_at": datetime(2026, 12, 20, tzinfo=UTC)}
    story = begin_story(platform, web, tmp_path / "tiny", phases=[phase])
    prof = organiser_of(story)
    platform.clock.advance(minutes=1)  # type: ignore[attr-defined]  # the test's clock
    assert prof.post(f"{FINAL}/close").status_code == 200
    assert story.web.get(f"{API}/challenges/tiny/leaderboard").json()["state"] == "settling"
    agree(story)
    with platform.db.read() as session:
        assert "now closes at 2026-12-01 12:01 UTC" in session.scalars(select(Notice)).one().text


def test_a_source_that_opens_again_is_carried_over_again(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    manual = {"unblind": "manual"}
    story = begin_pair(platform, web, tmp_path / "tiny", first=manual, then=manual)
    prof, ada = organiser_of(story), story.person("ada")
    ada.submit(story.prediction(0.1))
    story.drain()
    clock.advance(days=10)
    story.tick()
    assert len(carried(story)) == 1
    assert prof.patch(f"{ADMIN}/first", json={"closes": "2026-12-13T00:00:00Z"}).status_code == 200
    assert phase_of(story, "next").carried_at is None
    ada.submit(story.prediction(0.6), phase="first")
    story.drain()
    clock.advance(days=2)
    story.tick()
    assert len(carried(story)) == 2


def test_the_form_takes_times_of_the_zone_and_keeps_what_is_not_touched(
    platform: Platform, web: TestClient, tmp_path: Path
) -> None:
    story = begin_story(platform, web, tmp_path / "tiny", timezone="Etc/GMT+12")
    organiser_of(story)
    browser = Browser(web).log_in(platform, story.user("prof"))
    here = "/challenges/tiny/phases/final"
    page = browser.get(here).text
    assert 'value="2026-12-20T12:00"' in page
    assert "not 23:59:59" in page
    opens = "2026-11-30T12:00"
    done = browser.post(f"{here}/times", page=here, opens=opens, closes="2026-12-25T00:00")
    assert done.status_code == 303
    moved = phase_of(story, "final")
    assert moved.closes_at == datetime(2026, 12, 25, 12, tzinfo=UTC)
    assert moved.opens_at == datetime(2026, 12, 1, tzinfo=UTC)
    agree(story)
    bad = browser.post(f"{here}/times", page=here, opens=opens, closes="2026-12-99")
    assert (bad.status_code, "is no time" in bad.text) == (422, True)
    assert browser.post(f"{here}/times", page=here, opens=opens, closes="").status_code == 303
    assert phase_of(story, "final").closes_at is None
