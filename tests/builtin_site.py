"""A built-in challenge with its small data on a real server, made once for several tests."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from conftest import FrozenClock, RecordingBell
from fastapi.testclient import TestClient
from fivesigma_backend.app import create_app
from fivesigma_backend.challenges.builtin import load_builtin
from fivesigma_backend.challenges.definition import Definition, PhaseDefinition, read_definition
from fivesigma_backend.challenges.stored import export_challenge
from fivesigma_backend.core.platform import Platform, open_platform
from fivesigma_backend.core.sandbox import Sandbox
from fivesigma_backend.core.settings import load_settings
from fivesigma_scoring import METRICS, metric_of
from fivesigma_worker.scoring import drain
from live_server import Web
from people import Browser
from stories import API, Person, Story

COMMAND = Path(sys.executable).with_name("fivesigma")
OPEN = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
PATIENCE = 300


class Rank(NamedTuple):
    """How good a submission is, larger is better, and the uncertainty of that."""

    value: float
    sigma: float


@dataclass
class BuiltinSite:
    """The challenge `name`, its folder as it was loaded, and people who look at it."""

    name: str
    folder: Path
    definition: Definition
    platform: Platform
    web: TestClient
    url: str
    told: list[str]
    members: int = 0

    @property
    def story(self) -> Story:
        return Story(self.platform, self.web, self.folder)

    @property
    def phases(self) -> list[PhaseDefinition]:
        """The phases that take files at present."""
        return [one for one in self.definition.phases if one.uploads and one.opens <= OPEN]

    def participant(self) -> Person:
        """Somebody new who has joined."""
        self.members += 1
        person = self.story.person(f"member-{self.members}", joined=False)
        person.slug = self.name
        assert person.join().status_code == 200
        return person

    def browser(self, username: str) -> Browser:
        return Browser(self.web).log_in(self.platform, self.story.user(username))

    def run(self, person: Person, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """The installed `fivesigma` command of a participant, in the folder `home`."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "FIVESIGMA_URL": self.url,
            "FIVESIGMA_TOKEN": person.token,
        }
        return subprocess.run(
            [COMMAND, *words],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def sample_of(self, phase: PhaseDefinition) -> Path:
        return self.folder / self.definition.test_sets[phase.test_set].sample

    def hand_in(self, content: bytes, filename: str, phase: str) -> str:
        """The id of a submission of somebody new, scored."""
        answer = self.participant().submit(content, filename, phase=phase)
        assert answer.status_code == 201, answer.text
        self.drain()
        return str(answer.json()["id"])

    def drain(self) -> None:
        drain(self.platform, threading.Event())

    def ranks(self, submission: str) -> dict[str, Rank]:
        """By split how good a submission is on the ranking metric."""
        organiser = Person(self.web, "organiser", self.organiser_token)
        document = organiser.get(f"{API}/submissions/{submission}").json()
        assert document["status"] == "scored", document
        phase = next(one for one in self.definition.phases if one.slug == document["phase"])
        metric = METRICS[metric_of(phase.metric)]
        scores: dict[str, Any] = document["scores"]
        assert set(scores) == {"public", "private"}
        for columns in scores.values():
            assert columns[phase.metric]["sigma"] is not None
        return {
            split: Rank(
                metric.rank_key(columns[phase.metric]["value"]), columns[phase.metric]["sigma"]
            )
            for split, columns in scores.items()
        }

    @property
    def organiser_token(self) -> str:
        return self.story.token("organiser")

    def starter(self, home: Path) -> list[str]:
        """Run the downloaded starter in its folder; the words of the command that it ends with."""
        threads = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
        ran = subprocess.run(
            [sys.executable, "-P", "starter.py"],
            cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": str(home), **threads},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return shlex.split(ran.stdout.splitlines()[-1])


@contextmanager
def builtin_site(
    name: str, database: Path, broker_url: str, sandbox: Sandbox, folder: Path
) -> Iterator[BuiltinSite]:
    """The built-in challenge `name` on a server; `database` is a migrated SQLite file."""
    shutil.copy(database, folder / "site.sqlite3")
    settings = load_settings(
        {},
        data_dir=folder / "data",
        database_url=f"sqlite:///{folder / 'site.sqlite3'}",
        broker_url=broker_url,
    )
    opened = open_platform(settings, bell=RecordingBell(), clock=FrozenClock(OPEN))
    opened.throttle.reset()
    platform = dataclasses.replace(opened, sandbox=sandbox)
    told: list[str] = []
    with TestClient(create_app(platform), base_url="http://testserver") as client:
        load_builtin(platform, name, report=told.append)
        export_challenge(platform, name, folder / name)
        definition = read_definition(folder / name)
        web = Web(platform)
        site = BuiltinSite(
            name,
            folder / name,
            definition,
            platform,
            client,
            f"http://127.0.0.1:{web.port}",
            told,
        )
        site.story.person("organiser", joined=False, admin=True)
        try:
            yield site
        finally:
            web.stop()
    opened.close()
