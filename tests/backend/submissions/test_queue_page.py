"""The organisers' queue, and that nothing stays unfinished whatever befalls it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from conftest import FrozenClock
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.queue import SCORE_QUEUE, SCORE_TASK, CeleryBell
from fivesigma_backend.core.sandbox import JobCrashed, SandboxUnavailable
from fivesigma_backend.submissions.claiming import Claim, claim
from fivesigma_backend.submissions.models import Evaluation
from fivesigma_backend.submissions.rules import LARGEST_CRASHES, LARGEST_LOST_LEASES, State
from fivesigma_worker.scoring import drain
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story

pytestmark = pytest.mark.stores
QUEUE = f"{API}/admin/challenges/tiny/queue"
PAGE = "/challenges/tiny/organise/queue"


@pytest.fixture
def prof(story: Story) -> Person:
    """An organiser of the tiny challenge."""
    person = story.person("prof", joined=False)
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        session.add(Organiser(challenge_id=challenge.id, user_id=story.user("prof").id))
    return person


def take(story: Story) -> Claim | None:
    with story.platform.db.transaction() as session:
        now = story.platform.clock()
        return claim(session, worker="host-a:12:34", now=now, lease=timedelta(seconds=30))


def run_of(story: Story, submission_id: str) -> Evaluation:
    with story.platform.db.read() as session:
        wanted = select(Evaluation).where(Evaluation.submission_id == submission_id)
        return session.scalars(wanted).one()


def hand_in(person: Person, file: bytes) -> str:
    answer = person.submit(file)
    assert answer.status_code == 201, answer.text
    identity: str = answer.json()["id"]
    return identity


def test_organisers_see_who_waits_who_is_scored_where_and_since_when(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    first, second = hand_in(ada, story.prediction(0.1)), hand_in(bob, story.prediction(0.2))
    clock.advance(seconds=10)
    assert take(story) is not None
    clock.advance(seconds=5)
    queue = prof.get(QUEUE).json()
    (scoring,), (queued,) = queue["scoring"], queue["queued"]
    assert {key: scoring[key] for key in ("submission", "age", "attempt", "host", "worker")} == {
        "submission": first,
        "age": 5.0,
        "attempt": 1,
        "host": "host-a",
        "worker": "12:34",
    }
    assert (queued["submission"], queued["age"], queued["host"]) == (second, 15.0, None)
    assert queue["totals"] == dict.fromkeys(State, 0) | {"scoring": 1, "queued": 1}
    assert ada.get(QUEUE).status_code == ada.get(PAGE).status_code == 404
    browser = Browser(story.web).log_in(story.platform, story.user("prof"))
    assert "host-a" in browser.get(PAGE).text
    done = browser.post(f"/submissions/{first}/judge", page=PAGE, act="requeue", back="queue")
    assert done.headers["location"] == f"{PAGE}?notice=decided"
    assert prof.get(QUEUE).json()["scoring"] == []


def test_administrators_see_the_queue_of_all_challenges(story: Story, prof: Person) -> None:
    story.person("root", joined=False, admin=True)
    hand_in(story.person("ada"), story.prediction())
    root = Browser(story.web).log_in(story.platform, story.user("root"))
    shown = root.get("/admin/queue").text
    assert "ada" in shown
    assert "tiny" in shown
    theirs = Browser(story.web).log_in(story.platform, story.user("prof"))
    assert theirs.get("/admin/queue").status_code == 404


def test_a_worker_that_dies_leaves_a_submission_that_is_scored_all_the_same(
    story: Story, clock: FrozenClock
) -> None:
    identity = hand_in(story.person("ada"), story.prediction())
    assert take(story) is not None
    clock.advance(seconds=31)
    story.tick()
    assert run_of(story, identity).state == State.QUEUED
    story.drain()
    assert run_of(story, identity).state == State.SCORED


def test_a_broker_that_is_away_delays_a_submission_until_a_tick(story: Story) -> None:
    person = story.person("ada")
    away = replace(story.platform, bell=CeleryBell("redis://127.0.0.1:1"))
    story.web.app.state.platform = away
    identity = hand_in(person, story.prediction())
    assert run_of(story, identity).state == State.QUEUED
    story.platform.bell.rung.clear()
    story.tick()
    assert (SCORE_TASK, SCORE_QUEUE) in story.platform.bell.rung
    story.drain()
    assert run_of(story, identity).state == State.SCORED


def test_a_lease_that_is_lost_too_often_is_given_up_with_a_reference(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    identity = hand_in(story.person("ada"), story.prediction())
    for lost in range(1, LARGEST_LOST_LEASES + 2):
        assert take(story) is not None, f"after {lost - 1} lost leases"
        clock.advance(seconds=31)
        story.tick()
        assert run_of(story, identity).lost_leases == lost
    failed = run_of(story, identity)
    assert failed.state == State.FAILED
    assert take(story) is None
    (row,) = prof.get(QUEUE).json()["refused"]
    assert (row["reference"], row["lost_leases"]) == (failed.reference, 11)
    assert "fell silent" in row["failure"]
    browser = Browser(story.web).log_in(story.platform, story.user("prof"))
    browser.post(f"/submissions/{identity}/judge", page=PAGE, act="retry", back="queue")
    story.drain()
    assert run_of(story, identity).state == State.SCORED


class Broken:
    """A sandbox in which nothing succeeds."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self, *_arguments: Any, **_options: Any) -> dict[str, Any]:
        raise self.error


@pytest.mark.parametrize(
    ("error", "rounds"),
    [
        (SandboxUnavailable("no namespaces"), LARGEST_LOST_LEASES + 1),
        (JobCrashed("killed", detail="signal 9"), LARGEST_CRASHES),
    ],
    ids=["the sandbox is broken", "the scorer dies"],
)
def test_a_sandbox_that_never_works_ends_in_failed(
    story: Story, error: Exception, rounds: int
) -> None:
    import threading

    identity = hand_in(story.person("ada"), story.prediction())
    broken = replace(story.platform, sandbox=Broken(error))
    for _ in range(rounds):
        assert run_of(story, identity).state == State.QUEUED
        drain(broken, threading.Event())
        if run_of(story, identity).state == State.FAILED:
            break
    failed = run_of(story, identity)
    assert (failed.state, bool(failed.reference)) == (State.FAILED, True)
    assert failed.attempt == rounds
