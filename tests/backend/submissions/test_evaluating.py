"""The queue on both databases: claims, leases, attempts, recovery, whose turn it is."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from conftest import FrozenClock
from fivesigma_backend.submissions.claiming import Claim, claim
from fivesigma_backend.submissions.evaluating import (
    Result,
    give_back,
    record,
    record_crash,
    renew,
    requeue_stale,
)
from fivesigma_backend.submissions.models import Entry, Evaluation, Standing, Submission
from fivesigma_backend.submissions.rules import State
from fivesigma_scoring.mishaps import scoring_failed
from sqlalchemy import delete, select, update
from stories import API, Person, Story

pytestmark = pytest.mark.stores

LEASE = timedelta(seconds=30)
SCORED = Result(
    ok=True,
    findings=[],
    scorer_version=1,
    public={"ams": {"value": 3.0, "sigma": 0.1, "n": 100}},
    private={"ams": {"value": 2.0, "sigma": 0.1, "n": 100}},
)


def take(story: Story, worker: str = "w") -> Claim | None:
    with story.platform.db.transaction() as session:
        return claim(session, worker=worker, now=story.platform.clock(), lease=LEASE)


def must_take(story: Story) -> Claim:
    held = take(story)
    assert held is not None
    return held


def put_down(story: Story, held: Claim, result: Result = SCORED) -> bool:
    with story.platform.db.transaction() as session:
        return record(session, held, result, story.platform.clock())


def evaluation(story: Story, held: Claim) -> Evaluation:
    with story.platform.db.read() as session:
        return session.get_one(Evaluation, held.evaluation_id)


def hand_in(person: Person, file: bytes) -> str:
    answer = person.submit(file)
    assert answer.status_code == 201, answer.text
    identity: str = answer.json()["id"]
    return identity


def queued_copies(story: Story, person: Person, number: int) -> None:
    """Many queued submissions of one team, made beside its limits."""
    first = hand_in(person, story.prediction())
    with story.platform.db.transaction() as session:
        model = session.get_one(Submission, first)
        run = session.scalars(select(Evaluation).where(Evaluation.submission_id == first)).one()
        for n in range(number - 1):
            extra = {"id": f"s{person.username}{n}", "evaluation_id": f"e{person.username}{n}"}
            session.add(copy(model, **extra))
            session.flush()
            session.add(copy(run, id=extra["evaluation_id"], submission_id=extra["id"]))


def copy(row: Any, **changes: Any) -> Any:
    values = {column.key: getattr(row, column.key) for column in row.__mapper__.columns}
    return type(row)(**(values | changes))


def test_a_claim_holds_one_evaluation_until_it_is_recorded(story: Story) -> None:
    ada = story.person("ada")
    identity = hand_in(ada, story.prediction())
    held = must_take(story)
    assert (held.submission_id, held.attempt) == (identity, 1)
    assert take(story) is None
    assert ada.get(f"{API}/submissions/{identity}").json()["status"] == "scoring"
    assert put_down(story, held)
    assert evaluation(story, held).state == State.SCORED
    assert not put_down(story, held)


def test_a_lease_that_is_kept_is_not_lost(story: Story, clock: FrozenClock) -> None:
    hand_in(story.person("ada"), story.prediction())
    held = must_take(story)
    clock.advance(seconds=25)
    with story.platform.db.transaction() as session:
        assert renew(session, held, clock() + LEASE)
    clock.advance(seconds=25)
    with story.platform.db.transaction() as session:
        assert list(requeue_stale(session, clock())) == []
    assert put_down(story, held)


def test_a_lost_lease_is_claimed_again_and_what_the_first_says_later_is_ignored(
    story: Story, clock: FrozenClock
) -> None:
    hand_in(story.person("ada"), story.prediction())
    first = must_take(story)
    clock.advance(seconds=31)
    story.tick()
    second = must_take(story)
    assert second.attempt == 2
    with story.platform.db.transaction() as session:
        assert not renew(session, first, clock() + LEASE)
        assert record_crash(session, first, "late", scoring_failed(), clock()) is None
        assert not give_back(session, first, at_fault=True, now=clock())
    worse = Result(ok=False, findings=[], scorer_version=1)
    assert not put_down(story, first, worse)
    assert put_down(story, second)
    assert evaluation(story, second).lost_leases == 1


def test_the_eleventh_lost_lease_ends_in_failure_with_a_reference(
    story: Story, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    identity = hand_in(ada, story.prediction())
    for _ in range(11):
        must_take(story)
        clock.advance(seconds=31)
        story.tick()
    found = ada.get(f"{API}/submissions/{identity}").json()
    assert found["status"] == "failed"
    assert found["reference"]
    assert [finding["code"] for finding in found["findings"]] == ["scoring_failed"]
    assert take(story) is None
    assert ada.get(f"{API}/challenges/tiny/limits").json()["used_total"] == 0


def test_a_scorer_that_dies_three_times_ends_in_failure(story: Story, clock: FrozenClock) -> None:
    hand_in(story.person("ada"), story.prediction())
    for expected in (State.QUEUED, State.QUEUED, State.FAILED):
        held = must_take(story)
        with story.platform.db.transaction() as session:
            assert record_crash(session, held, "signal 11", scoring_failed(), clock()) is expected
    assert evaluation(story, held).reference


def test_a_worker_that_stops_on_request_costs_nothing(story: Story, clock: FrozenClock) -> None:
    hand_in(story.person("ada"), story.prediction())
    held = must_take(story)
    with story.platform.db.transaction() as session:
        assert give_back(session, held, at_fault=False, now=clock())
    assert evaluation(story, held).lost_leases == 0
    assert must_take(story).attempt == 2


def test_many_workers_at_once_never_hold_the_same(story: Story) -> None:
    queued_copies(story, story.person("ada"), 24)
    taken: list[str] = []

    def work() -> None:
        while (held := take(story)) is not None:
            taken.append(held.evaluation_id)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 24


def test_a_flood_of_one_team_delays_another_by_one_slot(story: Story) -> None:
    flood, other = story.person("flood"), story.person("other")
    queued_copies(story, flood, 40)
    first = must_take(story)
    hand_in(other, story.prediction(0.3))
    order = [must_take(story).team_id for _ in range(3)]
    with story.platform.db.read() as session:
        held = session.get_one(Evaluation, first.evaluation_id)
    assert order[0] != held.team_id
    assert order[1:] == [held.team_id] * 2


def test_live_work_comes_before_rescoring(story: Story) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    hand_in(ada, story.prediction())
    with story.platform.db.transaction() as session:
        session.execute(update(Evaluation).values(priority=1))
    live = hand_in(ben, story.prediction(0.1))
    assert must_take(story).submission_id == live


def test_standings_can_be_rebuilt_from_the_submissions(story: Story) -> None:
    from fivesigma_backend.challenges.models import Phase
    from fivesigma_backend.submissions.standings import restand

    for name, cuts in (("ada", (0.0, 0.5)), ("ben", (1.0, -1.0))):
        person = story.person(name)
        for cut in cuts:
            hand_in(person, story.prediction(cut))
            story.drain()

    def standings() -> list[dict[str, Any]]:
        with story.platform.db.read() as session:
            table = Standing.__table__
            rows = session.execute(select(table).order_by(table.c.entry_id, table.c.board))
            return [dict(row) for row in rows.mappings()]

    cached = standings()
    assert [row["board"] for row in cached] == ["private", "public"] * 2
    with story.platform.db.transaction() as session:
        session.execute(delete(Standing))
        phase = session.scalars(select(Phase)).one()
        for entry in session.scalars(select(Entry)):
            restand(session, entry, phase)
    assert standings() == cached


def test_what_the_worker_reports_as_its_name_fits(story: Story) -> None:
    from fivesigma_worker.scoring import worker_name

    assert 0 < len(worker_name()) <= 120
