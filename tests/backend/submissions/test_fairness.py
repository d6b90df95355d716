"""Whose turn it is: floods of one team, big challenges beside small ones, one slot and several."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from conftest import FrozenClock
from fivesigma_backend.challenges.models import Challenge, Phase
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.submissions.claiming import Claim, claim
from fivesigma_backend.submissions.models import Entry, Evaluation, Submission
from fivesigma_backend.submissions.rules import State
from fivesigma_backend.teams.models import Team
from sqlalchemy import insert, select, update
from stories import Story

LEASE = timedelta(hours=9)
SLOTS = pytest.mark.parametrize("slots", [1, 4])


@dataclass
class Hall:
    """Challenges with teams whose files wait, and workers that take them one after the other."""

    story: Story
    model: dict[str, Any]
    user: str

    def challenge(self, slug: str) -> str:
        """Another challenge with the phase of the tiny one, as rows alone."""
        identity = new_id()
        with self.story.platform.db.transaction() as session:
            for table, changes in (
                (Challenge, {"slug": slug}),
                (Phase, {"challenge_id": identity}),
            ):
                row = session.scalars(select(table)).first()
                values = {one.key: getattr(row, one.key) for one in table.__mapper__.columns}
                session.execute(insert(table).values(**values | changes | {"id": identity}))
        return identity

    def team(self, challenge: str, files: int) -> str:
        """A team with so many files waiting."""
        team, entry, now = new_id(), new_id(), self.story.platform.clock()
        names = {"id": team, "challenge_id": challenge, "name": team, "name_key": team}
        sent = [{"id": new_id(), "evaluation_id": new_id()} for _ in range(files)]
        common = {"challenge_id": challenge, "entry_id": entry, "user_id": self.user}
        file = {"sha256": "0" * 64, "size": 1, "filename": "a.csv", "submitted_at": now}
        with self.story.platform.db.transaction() as session:
            session.execute(insert(Team).values(**names, created_at=now))
            session.execute(insert(Entry).values(id=entry, phase_id=challenge, team_id=team))
            session.execute(insert(Submission), [one | common | file for one in sent])
            run = self.model | {"challenge_id": challenge, "phase_id": challenge, "team_id": team}
            session.execute(
                insert(Evaluation),
                [run | {"id": one["evaluation_id"], "submission_id": one["id"]} for one in sent],
            )
        return team

    def served(self, slots: int) -> Iterator[Claim]:
        """Each claim in its order; the longest running one ends where no slot is free."""
        running: deque[Claim] = deque()
        while True:
            if len(running) == slots:
                self._end(running.popleft())
            with self.story.platform.db.transaction() as session:
                held = claim(session, worker="w", now=self.story.platform.clock(), lease=LEASE)
            self.story.platform.clock.advance(seconds=1)  # type: ignore[attr-defined]  # a test's clock
            if held is None:
                return
            running.append(held)
            yield held

    def _end(self, held: Claim) -> None:
        done = update(Evaluation).where(Evaluation.id == held.evaluation_id)
        with self.story.platform.db.transaction() as session:
            session.execute(done.values(state=State.SCORED))


@pytest.fixture
def hall(story: Story, clock: FrozenClock) -> Hall:
    ada = story.person("ada")
    ada.submit(story.prediction())
    with story.platform.db.transaction() as session:
        row = session.scalars(select(Evaluation)).one()
        model = {one.key: getattr(row, one.key) for one in Evaluation.__mapper__.columns}
        session.delete(row)
    return Hall(story, model, story.user("ada").id)


@SLOTS
def test_a_thousand_files_of_one_team_delay_another_by_one_slot(hall: Hall, slots: int) -> None:
    challenge = hall.challenge("school")
    hall.team(challenge, 1000)
    taken = hall.served(slots)
    for _ in range(slots):
        next(taken)
    late = hall.team(challenge, 1)
    assert next(taken).team_id == late


@SLOTS
def test_a_challenge_of_300_teams_does_not_delay_one_of_three(hall: Hall, slots: int) -> None:
    big, small = hall.challenge("big"), hall.challenge("small")
    for _ in range(300):
        hall.team(big, 2)
    for _ in range(3):
        hall.team(small, 4)
    taken = [held for _, held in zip(range(24), hall.served(slots), strict=False)]
    assert Counter(held.challenge_id for held in taken) == {big: 12, small: 12}
    teams = [held.team_id for held in taken if held.challenge_id == small]
    assert set(Counter(teams).values()) == {4}
    assert all(len(set(teams[start : start + 3])) == 3 for start in range(0, 12, 3))
    assert len({held.team_id for held in taken if held.challenge_id == big}) == 12


@SLOTS
def test_a_small_challenge_that_comes_later_waits_for_one_slot(hall: Hall, slots: int) -> None:
    big = hall.challenge("big")
    for _ in range(30):
        hall.team(big, 3)
    taken = hall.served(slots)
    for _ in range(20):
        next(taken)
    small = hall.challenge("small")
    hall.team(small, 1)
    assert next(taken).challenge_id == small
