"""Carry-over: who moves with which file, once, by itself and by hand."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.errors import Conflict
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions.carrying import carry_over, carrying_due
from fivesigma_backend.submissions.models import Evaluation, Submission
from fivesigma_backend.teams.models import Team
from fivesigma_worker.housekeeping import tick
from pairs import ADMIN, begin_pair, carried, organiser_of, phase_of
from people import Browser
from sqlalchemy import select, update
from statements import counted
from stories import API, Person, Story

pytestmark = pytest.mark.stores
NAMES = ("ann", "bob", "cat")
CARRY = f"{ADMIN}/next/carry-over"


@pytest.fixture
def pair(platform: Platform, web: TestClient, tmp_path: Path) -> Story:
    return begin_pair(platform, web, tmp_path / "tiny")


@pytest.fixture
def prof(pair: Story) -> Person:
    return organiser_of(pair)


def hand_in(story: Story, person: Person, *cuts: float, **form: str) -> list[str]:
    """Files with these cuts, scored; their ids."""
    ids = []
    for cut in cuts:
        answer = person.submit(story.prediction(cut), **form)
        assert answer.status_code == 201, answer.text
        ids.append(str(answer.json()["id"]))
        story.drain()
        story.platform.clock.advance(seconds=1)  # type: ignore[attr-defined]  # the test's clock
    return ids


def settle_first(story: Story, clock: FrozenClock) -> None:
    clock.advance(days=10)
    assert phase_of(story, "first").closes_at <= clock()  # type: ignore[operator]  # it has one


def test_the_tick_carries_once_the_source_has_settled_and_the_board_shows_it(
    pair: Story, clock: FrozenClock
) -> None:
    ada = pair.person("ada")
    best, *_ = hand_in(pair, ada, 0.5, message="the good one", metadata='{"method": "cut"}')
    worse, worst = hand_in(pair, ada, -0.5, -2.0)
    pair.tick()
    assert carried(pair) == []
    settle_first(pair, clock)
    pair.tick()
    assert carried(pair) == [("ada", best, False), ("ada", worse, False)]
    assert worst not in {source for _, source, _ in carried(pair)}
    assert phase_of(pair, "next").carried_at == clock()
    pair.drain()
    pair.tick()
    assert len(carried(pair)) == 2

    row = ada.board(phase="next").json()["rows"][0]
    assert (row["carried"], row["rank"], row["entries"]) == (True, 1, 2)
    shown = ada.get(f"{API}/submissions/{row['submission']}").json()
    assert (shown["message"], shown["metadata"]) == ("the good one", {"method": "cut"})
    assert shown["carried_from"] == best
    assert shown["submitted_at"] == ada.get(f"{API}/submissions/{best}").json()["submitted_at"]
    limits = ada.get(f"{API}/challenges/tiny/limits?phase=next").json()
    assert (limits["used_total"], limits["running"], limits["remaining"]) == (0, 0, 5)


def test_nothing_moves_before_the_source_has_settled_and_the_preview_says_who_would(
    pair: Story, prof: Person, clock: FrozenClock
) -> None:
    ada = pair.person("ada")
    (only,) = hand_in(pair, ada, 0.5)
    early = prof.post(CARRY)
    assert (early.status_code, early.json()["code"]) == (409, "settling")
    preview = prof.post(f"{CARRY}?preview=true").json()
    assert (preview["ready"], preview["preview"]) == (False, True)
    assert [(one["team"], one["submission"], one["fate"]) for one in preview["items"]] == [
        ("ada", only, "new")
    ]
    clock.advance(days=9, hours=11, minutes=59)
    ada.submit(pair.prediction(0.1))
    clock.advance(minutes=5)
    pair.tick()
    assert prof.post(CARRY).status_code == 409  # the last file is not scored yet
    assert carried(pair) == []


def test_repeating_adds_marks_what_is_superseded_and_takes_it_back(
    pair: Story, prof: Person, clock: FrozenClock
) -> None:
    ada = pair.person("ada")
    best, second, third = hand_in(pair, ada, 0.5, 0.2, -1.5)
    settle_first(pair, clock)
    pair.tick()
    pair.drain()
    disqualify(pair, best, clock())
    again = prof.post(CARRY).json()
    assert {one["submission"]: one["fate"] for one in again["items"]} == {
        second: "stays",
        third: "new",
        best: "superseded",
    }
    pair.drain()
    assert carried(pair) == [("ada", best, True), ("ada", second, False), ("ada", third, False)]
    board = ada.board(phase="next").json()["rows"]
    assert [row["entries"] for row in board] == [2]

    disqualify(pair, best, None)
    fates = {one["submission"]: one["fate"] for one in prof.post(CARRY).json()["items"]}
    assert fates == {best: "returns", second: "stays", third: "superseded"}
    assert carried(pair) == [("ada", best, False), ("ada", second, False), ("ada", third, True)]
    unchanged = prof.post(CARRY).json()["items"]
    assert {one["submission"]: one["fate"] for one in unchanged} == {
        best: "stays",
        second: "stays",
    }
    with pair.platform.db.read() as session:
        acts = session.scalars(select(AuditEvent).where(AuditEvent.action == "phase.carry-over"))
        told = [(act.actor_id is None, act.after["new"], act.after["superseded"]) for act in acts]  # type: ignore[index]  # always set
    assert told == [(True, 2, 0), (False, 1, 1), (False, 0, 1), (False, 0, 0)]


def disqualify(story: Story, submission_id: str, at: Any) -> None:
    with story.platform.db.transaction() as session:
        session.execute(
            update(Submission).where(Submission.id == submission_id).values(disqualified_at=at)
        )


def test_merged_teams_move_as_what_they_have_become(
    pair: Story, prof: Person, clock: FrozenClock
) -> None:
    ids = {name: hand_in(pair, pair.person(name), 0.5 + n / 10)[0] for n, name in enumerate(NAMES)}
    settle_first(pair, clock)
    with pair.platform.db.transaction() as session:
        teams = {team.name: team for team in session.scalars(select(Team))}
        teams["ann"].merged_into_id = teams["bob"].id
        teams["bob"].merged_into_id = teams["cat"].id
        teams["cat"].staff = True
    prof.post(CARRY)
    pair.drain()
    assert {(team, source) for team, source, _ in carried(pair)} == {
        ("cat", source) for source in ids.values()
    }
    (row,) = prof.board(phase="next").json()["rows"]
    assert (row["team"], row["staff"], row["rank"]) == ("cat", True, None)


def test_two_at_once_carry_once(pair: Story, clock: FrozenClock) -> None:
    for n in range(4):
        hand_in(pair, pair.person(f"team{n}"), n / 10)
    settle_first(pair, clock)
    target = phase_of(pair, "next").id
    start = threading.Barrier(4)

    def by_hand() -> None:
        start.wait()
        with pair.platform.db.transaction() as session:
            carry_over(session, target, now=clock(), actor_id=None)

    def by_tick() -> None:
        start.wait()
        tick(pair.platform, threading.Event())

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(act) for act in (by_hand, by_hand, by_tick, by_tick)]:
            done.result()
    assert len(carried(pair)) == 4
    with pair.platform.db.read() as session:
        runs = session.scalars(select(Evaluation).where(Evaluation.phase_id == target)).all()
    assert len(runs) == 4


def test_killed_in_the_middle_it_never_happened(
    pair: Story, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        hand_in(pair, pair.person(f"team{n}"), n / 10)
    settle_first(pair, clock)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("fivesigma_backend.submissions.carrying._record", killed)
        with pytest.raises(KeyboardInterrupt):
            pair.tick()
    assert carried(pair) == []
    clock.advance(minutes=1)
    pair.tick()
    assert len(carried(pair)) == 3


def test_each_further_team_costs_one_statement_at_first_and_none_again(
    pair: Story, clock: FrozenClock
) -> None:
    for n in range(5):
        hand_in(pair, pair.person(f"team{n}"), n / 10)
    settle_first(pair, clock)
    target = phase_of(pair, "next").id

    def cost() -> int:
        with counted(pair.platform.db) as sent, pair.platform.db.transaction() as session:
            carry_over(session, target, now=clock(), actor_id=None)
        return len(sent)

    first, again = cost(), cost()
    assert again <= 19
    assert first <= again + 3 + 5


def test_an_unblinded_phase_and_one_without_a_source_take_nothing(
    pair: Story, prof: Person, clock: FrozenClock
) -> None:
    assert prof.post(f"{ADMIN}/first/carry-over").json()["code"] == "none"
    clock.advance(days=30)
    pair.tick()
    pair.tick()
    assert phase_of(pair, "next").unblinded_at is not None
    for path in (CARRY, f"{CARRY}?preview=true"):
        assert prof.post(path).json()["code"] == "unblinded"
    with pytest.raises(Conflict), pair.platform.db.transaction() as session:
        carry_over(session, phase_of(pair, "next").id, now=clock(), actor_id=None)


def test_a_carried_submission_is_not_taken_back_nor_replayed_for_an_upload(
    pair: Story, clock: FrozenClock
) -> None:
    ada = pair.person("ada")
    clock.advance(days=9, hours=11, minutes=55)
    hand_in(pair, ada, 0.5)
    clock.advance(minutes=5)
    pair.tick()
    with pair.platform.db.read() as session:
        copy = session.scalars(
            select(Submission.id).where(Submission.carried_from_id.is_not(None))
        ).one()
    assert ada.post(f"{API}/submissions/{copy}/cancel").status_code == 409
    own = ada.submit(pair.prediction(0.5))
    assert own.status_code == 201
    assert own.json()["id"] != copy
    assert ada.get(f"{API}/challenges/tiny/limits?phase=next").json()["used_total"] == 1


def test_a_closed_final_takes_carried_entries_only_and_unblinds_by_itself(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    story = begin_pair(platform, web, tmp_path / "tiny", then={"uploads": False, "closes": None})
    ada = story.person("ada")
    hand_in(story, ada, 0.5)
    settle_first(story, clock)
    refused = ada.submit(story.prediction(0.1), phase="next")
    assert "takes no uploads" in refused.json()["detail"]
    story.tick()
    assert phase_of(story, "next").unblinded_at is None  # what it took is not scored yet
    story.drain()
    story.tick()
    assert phase_of(story, "next").unblinded_at == clock()
    (row,) = ada.board(phase="next", split="private").json()["rows"]
    assert (row["rank"], row["carried"]) == (1, True)


def test_a_chain_of_three_moves_step_by_step(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    final = {"uploads": False, "closes": None, "unblind": "manual"}
    last = {"slug": "last", "title": "Last", "carry_over": "best", "carry_from": "next"}
    story = begin_pair(platform, web, tmp_path / "tiny", then=final, further=[last])
    ada = story.person("ada")
    hand_in(story, ada, 0.5, 0.0)
    settle_first(story, clock)
    with platform.db.read() as session:
        assert [phase.slug for phase in carrying_due(session, clock())] == ["next"]
    story.tick()
    assert (len(carried(story)), carried(story, "last")) == (2, [])
    story.drain()
    story.tick()
    ((_, source, _),) = carried(story, "last")
    with platform.db.read() as session:
        assert session.get_one(Submission, source).carried_from_id is not None


def test_the_page_previews_and_carries(pair: Story, prof: Person, clock: FrozenClock) -> None:
    hand_in(pair, pair.person("ada"), 0.5)
    settle_first(pair, clock)
    browser = Browser(pair.web).log_in(pair.platform, pair.user("prof"))
    here = "/challenges/tiny/phases/next"
    preview = browser.post(f"{here}/carry-over", page=here, preview="1")
    assert "cut-0.5" in preview.text or "prediction.csv" in preview.text
    assert carried(pair) == []
    assert browser.post(f"{here}/carry-over", page=here).status_code == 303
    pair.drain()
    ((_, source, _),) = carried(pair)
    board = browser.get("/challenges/tiny/leaderboard?phase=next").text
    assert ">carried<" in board
    with pair.platform.db.read() as session:
        copy = session.scalars(
            select(Submission.id).where(Submission.carried_from_id == source)
        ).one()
    page = browser.get(f"/submissions/{copy}").text
    assert "Carried over from" in page
    assert f"/submissions/{source}" in page
