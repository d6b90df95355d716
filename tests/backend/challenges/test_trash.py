"""The trash: out of sight at once, back as it was for 30 days, then gone with all its rows."""

from __future__ import annotations

import pytest
from conftest import FrozenClock
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.db import Base
from fivesigma_backend.core.errors import Conflict
from fivesigma_backend.submissions.evaluating import anything_waits
from fivesigma_backend.submissions.housekeeping import referred_blobs
from people import Browser
from sqlalchemy import func, select
from stories import API, Person, Story

pytestmark = pytest.mark.stores
TRASH = f"{API}/admin/challenges/tiny/trash"
# What outlives a challenge: people, their log-ins, and chores of the platform.
KEPT_TABLES = {"users", "login_sessions", "api_tokens", "leases", "audit_events"}


@pytest.fixture
def prof(story: Story) -> Person:
    """An organiser of the tiny challenge."""
    person = story.person("prof", joined=False)
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        session.add(Organiser(challenge_id=challenge.id, user_id=story.user("prof").id))
    return person


def put_away(prof: Person) -> None:
    for typed in ("", "Tiny", "other"):
        assert prof.post(TRASH, json={"slug": typed}).status_code == 422
    answer = prof.post(TRASH, json={"slug": "tiny"})
    assert answer.status_code == 200, answer.text


def actions(story: Story) -> list[str]:
    with story.platform.db.read() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def test_what_lies_in_the_trash_is_not_there_for_anybody(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    root = story.person("root", joined=False, admin=True)
    identity = ada.submit(story.prediction()).json()["id"]
    put_away(prof)
    for person in (ada, prof, root):
        for path in (
            f"{API}/challenges/tiny",
            f"{API}/challenges/tiny/leaderboard",
            f"{API}/submissions/{identity}",
            "/challenges/tiny/data",
        ):
            assert person.get(path).status_code == 404, (person.username, path)
        assert person.get(f"{API}/challenges").json()["items"] == []
        home = Browser(story.web).log_in(story.platform, story.user(person.username))
        assert "Tiny" not in home.get("/").text
    assert ada.submit(story.prediction(0.5)).status_code == 404
    assert prof.post(TRASH, json={"slug": "tiny"}).status_code == 404
    assert [one["slug"] for one in prof.get(f"{API}/admin/trash").json()["items"]] == ["tiny"]
    assert [one["slug"] for one in root.get(f"{API}/admin/trash").json()["items"]] == ["tiny"]
    assert ada.get(f"{API}/admin/trash").json()["items"] == []
    assert ada.post(f"{API}/admin/trash/tiny/restore").status_code == 404


def test_its_evaluations_wait_until_it_is_taken_out(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    identity = ada.submit(story.prediction()).json()["id"]
    put_away(prof)
    with pytest.raises(Conflict, match="in the trash"):
        load_challenge(story.platform, story.folder, report=lambda _line: None)
    assert story.drain() == 0
    with story.platform.db.read() as session:
        assert not anything_waits(session)
    clock.advance(days=25)
    story.tick()
    restored = prof.post(f"{API}/admin/trash/tiny/restore")
    assert (restored.status_code, restored.json()["trashed_at"]) == (200, None)
    assert story.drain() == 1
    assert ada.get(f"{API}/submissions/{identity}").json()["status"] == "scored"
    assert prof.post(f"{API}/admin/trash/tiny/restore").status_code == 404
    assert [one for one in actions(story) if one.startswith("challenge.")][-2:] == [
        "challenge.trashed",
        "challenge.restored",
    ]


def test_after_thirty_days_nothing_of_it_is_left(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    for name in ("ada", "bob"):
        person = story.person(name)
        for cut in (0.1, 0.2):
            person.submit(story.prediction(cut), headers={"Idempotency-Key": f"{name}{cut}"})
            story.drain()
    put_away(prof)
    clock.advance(days=29, hours=23)
    story.tick()
    assert prof.get(f"{API}/admin/trash").json()["items"]
    clock.advance(hours=2)
    story.tick()
    assert prof.get(f"{API}/admin/trash").json()["items"] == []
    with story.platform.db.read() as session:
        counts = {
            table.name: session.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
            if table.name not in KEPT_TABLES
        }
        assert {name: n for name, n in counts.items() if n} == {}
        assert referred_blobs(session) == set()
        gone = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "challenge.purged")
        ).one()
    assert (gone.target, gone.actor_id) == ("tiny", None)
    load_challenge(story.platform, story.folder, report=lambda _line: None)
    assert story.web.get(f"{API}/challenges/tiny").status_code == 200


def test_an_organiser_does_it_by_page(story: Story, prof: Person) -> None:
    browser = Browser(story.web).log_in(story.platform, story.user("prof"))
    here = "/challenges/tiny/organise/trash"
    assert "Type “tiny”" in browser.post(here, typed_slug="tin").text
    assert browser.post(here, typed_slug="tiny").headers["location"] == "/trash?notice=trashed"
    assert "Tiny: find the bump" in browser.get("/trash").text
    assert browser.post("/trash/tiny/restore", page="/trash").status_code == 303
    assert browser.get("/challenges/tiny").status_code == 200
    assert "The trash is empty" in browser.get("/trash").text
