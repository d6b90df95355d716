"""Challenges that ship with the package, and their secret seeds."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from challenge_folder import write_tiny_challenge
from conftest import SHARED_DATA, FrozenClock
from fivesigma_backend.challenges.builtin import kept_seed, load_builtin
from fivesigma_backend.challenges.definition import DefinitionError
from fivesigma_backend.challenges.models import Challenge, Phase
from fivesigma_backend.challenges.service import phases_of
from fivesigma_backend.core.errors import Conflict
from fivesigma_backend.core.lockfile import locked
from fivesigma_backend.core.platform import Platform
from fivesigma_datasets import BUILTINS, DataError
from server_processes import server
from sqlalchemy import select

REAL = SHARED_DATA / "higgsml-real-9998" / "contiguous_7521.csv"


def test_a_seed_is_drawn_once_and_kept_for_its_owner(platform: Platform) -> None:
    seed = kept_seed(platform.settings, "higgsml")
    assert kept_seed(platform.settings, "higgsml") == seed
    assert kept_seed(platform.settings, "other") != seed
    folder = platform.settings.data_dir / "secrets" / "seeds"
    assert sorted(path.name for path in folder.iterdir()) == ["higgsml", "other"]
    assert (folder / "higgsml").stat().st_mode & 0o777 == 0o600


def test_two_who_draw_a_seed_at_once_agree(platform: Platform) -> None:
    seeds: list[int] = []
    threads = [
        Thread(target=lambda: seeds.append(kept_seed(platform.settings, "higgsml")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seeds) == 8
    assert len(set(seeds)) == 1


def test_an_unknown_name_names_what_there_is(platform: Platform) -> None:
    with pytest.raises(DefinitionError, match=r"there are: .*higgsml"):
        load_builtin(platform, "higgs", report=lambda _line: None)


def test_wrong_data_are_explained(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DefinitionError, match=r"wrong\.csv"):
        load_builtin(platform, "higgsml", data=[tmp_path / "wrong.csv"], report=lambda _line: None)


@pytest.mark.skipif(not REAL.is_file(), reason="the real HiggsML events are not here")
def test_real_events_are_loaded_with_a_secret_split_that_stays(platform: Platform) -> None:
    lines: list[str] = []
    first = load_builtin(platform, "higgsml", data=[REAL], report=lines.append)
    assert first.created
    assert any("factors" in line for line in lines)
    again = load_builtin(platform, "higgsml", data=[REAL], report=lines.append)
    assert again.changes == ()
    with platform.db.read() as session:
        challenge = session.scalars(select(Challenge)).one()
    assert challenge.definition["phases"][0]["metric"] == "ams"
    seed = str(kept_seed(platform.settings, "higgsml"))
    assert seed not in challenge.card


class Simulation:
    """A simulation in two chunks, which can be killed after the first."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.killed = False
        self.summary = "Select the signal events."

    def __call__(self, out: Path, *, seed: int, **_options: Any) -> None:
        kept = out.parent / f".{out.name}.chunks"
        kept.mkdir(exist_ok=True)
        for number in (1, 2):
            if (kept / str(number)).exists():
                continue
            if self.killed and number == 2:
                raise KeyboardInterrupt
            (kept / str(number)).touch()
            self.made.append(f"{number} with {seed}")
        write_tiny_challenge(out, summary=self.summary)
        shutil.rmtree(kept)


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    """What `challenge load tiny --size full` runs."""
    made = Simulation()
    BUILTINS["tiny"] = dataclasses.replace(BUILTINS["higgsml"], name="tiny", generate=made)
    yield made
    del BUILTINS["tiny"]


def load_full(platform: Platform, seed: int | None = 5, **options: Any) -> list[str]:
    lines: list[str] = []
    load_builtin(platform, "tiny", size="full", seed=seed, report=lines.append, **options)
    return lines


def test_a_killed_simulation_goes_on_where_it_was_and_leaves_nothing(
    platform: Platform, simulation: Simulation
) -> None:
    simulation.killed = True
    with pytest.raises(KeyboardInterrupt):
        load_full(platform)
    place = platform.settings.data_dir / "preparing" / "tiny"
    assert place.stat().st_mode & 0o777 == 0o700  # the truth of a challenge to come
    simulation.killed = False
    load_full(platform)
    assert simulation.made == ["1 with 5", "2 with 5"]
    assert [one.name for one in place.iterdir()] == ["lock"]


def test_data_that_could_not_be_loaded_are_not_simulated_again(
    platform: Platform, simulation: Simulation
) -> None:
    load_full(platform)
    simulation.summary = "Another summary."
    with pytest.raises(Conflict):
        load_full(platform)
    before = list(simulation.made)
    assert any("made by an earlier run" in line for line in load_full(platform, update=True))
    assert simulation.made == before
    simulation.summary = "A third one."
    with pytest.raises(Conflict):
        load_full(platform)
    load_full(platform, seed=6, update=True)
    assert simulation.made[-1] == "2 with 6"


def test_one_simulation_of_a_challenge_at_a_time(
    platform: Platform, simulation: Simulation
) -> None:
    with (
        locked(platform.settings.data_dir / "preparing" / "tiny" / "lock"),
        pytest.raises(Conflict, match=r"being made by process \d+"),
    ):
        load_full(platform)
    assert simulation.made == []


def test_a_simulation_that_is_refused_says_why_and_leaves_no_folder(platform: Platform) -> None:
    def refused(out: Path, **_options: Any) -> None:
        raise DataError("Install the extra `simulate` first.")

    BUILTINS["tiny"] = dataclasses.replace(BUILTINS["higgsml"], name="tiny", generate=refused)
    try:
        with pytest.raises(DefinitionError, match="Install the extra"):
            load_full(platform)
    finally:
        del BUILTINS["tiny"]


def windows(platform: Platform, name: str) -> list[tuple[datetime, datetime | None]]:
    with platform.db.read() as session:
        challenge = session.scalars(select(Challenge).where(Challenge.slug == name)).one()
        return [(one.opens_at, one.closes_at) for one in phases_of(session, challenge.id)]


@pytest.mark.parametrize("name", BUILTINS)
def test_an_event_begins_when_it_is_asked_to_and_lasts_as_its_pace_says(
    platform: Platform, clock: FrozenClock, name: str
) -> None:
    quiet: dict[str, Any] = {"report": lambda _line: None}
    load_builtin(platform, name, pace="one-day", **quiet)
    (opens, closes), *_ = windows(platform, name)
    assert opens == clock()
    assert closes == clock() + timedelta(days=1)
    later = clock() + timedelta(days=30)
    load_builtin(platform, name, pace="school-week", opens=later, update=True, **quiet)
    (opens, closes), *_ = windows(platform, name)
    assert (opens, closes) == (later, later + timedelta(days=7))
    with platform.db.read() as session:
        limits = session.scalars(select(Phase)).first().definition["limits"]
    assert limits["per_day"] == 10


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["higgsml", "--pace", "fortnight"], "there are: one-day, school-week, semester"),
        (["higgsml", "--opens", "2027-03-01T09:00:00Z"], "needs a pace"),
        (["higgsml", "--pace", "one-day", "--opens", "2027-03-01T09:00:00"], "an offset"),
        (["higgsml", "--pace", "one-day", "--opens", "noon"], "expected a time such as"),
        (["higgsml", "--seed", "4"], "--seed is for --size full and --data"),
        (["higgsml", "--data", "/no/such.csv"], "/no/such.csv cannot be read"),
        (["tests", "--pace", "one-day"], "are for built-in challenges"),
        (["higs"], "not one of: higgsml"),
    ],
)
def test_a_command_that_can_not_be_followed_says_why_in_a_line(
    tmp_path: Path, sqlite_template: Path, words: list[str], told: str
) -> None:
    shutil.copy(sqlite_template, tmp_path / "fivesigma.sqlite3")
    refused = server("challenge", "load", *words, "--data-dir", str(tmp_path), check=False)
    assert refused.returncode in (1, 2)
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr
