"""When private boards open: settled, recorded, once, and never before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conftest import FrozenClock
from fivesigma_backend.challenges.models import Phase
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.errors import Conflict
from fivesigma_backend.submissions.admission import close_ticket, open_ticket
from fivesigma_backend.submissions.moving import close_early
from fivesigma_backend.submissions.unblinding import settled, unblind
from sqlalchemy import select, update
from stories import Story

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
