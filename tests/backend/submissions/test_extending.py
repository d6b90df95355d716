"""More time for one team: its own close, everywhere it decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import FrozenClock
from fivesigma_backend.challenges.models import Phase
from fivesigma_backend.challenges.storing import submitted_phases
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.submissions.rules import Intake, intake, own_close
from fivesigma_backend.teams.models import Notice, Team
from hypothesis import given
from hypothesis import strategies as st
from pairs import ADMIN, organiser_of, phase_of
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story

pytestmark = pytest.mark.stores
EXTENSIONS = f"{ADMIN}/final/extensions"
LATER = "2026-12-22T00:00:00Z"


@pytest.fixture
def prof(story: Story) -> Person:
    return organiser_of(story)


def extend(prof: Person, team: str, closes_at: str | None) -> tuple[int, dict[str, str]]:
    answer = prof.post(EXTENSIONS, json={"team": team, "closes_at": closes_at})
    return answer.status_code, answer.json()


def test_one_team_hands_in_after_the_others_and_the_phase_settles_after_it(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    first = ada.submit(story.prediction(0.5)).json()["id"]
    story.drain()
    assert extend(prof, "ADA", LATER)[0] == 200
    clock.advance(days=19, hours=13)
    assert bob.submit(story.prediction(0.1)).json()["code"] == "closed"
    assert ada.submit(story.prediction(0.1)).status_code == 201
    chosen = ada.patch(f"{API}/submissions/{first}", json={"selected": True})
    assert chosen.json()["selected"] is True
    story.drain()
    story.tick()
    assert phase_of(story, "final").unblinded_at is None
    assert story.web.get(f"{API}/challenges/tiny/leaderboard").json()["state"] == "settling"
    browser = Browser(story.web).log_in(story.platform, story.user("ada"))
    assert "Your team has more time for" in browser.get("/challenges/tiny/submit").text

    clock.advance(hours=23)
    refused = ada.submit(story.prediction(0.2), phase="final").json()
    assert "closed at 2026-12-22" in refused["detail"]
    assert ada.patch(f"{API}/submissions/{first}", json={"selected": False}).status_code == 403
    story.tick()
    assert phase_of(story, "final").unblinded_at == clock()


def test_after_the_close_but_not_after_the_unblinding(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    clock.advance(days=19, hours=13)
    assert extend(prof, "ada", LATER)[0] == 200
    assert ada.submit(story.prediction(0.5)).status_code == 201
    story.drain()
    clock.advance(days=2)
    story.tick()
    status, body = extend(prof, "ada", "2026-12-31T00:00:00Z")
    assert (status, body["code"]) == (409, "unblinded")


@pytest.mark.parametrize(
    ("team", "closes_at", "status"),
    [
        ("nobody", LATER, 404),
        ("ada", "2026-12-20T00:00:00Z", 422),
        ("ada", "2026-12-21T00:00:00Z", 422),
        ("ada", "soon", 422),
        ("ada", "2026-12-22T00:00", 200),
        ("ada", None, 200),
    ],
)
def test_what_can_not_be_is_refused(
    story: Story, prof: Person, team: str, closes_at: str | None, status: int
) -> None:
    story.person("ada")
    assert extend(prof, team, closes_at)[0] == status


def test_an_extension_into_the_past_is_refused(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    story.person("ada")
    clock.advance(days=19, hours=20)
    status, body = extend(prof, "ada", "2026-12-21T01:00:00Z")
    assert (status, "passed already" in body["detail"]) == (422, True)


def test_it_is_recorded_once_told_to_the_team_alone_and_taken_back(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    story.person("ada")
    assert extend(prof, "ada", LATER)[0] == 200
    assert extend(prof, "ada", LATER)[0] == 200  # twice is once
    assert extend(prof, "ada", None)[0] == 200
    with story.platform.db.read() as session:
        team = session.scalars(select(Team)).one()
        acts = session.scalars(select(AuditEvent).where(AuditEvent.action == "phase.extend")).all()
        notices = session.scalars(select(Notice).order_by(Notice.id)).all()
    assert [(act.before["closes_at"], act.after["closes_at"]) for act in acts] == [  # type: ignore[index]  # set
        (None, "2026-12-22T00:00:00.000Z"),
        ("2026-12-22T00:00:00.000Z", None),
    ]
    assert {notice.team_id for notice in notices} == {team.id}
    assert "until 2026-12-22 00:00 UTC" in notices[0].text
    clock.advance(days=30)
    story.tick()
    assert phase_of(story, "final").unblinded_at == clock()


def test_a_team_that_was_banned_or_merged_holds_nobody_up(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    story.person("ada")
    extend(prof, "ada", "2027-01-31T00:00:00Z")
    with story.platform.db.transaction() as session:
        session.scalars(select(Team)).one().banned_at = clock()
    clock.advance(days=20)
    story.tick()
    assert phase_of(story, "final").unblinded_at == clock()


def test_more_time_alone_freezes_nothing_of_the_phase(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    extend(prof, "ada", LATER)
    challenge_id = phase_of(story, "final").challenge_id
    with story.platform.db.read() as session:
        assert submitted_phases(session, challenge_id) == frozenset()
    ada.submit(story.prediction())
    with story.platform.db.read() as session:
        assert submitted_phases(session, challenge_id) == {"final"}


def test_a_phase_without_a_close_needs_no_extension(story: Story, prof: Person) -> None:
    story.person("ada")
    with story.platform.db.transaction() as session:
        session.scalars(select(Phase)).one().closes_at = None
    assert extend(prof, "ada", LATER)[0] == 409


def test_the_page_gives_and_takes_it_back(story: Story, prof: Person) -> None:
    story.person("ada")
    browser = Browser(story.web).log_in(story.platform, story.user("prof"))
    here = "/challenges/tiny/phases/final"
    wrong = browser.post(f"{here}/extensions", page=here, team="ada", closes_at="2026-12-01T00:00")
    assert (wrong.status_code, "An extension ends later" in wrong.text) == (422, True)
    given = browser.post(f"{here}/extensions", page=here, team="ada", closes_at="2026-12-23T00:00")
    assert given.status_code == 303
    assert "2026-12-23T00:00:00.000Z" in browser.get(here).text
    assert browser.post(f"{here}/extensions", page=here, team="ada").status_code == 303
    assert "Take it back" not in browser.get(here).text


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
maybe = st.none() | moments


@given(maybe, maybe)
def test_an_extension_never_shortens(
    closes_at: datetime | None, extension: datetime | None
) -> None:
    own = own_close(closes_at, extension)
    if closes_at is None or own is None:
        assert own is None
    else:
        assert own >= closes_at
        assert own in (closes_at, extension)


@given(moments, maybe, moments, st.booleans(), st.booleans(), st.booleans())
def test_a_file_is_taken_in_time_or_late_and_never_both(
    opens: datetime, closes: datetime | None, now: datetime, uploads: bool, late: bool, open_: bool
) -> None:
    found = intake(opens, closes, now, uploads=uploads, late=late, unblinded=open_)
    assert (found is Intake.NEVER) == (not uploads)
    if found is Intake.OPEN:
        assert opens <= now < (closes or now + timedelta(1))
        assert not open_
    if found is Intake.LATE:
        assert late
        assert open_
