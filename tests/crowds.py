"""Challenges with many teams and submissions, filled by the database itself.

Every team has one scored submission that counts, somewhere among others that are worse; its lines
stand as recording the scores one by one would have left them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from fivesigma_backend.challenges.models import Participation, Phase, TestSet
from fivesigma_backend.core.db import Database
from fivesigma_backend.submissions.counting import Board
from fivesigma_backend.submissions.models import Entry, Evaluation, Standing, Submission
from fivesigma_backend.tables import accounts, teams
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Select,
    String,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    text,
    type_coerce,
)

NOW = datetime(2026, 12, 5, tzinfo=UTC)
HANDED_IN = datetime(2026, 12, 1, 1, tzinfo=UTC)
METRICS = ("ams", "signal_efficiency", "purity")


def crowd(database: Database, *, teams_in_all: int, each: int = 1) -> None:
    """Fill the only phase of the tiny challenge, in a database without people."""
    with _unsynced(database) as connection:
        phase_id = connection.execute(select(Phase.id)).scalar_one()
        come(connection, range(teams_in_all))
        pour(connection, teams_in_all=teams_in_all, each=each)
        standings = [
            _standing(number, phase_id, teams_in_all, each) for number in range(teams_in_all)
        ]
        connection.execute(insert(Standing), [row for rows in standings for row in rows])
        if connection.dialect.name == "postgresql":  # where it happens by itself
            connection.execute(text("ANALYZE"))


def come(connection: Connection, numbers: range) -> None:
    """Add teams of one member each, with entries in the phase that have no submission yet."""
    phase = connection.execute(select(Phase.id, Phase.challenge_id)).one()
    for table, row in _PEOPLE.items():
        connection.execute(insert(table), [row(number, phase.challenge_id) for number in numbers])
    connection.execute(insert(Entry), [_entry(number, phase.id) for number in numbers])


def pour(
    connection: Connection, *, teams_in_all: int, each: int, first_team: int = 0, kind: str = "S"
) -> None:
    """Add scored submissions to the teams from `first_team` on; their lines stay as they are."""
    phase = connection.execute(select(Phase.id, Phase.challenge_id)).one()
    solution = connection.execute(select(TestSet.current_solution_id)).scalar_one()
    numbers = select(literal(0).label("number")).cte("numbers", recursive=True)
    numbers = numbers.union_all(
        select(numbers.c.number + 1).where(numbers.c.number + 1 < teams_in_all * each)
    )
    number = numbers.c.number
    team = number % teams_in_all + first_team
    own, member = _identities(kind, number), _identities("U", team)
    scores = _scores(connection, team, number // teams_in_all == (team - first_team) % each)
    submission = {
        Submission.id: own, Submission.entry_id: _identities("E", team),
        Submission.challenge_id: phase.challenge_id, Submission.user_id: member,
        Submission.sha256: "0" * 64, Submission.size: 1, Submission.filename: "a.csv",
        Submission.submitted_at: HANDED_IN, Submission.evaluation_id: own,
    }  # fmt: skip
    evaluation = {
        Evaluation.id: own, Evaluation.submission_id: own,
        Evaluation.challenge_id: phase.challenge_id, Evaluation.phase_id: phase.id,
        Evaluation.team_id: _identities("P", team), Evaluation.solution_id: solution,
        Evaluation.state: "scored", Evaluation.attempt: 1, Evaluation.scorer_version: 1,
        Evaluation.queued_at: HANDED_IN, Evaluation.finished_at: HANDED_IN,
        Evaluation.public_scores: scores, Evaluation.private_scores: scores,
    }  # fmt: skip
    for table, columns in ((Submission, submission), (Evaluation, evaluation)):
        rows: Select[Any] = select(*(_column(*one) for one in columns.items())).select_from(numbers)
        connection.execute(insert(table).from_select(list(columns), rows))


def identity(kind: str, number: int) -> str:
    """The id of the `number`-th user (U), team (P), entry (E) or submission (S)."""
    return f"{kind}{'0' * 16}{number:09d}"


def score_of(number: int) -> float:
    """What the `number`-th team's best submission has."""
    return 3 + number / 1000


@contextmanager
def _unsynced(database: Database) -> Iterator[Connection]:
    """A transaction that a power cut may lose, which fills a large database in less time."""
    engine = database.engine.execution_options(fivesigma_write=True)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        lite = connection.dialect.name == "sqlite"
        if lite:
            driver.execute("PRAGMA synchronous=OFF")
        with connection.begin():
            yield connection
        if lite:
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            driver.execute("PRAGMA synchronous=FULL")


def _user(number: int, _challenge_id: str) -> dict[str, Any]:
    name = f"person-{number}"
    key = {"id": identity("U", number), "username": name, "username_key": name}
    return key | {"created_at": HANDED_IN}


def _team(number: int, challenge_id: str) -> dict[str, Any]:
    name = f"team-{number}"
    key = {"id": identity("P", number), "name": name, "name_key": name}
    return key | {"challenge_id": challenge_id, "created_at": HANDED_IN}


def _member(number: int, challenge_id: str) -> dict[str, Any]:
    user, team = identity("U", number), identity("P", number)
    return {"challenge_id": challenge_id, "user_id": user, "team_id": team}


def _participation(number: int, challenge_id: str) -> dict[str, Any]:
    user = identity("U", number)
    return {"challenge_id": challenge_id, "user_id": user, "joined_at": HANDED_IN}


_PEOPLE = {
    accounts.User: _user,
    teams.Team: _team,
    teams.TeamMember: _member,
    Participation: _participation,
}


def _entry(number: int, phase_id: str) -> dict[str, Any]:
    team = identity("P", number)
    return {"id": identity("E", number), "phase_id": phase_id, "team_id": team}


def _standing(number: int, phase_id: str, teams_in_all: int, each: int) -> list[dict[str, Any]]:
    counting = identity("S", number % each * teams_in_all + number)
    line = {
        "entry_id": identity("E", number), "late": False, "phase_id": phase_id,
        "submission_id": counting, "score": score_of(number), "sigma": 0.1,
        "place": [score_of(number)], "mark": None, "submitted_at": HANDED_IN, "entries": each,
        "last_submitted_at": HANDED_IN, "metrics": _metrics(score_of(number)), "carried": False,
    }  # fmt: skip
    return [line | {"board": board} for board in (Board.PUBLIC, Board.PRIVATE)]


def _metrics(value: float) -> dict[str, Any]:
    return {
        name: {"value": value, "sigma": 0.1, "lower_bound": False, "n": 100} for name in METRICS
    }


def _identities(kind: str, number: ColumnElement[int]) -> ColumnElement[str]:
    digits = cast(number + 10**9, String)
    return literal(f"{kind}{'0' * 16}", String) + func.substr(digits, 2)


def _scores(
    connection: Connection, team: ColumnElement[int], counts: ColumnElement[bool]
) -> ColumnElement[Any]:
    """Scores of all metrics, as JSON; those that don't count are worse."""
    value = case((counts, cast(3 + team / literal(1000.0), String)), else_="1.0")
    parts: ColumnElement[str] = literal("{", String)
    for position, name in enumerate(METRICS):
        comma = ", " if position else ""
        parts = (
            parts
            + f'{comma}"{name}": {{"value": '
            + value
            + ', "sigma": 0.1, "lower_bound": false, "n": 100}'
        )
    parts = parts + "}"
    return type_coerce(parts, JSON) if connection.dialect.name == "sqlite" else cast(parts, JSON)


def _column(column: Any, value: Any) -> ColumnElement[Any]:
    known = value if isinstance(value, ColumnElement) else literal(value, column.type)
    return known.label(column.key)
