"""Used quota and submissions when teams change: leaving, joining, merging; at once and cut off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from challenge_folder import tiny_toml
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Challenge, Phase
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.submissions import joining
from fivesigma_backend.submissions.claiming import claim
from fivesigma_backend.submissions.evaluating import Result, record
from fivesigma_backend.submissions.merging_rules import (
    days_started,
    most_together,
    read_moments,
    still_inherited,
    write_moments,
)
from fivesigma_backend.submissions.models import Entry, Evaluation, Standing, Submission
from fivesigma_backend.submissions.rules import DAY, Limits
from fivesigma_backend.submissions.standings import restand
from fivesigma_backend.teams.models import FormerMember, Notice, Team, TeamMember
from hypothesis import given
from hypothesis import strategies as st
from pairs import begin_pair
from sqlalchemy import select
from stories import API, Person, Story, begin_story
from teamwork import TEAM, accept, code, invite, members, propose, team, toml, unite, used

pytestmark = pytest.mark.stores
OPENS = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def story(platform: Platform, web: TestClient, tmp_path: Path) -> Story:
    """Teams of up to three, five submissions a day, twenty in all."""
    return begin_story(platform, web, tmp_path / "tiny", **toml(concurrent=20))


def hand_in(story: Story, clock: FrozenClock, person: Person, *cuts: float) -> list[str]:
    """Hand in files, a minute apart, and score them."""
    ids = []
    for cut in cuts:
        clock.advance(minutes=1)
        answer = person.submit(story.prediction(cut))
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    story.drain()
    return ids


def board(person: Person, **query: Any) -> list[tuple[str, list[str], int]]:
    """Team, members and number of submissions of each row."""
    rows = person.board(**query).json()["rows"]
    return [(row["team"], row["members"], row["entries"]) for row in rows]


def cuts(number: int, start: float = 0.0) -> list[float]:
    return [start + 0.1 * index for index in range(number)]


def test_who_leaves_takes_the_used_quota_along_but_no_submission(
    story: Story, clock: FrozenClock
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    unite(ada, bob)
    first, second = hand_in(story, clock, bob, 0.5, 0.6)
    assert bob.post(f"{TEAM}/leave").status_code == 200
    assert (used(ada), used(bob)) == (2, 2)
    limits = bob.get(f"{API}/challenges/tiny/limits").json()
    assert (limits["used_today"], limits["remaining"]) == (2, 3)
    # The scores stay with the team, and so does who handed them in.
    assert board(ada) == [("ada", ["ada"], 2)]
    assert ada.get(f"{API}/submissions/{first}").json()["submitted_by"] == "bob"
    assert bob.get(f"{API}/submissions/{second}").status_code == 404
    assert bob.get(f"{API}/challenges/tiny/submissions").json()["items"] == []
    hand_in(story, clock, bob, 0.7, 0.8, 0.9)
    assert code(bob.submit(story.prediction(0.95))) == (429, "limit")
    clock.advance(hours=24)  # a rolling day later the inherited ones are gone, too
    limits = bob.get(f"{API}/challenges/tiny/limits").json()
    assert (limits["used_today"], limits["used_total"], limits["remaining"]) == (0, 5, 5)


def test_inherited_submissions_count_in_the_calendar_day_of_the_zone(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    changes = toml(window="calendar", concurrent=20) | {"timezone": "Europe/Zurich"}
    story = begin_story(platform, web, tmp_path / "tiny", **changes)
    ada, bob = story.person("ada"), story.person("bob")
    unite(ada, bob)
    clock.time = datetime(2026, 12, 2, 22, 50, tzinfo=UTC)  # ten minutes before midnight there
    hand_in(story, clock, ada, 0.1, 0.2)
    bob.post(f"{TEAM}/leave")
    limits = f"{API}/challenges/tiny/limits"
    assert bob.get(limits).json()["used_today"] == 2
    clock.advance(minutes=10)
    assert bob.get(limits).json()["used_today"] == 0
    assert used(bob) == 2


def test_leaving_and_coming_back_charges_nobody_twice(story: Story, clock: FrozenClock) -> None:
    ada, bob, eve = (story.person(name) for name in ("ada", "bob", "eve"))
    unite(ada, bob, eve)
    hand_in(story, clock, ada, 0.1, 0.2, 0.3)
    assert bob.post(f"{TEAM}/leave").status_code == eve.post(f"{TEAM}/leave").status_code == 200
    unite(bob, eve)  # both inherited the same three
    assert used(bob) == 3
    hand_in(story, clock, bob, 0.4)
    eve.post(f"{TEAM}/leave")
    assert used(eve) == 4
    unite(ada, eve)
    assert (used(ada), used(bob)) == (4, 4)


def test_a_merge_moves_submissions_clears_finals_and_tells_both(
    story: Story, clock: FrozenClock
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    mine = hand_in(story, clock, ada, -3.0, -2.0)
    theirs = hand_in(story, clock, bob, 0.5)
    for person, identity in ((ada, mine[0]), (bob, theirs[0])):
        chosen = person.patch(f"{API}/submissions/{identity}", json={"selected": True})
        assert chosen.status_code == 200
    proposal = propose(ada, "BOB ")
    expected = {
        "phase": "final",
        "title": "The phase",
        "used": 3,
        "allowed": 5,
        "moves": 2,
        "finals": 2,
        "disqualified": False,
        "possible": True,
    }
    assert team(bob)["merges_received"][0]["preview"] == [expected]
    assert team(ada)["merges_sent"][0]["preview"] == [expected]
    assert ada.post(f"{API}/merges/{proposal}/accept").status_code == 404
    assert bob.post(f"{API}/merges/{proposal}/accept").status_code == 200
    assert members(ada) == members(bob) == ["bob", "ada"]
    assert board(ada) == [("bob", ["ada", "bob"], 3)]
    assert used(ada) == used(bob) == 3
    items = ada.get(f"{API}/challenges/tiny/submissions").json()["items"]
    assert {one["id"] for one in items} == {*mine, *theirs}
    assert not any(one["selected"] for one in items)
    assert ada.patch(f"{API}/submissions/{theirs[0]}", json={"selected": True}).status_code == 200
    with story.platform.db.read() as session:
        told = session.execute(select(Notice.team_id, Notice.text).order_by(Notice.id)).all()[-1]
        row = session.scalars(select(Team).where(Team.merged_into_id.is_not(None))).one()
        owners = set(session.scalars(select(Evaluation.team_id)))
    assert told[0] == row.merged_into_id
    assert "cleared" in told[1]
    assert owners == {row.merged_into_id}
    assert code(bob.post(f"{API}/merges/{proposal}/accept")) == (409, "answered")


def test_a_merge_beyond_what_one_team_could_have_used_is_refused_until_a_day_later(
    story: Story, clock: FrozenClock
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    hand_in(story, clock, ada, *cuts(3))
    hand_in(story, clock, bob, *cuts(3, 1.0))
    proposal = propose(ada, "bob")
    refused = bob.post(f"{API}/merges/{proposal}/accept")
    assert code(refused) == (409, "merge_quota")
    assert (refused.json()["used"], refused.json()["allowed"]) == (6, 5)
    assert (members(ada), members(bob), used(ada), used(bob)) == (["ada"], ["bob"], 3, 3)
    clock.time = OPENS + timedelta(days=1)
    assert bob.post(f"{API}/merges/{proposal}/accept").status_code == 200
    assert used(bob) == 6
    left = ada.get(f"{API}/challenges/tiny/limits").json()
    assert left["remaining"] == 0  # six in the last day and five allowed: never below zero


def test_an_invitation_is_no_way_around_the_quota(story: Story, clock: FrozenClock) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    hand_in(story, clock, ada, *cuts(3))
    hand_in(story, clock, bob, *cuts(3, 1.0))
    invitation = invite(ada, bob)
    assert team(bob)["invitations_received"][0]["preview"][0]["possible"] is False
    assert code(accept(bob, invitation)) == (409, "merge_quota")
    assert team(bob)["invitations_received"][0]["id"] == invitation  # still open
    clock.advance(days=1)
    assert accept(bob, invitation).status_code == 200
    assert board(ada) == [("ada", ["ada", "bob"], 6)]


def test_a_closed_phase_keeps_its_rows_and_shows_who_stood_there(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    first = tiny_toml()["phases"][0]
    second = first | {"slug": "second", "opens": first["closes"], "title": "Second"}
    second["closes"] = first["closes"] + timedelta(days=20)
    changes = {"teams": {"max_size": 3}, "phases": [first, second]}
    story = begin_story(platform, web, tmp_path / "tiny", **changes)
    ada, bob = story.person("ada"), story.person("bob")
    (old,) = hand_in(story, clock, ada, 0.1)
    hand_in(story, clock, bob, 0.5)
    clock.time = first["closes"]
    (new,) = hand_in(story, clock, ada, 0.2)
    proposal = propose(ada, "bob")
    assert [one["phase"] for one in team(bob)["merges_received"][0]["preview"]] == ["second"]
    assert bob.post(f"{API}/merges/{proposal}/accept").status_code == 200
    rows = {name: sorted(people) for name, people, _ in board(bob, phase="final")}
    assert rows == {"ada": ["ada"], "bob": ["ada", "bob"]}
    assert board(bob, phase="second") == [("bob", ["ada", "bob"], 1)]
    # What ada handed in then is still hers to look at, and never was bob's.
    assert ada.get(f"{API}/submissions/{old}").status_code == 200
    assert bob.get(f"{API}/submissions/{old}").status_code == 404
    assert bob.get(f"{API}/submissions/{new}").status_code == 200
    mine = ada.get(f"{API}/challenges/tiny/submissions").json()["items"]
    assert {old, new} <= {one["id"] for one in mine}
    # The name still stands on the board of the closed phase.
    eve = story.person("eve")
    assert code(eve.patch(TEAM, json={"name": "ADA"})) == (409, "name_taken")


def test_a_disqualified_team_cannot_hide_in_another(story: Story, clock: FrozenClock) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    hand_in(story, clock, ada, 0.1)
    with story.platform.db.transaction() as session:
        session.scalars(select(Entry)).one().disqualified_at = clock()
    assert code(accept(ada, invite(bob, ada))) == (409, "disqualified")
    proposal = propose(bob, "ada")
    assert code(ada.post(f"{API}/merges/{proposal}/accept")) == (409, "disqualified")


def test_a_file_that_is_scored_after_the_merge_counts_for_the_common_team(
    story: Story, clock: FrozenClock
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    hand_in(story, clock, bob, 0.2)
    clock.advance(minutes=1)
    assert ada.submit(story.prediction(0.5)).status_code == 201
    unite(bob, ada)
    assert story.drain() == 1
    assert board(bob) == [("bob", ["ada", "bob"], 2)]
    assert_standings_are_derived(story)


def test_a_worker_that_held_an_evaluation_through_a_merge_records_for_the_common_team(
    story: Story, clock: FrozenClock
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    clock.advance(minutes=1)
    assert ada.submit(story.prediction(0.5)).status_code == 201
    with story.platform.db.transaction() as session:
        held = claim(session, worker="one", now=clock(), lease=timedelta(seconds=30))
    assert held is not None
    unite(bob, ada)
    score = {"ams": {"value": 3.0, "sigma": 0.1, "n": 100}}
    with story.platform.db.transaction() as session:
        found = Result(ok=True, findings=[], scorer_version=1, public=score, private=score)
        assert record(session, held, found, clock())
    assert board(bob) == [("bob", ["ada", "bob"], 1)]
    assert_standings_are_derived(story)


def test_a_merge_that_breaks_in_the_middle_leaves_nothing(
    story: Story, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    hand_in(story, clock, ada, 0.1)
    hand_in(story, clock, bob, 0.5)
    invitation = invite(ada, bob)
    before = everything(story)

    def power_cut(*_arguments: object) -> bool:
        raise KeyboardInterrupt  # as abrupt as it gets inside a process

    with monkeypatch.context() as patch:
        patch.setattr(joining, "has_submissions", power_cut)
        with pytest.raises(KeyboardInterrupt):
            accept_here(story, bob, invitation)
    assert everything(story) == before
    assert accept(bob, invitation).status_code == 200


def accept_here(story: Story, guest: Person, invitation: str) -> None:
    """Say yes without a web server in between, which would survive a power cut."""
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        joining.accept_invitation(
            session,
            story.platform.events,
            challenge,
            invitation,
            story.user(guest.username).id,
            story.platform.clock(),
        )


def everything(story: Story) -> list[Any]:
    """All rows that a change of teams touches."""
    tables = (Team, TeamMember, FormerMember, Entry, Submission, Evaluation, Standing, Notice)
    with story.platform.db.read() as session:
        return [
            sorted(map(repr, session.execute(select(*table.__table__.columns)).all()))
            for table in tables
        ]


def assert_standings_are_derived(story: Story) -> None:
    """What stands on the boards is what the submissions say."""
    before = everything(story)
    with story.platform.db.transaction() as session:
        for entry in session.scalars(select(Entry)):
            restand(session, entry, session.get_one(Phase, entry.phase_id))
    assert everything(story) == before


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What the acts answer that begin together."""
    barrier, answers = Barrier(len(acts)), [None] * len(acts)

    def run(index: int, act: Callable[[], Any]) -> None:
        barrier.wait()
        answers[index] = act()

    threads = [Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_two_who_accept_at_once_with_one_place_left_one_gets_it(
    platform: Platform, web: TestClient, tmp_path: Path
) -> None:
    story = begin_story(platform, web, tmp_path / "tiny", **toml(max_size=2))
    for round_ in range(5):
        ada, bob, eve = (story.person(f"{name}{round_}") for name in ("ada", "bob", "eve"))
        asked = [(bob, invite(ada, bob)), (eve, invite(ada, eve))]
        answers = at_once(*(lambda pair=pair: accept(*pair) for pair in asked))
        assert sorted(one.status_code for one in answers) == [200, 409]
        assert len(members(ada)) == 2


def test_accepting_twice_at_once_joins_once(story: Story) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    invitation = invite(ada, bob)
    answers = at_once(*(lambda: accept(bob, invitation) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert members(bob) == ["ada", "bob"]


def test_two_teams_that_accept_each_other_at_once_become_one(
    story: Story, clock: FrozenClock
) -> None:
    for round_ in range(4):
        ada, bob = story.person(f"ada{round_}"), story.person(f"bob{round_}")
        hand_in(story, clock, ada, 0.1)
        hand_in(story, clock, bob, 0.2)
        there, back = propose(ada, bob.username), propose(bob, ada.username)
        answers = at_once(
            lambda: bob.post(f"{API}/merges/{there}/accept"),  # noqa: B023 - run at once
            lambda: ada.post(f"{API}/merges/{back}/accept"),  # noqa: B023 - run at once
        )
        statuses = sorted(one.status_code for one in answers)
        assert statuses[0] == 200
        assert statuses[1] in (404, 409)
        assert team(ada)["id"] == team(bob)["id"]
        assert used(ada) == 2
    assert_standings_are_derived(story)


def test_leaving_and_handing_in_at_once_loses_no_quota(story: Story, clock: FrozenClock) -> None:
    for round_ in range(5):
        ada, bob = story.person(f"ada{round_}"), story.person(f"bob{round_}")
        unite(ada, bob)
        clock.advance(minutes=1)
        file = story.prediction(0.1 + round_ / 10)
        left, sent = at_once(
            lambda: bob.post(f"{TEAM}/leave"),  # noqa: B023 - run at once
            lambda: bob.submit(file),  # noqa: B023 - run at once
        )
        assert (left.status_code, sent.status_code) == (200, 201)
        # Handed in before the leave, it stays with the team and is inherited; after it, it is his.
        stays = ada.get(f"{API}/submissions/{sent.json()['id']}").status_code == 200
        assert (used(ada), used(bob)) == ((1, 1) if stays else (0, 1))


def test_workers_and_merges_at_once_leave_boards_as_derived(
    story: Story, clock: FrozenClock
) -> None:
    for round_ in range(3):
        ada, bob = story.person(f"ada{round_}"), story.person(f"bob{round_}")
        for person in (ada, bob):
            for cut in cuts(2, round_ / 10):
                clock.advance(minutes=1)
                assert person.submit(story.prediction(cut)).status_code == 201
        invitation = invite(ada, bob)
        _, joined = at_once(story.drain, lambda: accept(bob, invitation))  # noqa: B023
        assert joined.status_code == 200
        assert used(ada) == 4
    story.drain()
    assert_standings_are_derived(story)
    assert sorted(row[2] for row in board(ada)) == [4, 4, 4]


LIMIT = st.none() | st.integers(0, 50)
MOMENTS = st.lists(st.integers(0, 30).map(lambda hour: OPENS + timedelta(hours=hour)), max_size=8)


@given(LIMIT, LIMIT, st.booleans(), st.integers(0, 40 * 24))
def test_two_teams_may_have_used_what_one_could_have(
    per_day: int | None, total: int | None, calendar: bool, hours: int
) -> None:
    limits = Limits(per_day=per_day, total=total, calendar=calendar, zone="America/New_York")
    opens = OPENS + timedelta(hours=5)  # midnight there
    now = opens + timedelta(hours=hours)
    days = hours // 24 + 1
    assert days_started(opens, now, limits) == days
    bounds = [
        one for one in (total, None if per_day is None else per_day * days) if one is not None
    ]
    assert most_together(limits, opens, now) == (min(bounds) if bounds else None)
    later = most_together(limits, opens, now + DAY)
    assert later is None or later >= (most_together(limits, opens, now) or 0)


@given(MOMENTS, MOMENTS, MOMENTS)
def test_inherited_moments_are_counted_once(
    own: list[datetime], first: list[datetime], second: list[datetime]
) -> None:
    found = still_inherited(own, first, second)
    assert found == still_inherited(own, second, first)
    assert still_inherited((), first, first) == still_inherited((), first)
    for moment in {*own, *first, *second}:
        most = max(first.count(moment), second.count(moment))
        assert found[moment] == max(0, most - own.count(moment))
    assert sorted(read_moments(write_moments(found))) == sorted(found.elements())


def test_a_merge_leaves_the_result_of_a_final_without_a_close(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    story = begin_pair(
        platform,
        web,
        tmp_path / "tiny",
        then={"uploads": False, "closes": None},
        teams={"max_size": 3, "lock_at": OPENS + timedelta(days=30)},
    )
    ada, bob = story.person("ada"), story.person("bob")
    hand_in(story, clock, ada, 0.5)
    hand_in(story, clock, bob, -1.0)
    clock.advance(days=10)
    story.tick()
    story.drain()
    story.tick()
    boards = [board(ada, phase="next", split=split) for split in ("public", "private")]
    assert [len(rows) for rows in boards] == [2, 2]
    proposal = propose(ada, "bob")
    answer = bob.post(f"{API}/merges/{proposal}/accept")
    assert answer.status_code == 200
    assert [one["username"] for one in answer.json()["members"]] == ["bob", "ada"]
    for split, before in zip(("public", "private"), boards, strict=True):
        now = board(bob, phase="next", split=split)
        assert [(team, used) for team, _, used in now] == [(team, used) for team, _, used in before]
