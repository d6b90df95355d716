"""Time the board JSON of 1,000 teams, against an endpoint that has the same rows in memory.

Run `make bench`, or `PYTHONPATH=tests python tests/bench/bench_board.py`. The reference serialises
the same rows with the same serialiser at each request. "Cold" is the first request after a change
of the board, "warm" any further one. Only ratios mean something.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from challenge_folder import write_tiny_challenge
from fastapi import FastAPI
from fastapi.testclient import TestClient
from fivesigma_backend.app import create_app
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Phase, TestSet
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.migrate import migrate
from fivesigma_backend.core.platform import Platform, open_platform
from fivesigma_backend.core.settings import load_settings
from fivesigma_backend.leaderboards.schemas import BoardOut
from fivesigma_backend.submissions.models import Entry, Evaluation, Standing, Submission
from fivesigma_backend.submissions.standings import bump_board
from fivesigma_backend.tables import accounts, teams
from sqlalchemy import select
from starlette.responses import Response

TEAMS = 1000
RUNS = 41
BOARD = "/api/v1/challenges/tiny/leaderboard"
LIMITS = {"warm": 1.5, "cold": 6.0}
NOW = datetime(2026, 12, 5, tzinfo=UTC)


def fill(platform: Platform) -> None:
    """Teams with one scored submission each, as scoring would have left them."""
    with platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).one()
        solution = session.scalars(select(TestSet.current_solution_id)).one()
        for number in range(TEAMS):
            score = {
                name: {"value": 3 + number / 1e3, "sigma": 0.1, "n": 100}
                for name in ("ams", "signal_efficiency", "purity")
            }
            user, team, entry, submission, evaluation = (new_id() for _ in range(5))
            name, at = f"person-{number}", NOW + timedelta(seconds=number)
            challenge = phase.challenge_id
            rows = (
                accounts.User(id=user, username=name, username_key=name, created_at=NOW),
                teams.Team(
                    id=team, challenge_id=challenge, name=name, name_key=name, created_at=NOW
                ),
                teams.TeamMember(challenge_id=challenge, user_id=user, team_id=team),
                Entry(id=entry, phase_id=phase.id, team_id=team),
                Submission(
                    id=submission, entry_id=entry, challenge_id=challenge, user_id=user,
                    sha256="0" * 64, size=1, filename="a.csv", submitted_at=at,
                    evaluation_id=evaluation,
                ),
                Evaluation(
                    id=evaluation, submission_id=submission, challenge_id=challenge,
                    phase_id=phase.id, team_id=team, solution_id=solution, state="scored",
                    queued_at=at, public_scores=score, private_scores=score,
                ),
            )  # fmt: skip
            rows = (*rows, Standing(
                entry_id=entry, board="public", late=False, phase_id=phase.id,
                submission_id=submission, score=score["ams"]["value"], sigma=0.1,
                place=[score["ams"]["value"]], submitted_at=at, entries=1, last_submitted_at=at,
                metrics=score, carried=False,
            ))  # fmt: skip
            for row in rows:
                session.add(row)
                session.flush()


def reference_app(board: BoardOut) -> FastAPI:
    """An application that serialises the rows it holds."""
    app = FastAPI()

    @app.get("/board")
    def read() -> Response:
        return Response(board.model_dump_json(), media_type="application/json")

    return app


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of one run."""
    start = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    """Print a line each for warm and cold."""
    with tempfile.TemporaryDirectory() as name:
        settings = load_settings({}, data_dir=Path(name) / "data", broker_url="redis://127.0.0.1:9")
        platform = open_platform(settings, clock=lambda: NOW + timedelta(days=1))
        migrate(platform.db)
        write_tiny_challenge(Path(name) / "tiny")
        load_challenge(platform, Path(name) / "tiny", report=lambda line: None)
        fill(platform)
        with TestClient(create_app(platform)) as web:
            measure(platform, web)
        platform.close()


def measure(platform: Platform, web: TestClient) -> None:
    """Take the three in turns, so that a busy machine disturbs all alike."""
    board = BoardOut.model_validate(web.get(BOARD).json())
    if len(board.rows) != TEAMS:
        raise RuntimeError(f"{len(board.rows)} rows")
    with TestClient(reference_app(board)) as other:

        def cold() -> None:
            with platform.db.transaction() as session:
                bump_board(session, session.scalars(select(Phase.id)).one())

        rounds = []
        for _ in range(RUNS):
            bare = timed(lambda: other.get("/board"))
            cold()
            first = timed(lambda: web.get(BOARD))
            rounds.append((bare, timed(lambda: web.get(BOARD)), first))
    bare, warm, first = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{'board of 1,000':18}{'from memory':>14}{'board':>12}{'ratio':>8}{'limit':>7}")
    for what, found in (("warm", warm), ("cold", first)):
        print(f"{what:18}{bare:11.1f} ms{found:9.1f} ms{found / bare:8.2f}{LIMITS[what]:7}")


if __name__ == "__main__":
    main()
