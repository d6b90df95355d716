"""What the rules of the game cost the database: how many statements, and none that walks a table.

A crowd of teams has handed in before, on both databases; PostgreSQL has its statistics.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from crowds import crowd
from fivesigma_backend.challenges.models import Participation, Phase
from fivesigma_backend.core.db import Database
from fivesigma_backend.core.errors import Forbidden
from fivesigma_backend.submissions.models import Entry, Evaluation, Standing, Submission
from fivesigma_backend.submissions.standings import bump_board, restand
from players import Player, newcomer
from sqlalchemy import event, select, update
from stories import API, Story

pytestmark = pytest.mark.stores

TEAMS, EACH = 300, 10
GROWING = "submissions|evaluations|entries|standings"
WALK = {
    # `waiting` is what the claim calls the evaluations in the queue.
    "sqlite": re.compile(rf"SCAN ({GROWING}|waiting)\b"),
    "postgresql": re.compile(rf"Seq Scan on ({GROWING})\b"),
}
Sent = list[tuple[str, Any]]


@contextmanager
def sent_to(database: Database) -> Iterator[Sent]:
    """The statements that are sent meanwhile, with their parameters."""
    sent: Sent = []

    def note(_c: object, _cursor: object, statement: str, values: Any, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def walks(database: Database, sent: Sent) -> list[str]:
    """The plans that go through all rows of a table that grows with the game."""
    dialect = database.engine.dialect.name
    explain = "EXPLAIN QUERY PLAN" if dialect == "sqlite" else "EXPLAIN"
    found = []
    with database.engine.connect() as connection:
        for statement, values in sent:
            one = values[0] if isinstance(values, list) else values
            plan = connection.exec_driver_sql(f"{explain} {statement}", one).all()
            steps = "\n".join(str(row[-1]) for row in plan)
            if WALK[dialect].search(steps):
                found.append(f"{statement}\n{steps}")
    return found


@pytest.fixture
def player(story: Story) -> Player:
    """A team among others, with a submission that has been scored."""
    crowd(story.platform.db, teams_in_all=TEAMS, each=EACH)
    player = newcomer(story.platform, TEAMS)
    player.hand_in()
    player.record(player.claim())
    return player


def cost(player: Player, act: Callable[[], object], *, most: int) -> None:
    with sent_to(player.platform.db) as sent:
        act()
    assert len(sent) <= most, "\n\n".join(statement for statement, _ in sent)
    assert walks(player.platform.db, sent) == []


def test_handing_in_claiming_and_recording_walk_no_table(player: Player) -> None:
    cost(player, player.hand_in, most=7)
    held = []
    cost(player, lambda: held.append(player.claim()), most=3)
    cost(player, lambda: player.record(held[0]), most=13)


@pytest.mark.parametrize("column", [Submission.filename, Evaluation.worker])
def test_a_walk_is_noticed(player: Player, column: Any) -> None:
    with sent_to(player.platform.db) as sent, player.platform.db.read() as session:
        session.scalars(select(column).where(column == "b.csv")).all()
    assert len(walks(player.platform.db, sent)) == 1


def test_who_is_excluded_at_the_last_moment_hands_in_nothing(player: Player) -> None:
    with player.platform.db.transaction() as session:
        session.execute(update(Participation).values(banned_at=player.platform.clock()))
    with pytest.raises(Forbidden):
        player.hand_in()


def test_the_lines_are_those_of_all_submissions_looked_at(player: Player) -> None:
    def lines() -> set[tuple[object, ...]]:
        with player.platform.db.read() as session:
            rows = session.scalars(select(Standing).where(Standing.entry_id == entry_id)).all()
            return {(row.board, row.submission_id, row.entries, row.score) for row in rows}

    with player.platform.db.read() as session:
        team_id = player.admission.team_id
        entry_id = session.scalars(select(Entry.id).where(Entry.team_id == team_id)).one()
    for _ in range(4):
        player.hand_in()
        player.record(player.claim())
    by_the_way = lines()
    with player.platform.db.transaction() as session:
        restand(session, session.get_one(Entry, entry_id), session.scalars(select(Phase)).one())
    assert lines() == by_the_way
    assert {entries for _, _, entries, _ in by_the_way} == {5}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "path", [f"{API}/challenges/tiny/leaderboard?limit=100", "/challenges/tiny/leaderboard"]
)
def test_a_visitor_reads_a_board_in_three_statements(
    story: Story, player: Player, path: str
) -> None:
    with player.platform.db.transaction() as session:
        bump_board(session, player.admission.phase.id)
    cost(player, lambda: story.web.get(path).raise_for_status(), most=3)
    cost(player, lambda: story.web.get(path).raise_for_status(), most=2)


def test_an_unchanged_board_is_not_sent_again(story: Story, player: Player) -> None:
    path = f"{API}/challenges/tiny/leaderboard?limit=100"
    first = story.web.get(path)
    assert len(first.json()["rows"]) == 100
    again = story.web.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
