"""When private boards open: settled, recorded, once, and never before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from challenge_folder import OPENS, tiny_toml
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.access import find_access
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Phase
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.errors import Closed, Conflict
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import Actor
from fivesigma_backend.submissions.admission import admission_to, close_ticket, open_ticket
from fivesigma_backend.submissions.handing_in import Upload, accept
from fivesigma_backend.submissions.models import Evaluation
from fivesigma_backend.submissions.moving import close_early
from fivesigma_backend.submissions.unblinding import settled, unblind
from pairs import FIRST_CLOSES, begin_pair, phase_of, write_pair
from sqlalchemy import select, update
from stories import Story, begin_story

pytestmark = pytest.mark.stores


def the_phase(story: Story) -> Phase:
    with story.platform.db.read() as session:
        return session.scalars(select(Phase)).one()


def test_an_open_phase_can_not_be_unblinded(story: Story) -> None:
    with pytest.raises(Conflict, match="not settled"), story.platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).one()
        unblind(session, story.platform.storage, phase, now=story.platform.clock(), actor_id=None)
    assert the_phase(story).unblinded_at is None


def test_uploads_in_flight_and_unscored_files_keep_a_phase_from_settling(
    story: Story, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    clock.advance(days=19, hours=11, minutes=59)
    ada.submit(story.prediction())
    with story.platform.db.transaction() as session:
        ticket = open_ticket(
            session,
            phase_id=the_phase(story).id,
            user_id=story.user("ada").id,
            began_at=clock(),
            lifetime=timedelta(minutes=5),
        )
    clock.advance(minutes=2)
    story.tick()
    assert the_phase(story).unblinded_at is None
    story.drain()
    story.tick()
    assert the_phase(story).unblinded_at is None  # the upload may still arrive
    with story.platform.db.transaction() as session:
        close_ticket(session, ticket)
    story.tick()
    assert the_phase(story).unblinded_at == clock()


def test_a_ticket_whose_upload_died_expires(story: Story, clock: FrozenClock) -> None:
    clock.advance(days=19, hours=11, minutes=59)
    with story.platform.db.transaction() as session:
        story.person("ada")
        open_ticket(
            session,
            phase_id=the_phase(story).id,
            user_id=story.user("ada").id,
            began_at=clock(),
            lifetime=timedelta(minutes=5),
        )
    clock.advance(minutes=6)
    with story.platform.db.read() as session:
        assert settled(session, session.scalars(select(Phase)).one(), clock())


def test_unblinding_is_recorded_once_and_stays(story: Story, clock: FrozenClock) -> None:
    clock.advance(days=30)
    story.tick()
    opened = the_phase(story).unblinded_at
    clock.advance(days=1)
    story.tick()
    assert the_phase(story).unblinded_at == opened
    with story.platform.db.read() as session:
        acts = session.scalars(select(AuditEvent.action)).all()
    assert acts.count("phase.unblind") == 1


def test_a_manual_phase_waits_for_a_person(story: Story, clock: FrozenClock) -> None:
    with story.platform.db.transaction() as session:
        changed = the_phase(story).definition | {"unblind": "manual"}
        session.execute(update(Phase).values(definition=changed))
    clock.advance(days=30)
    story.tick()
    assert the_phase(story).unblinded_at is None
    with story.platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).one()
        unblind(session, story.platform.storage, phase, now=clock(), actor_id=None)
    assert the_phase(story).unblinded_at == clock()


def test_closing_early_is_audited_and_only_for_open_phases(
    story: Story, clock: FrozenClock
) -> None:
    with story.platform.db.transaction() as session:
        close_early(session, session.scalars(select(Phase)).one(), now=clock(), actor_id=None)
    assert the_phase(story).closes_at == clock()
    with pytest.raises(Conflict), story.platform.db.transaction() as session:
        close_early(session, session.scalars(select(Phase)).one(), now=clock(), actor_id=None)
    with story.platform.db.read() as session:
        act = session.scalars(select(AuditEvent).where(AuditEvent.action == "phase.close")).one()
    assert act.before == {"closes_at": "2026-12-21T00:00:00.000Z"}


def test_at_a_fixed_time_means_then_and_settled(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    phase = tiny_toml()["phases"][0]
    phase |= {"unblind": "at", "unblind_at": datetime(2026, 12, 23, tzinfo=UTC)}
    story = begin_story(platform, web, tmp_path / "tiny", phases=[phase])
    story.person("ada").submit(story.prediction())
    clock.advance(days=20)
    story.drain()
    story.tick()
    assert the_phase(story).unblinded_at is None  # settled, but before its time
    with platform.db.transaction() as session:
        session.execute(update(Evaluation).values(state="queued"))
    clock.advance(days=3)
    story.tick()
    assert the_phase(story).unblinded_at is None  # its time, but not settled
    story.drain()
    story.tick()
    assert the_phase(story).unblinded_at == clock()


def test_a_phase_waits_for_another_that_scores_the_same_private_rows(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    folder = write_pair(tmp_path / "tiny", then={"uploads": False, "closes": None})
    text = (folder / "challenge.toml").read_text()
    (folder / "challenge.toml").write_text(text.replace('"usage_next"', '"usage"'))
    load_challenge(platform, folder, report=lambda line: None)
    story = Story(platform, web, folder)
    story.person("ada").submit(story.prediction())
    story.drain()
    clock.advance(days=10)
    with platform.db.transaction() as session:
        phase = session.scalars(select(Phase).where(Phase.slug == "first")).one()
        with pytest.raises(Conflict, match="same private rows"):
            unblind(session, platform.storage, phase, now=clock(), actor_id=None)
    story.tick()  # carries; the carried file is not scored yet
    assert phase_of(story, "first").unblinded_at is None
    story.drain()
    story.tick()
    assert phase_of(story, "first").unblinded_at == clock()
    assert phase_of(story, "next").unblinded_at == clock()


def test_a_phase_that_is_to_take_over_has_not_settled_before_it_did(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    same = {"opens": OPENS, "closes": FIRST_CLOSES}
    story = begin_pair(platform, web, tmp_path / "tiny", then=same)
    story.person("ada").submit(story.prediction(), phase="first")
    clock.advance(days=10)
    with platform.db.read() as session:
        assert not settled(session, phase_of(story, "next"), clock())
    story.tick()
    assert phase_of(story, "next").unblinded_at is None
    story.drain()
    story.tick()
    story.drain()
    story.tick()
    assert phase_of(story, "next").unblinded_at == clock()


def test_an_upload_that_arrives_after_the_unblinding_is_not_taken(
    story: Story, clock: FrozenClock
) -> None:
    """Its ticket has expired; the transaction looks at the phase as it is by then."""
    story.person("ada")
    began_at = clock()
    with story.platform.db.read() as session:
        actor = Actor(user_id=story.user("ada").id, scopes=frozenset({"submit", "read"}))
        access = find_access(session, actor, "tiny", public_boards=True)
        admission = admission_to(session, access, session.scalars(select(Phase)).one())
    clock.advance(days=30)
    story.tick()
    assert the_phase(story).unblinded_at == clock()
    upload = Upload(sha256="0" * 64, size=1, filename="late.csv")
    with pytest.raises(Closed), story.platform.db.transaction() as session:
        accept(session, access, admission, upload, began_at=began_at, now=clock())
