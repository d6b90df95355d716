"""Files that kill the process that reads them: the team reads why, and nobody else notices."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.sandbox import Sandbox
from fivesigma_backend.submissions.models import Evaluation
from fivesigma_scoring import mishaps
from fivesigma_scoring.report import Finding
from live_server import live_server
from people import Browser
from shell import Shell
from sqlalchemy import select
from stories import API, Person, Story

pytestmark = pytest.mark.faults

HERE = str(Path(__file__).parent)
JOBS = {name: f"dying_jobs:{name}" for name in ("score", "check")}
MEMORY = 256 << 20
DEATHS: dict[str, Finding] = {
    "abort": mishaps.reader_crashed(),
    "segfault": mishaps.reader_crashed(),
    "memory": mishaps.reading_too_hungry(MEMORY),
    "loop": mishaps.reading_too_slow(1),
    "raise": mishaps.reader_crashed(),
    "print": mishaps.reader_crashed(),
    "fork": mishaps.reader_crashed(),
    "exit": mishaps.reader_crashed(),
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One whose jobs die on certain files."""
    preload = ("numpy", "polars", "fivesigma_scoring.run")
    scratch = tmp_path_factory.mktemp("scratch")
    with Sandbox(JOBS, preload, path=[HERE], scratch=scratch) as opened:
        opened.warm()
        yield opened


@pytest.fixture
def platform(request: pytest.FixtureRequest, platform: Platform) -> Platform:
    """One that gives up soon on what would never end, and not because a machine is busy."""
    endless = "loop" in request.node.name
    short = {"scoring_seconds": 1 if endless else 60, "scoring_memory": MEMORY}
    return dataclasses.replace(platform, settings=platform.settings.model_copy(update=short))


def hand_in(person: Person, story: Story, name: str) -> str:
    answer = person.submit(story.prediction(), name)
    assert answer.status_code == 201, answer.text
    identity: str = answer.json()["id"]
    return identity


def read(person: Person, identity: str) -> Any:
    return person.get(f"{API}/submissions/{identity}").json()


def page_of(story: Story, username: str, identity: str) -> str:
    browser = Browser(story.web).log_in(story.platform, story.user(username))
    return html.unescape(browser.get(f"/submissions/{identity}").text)


def failure_of(story: Story, identity: str) -> Evaluation:
    with story.platform.db.read() as session:
        return session.scalars(select(Evaluation).where(Evaluation.submission_id == identity)).one()


@pytest.mark.parametrize("how", DEATHS)
def test_a_file_that_kills_its_reader_fails_with_a_reason_and_harms_nobody(
    story: Story, how: str
) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    server = story.platform.sandbox.server_pid
    deadly = hand_in(ada, story, f"reading-{how}.csv")
    healthy = hand_in(ben, story, "prediction.csv")
    assert story.drain() == 4

    found, kept = read(ada, deadly), failure_of(story, deadly)
    assert (found["status"], found["scores"], kept.crashes) == ("failed", None, 3)
    assert found["findings"] == [DEATHS[how].as_json()]
    shown = page_of(story, "ada", deadly)
    assert DEATHS[how].message in shown
    assert "What happened" in shown
    assert found["reference"] in shown
    for text in (shown, str(found)):
        assert "Traceback" not in text
        assert "private value" not in text
    assert ada.get(f"{API}/challenges/tiny/limits").json()["used_total"] == 0

    assert read(ben, healthy)["status"] == "scored"
    assert story.drain() == 0
    assert story.platform.sandbox.server_pid == server
    assert not psutil.Process(server).children()


@pytest.mark.parametrize("how", ["abort", "memory", "loop", "raise"])
def test_what_dies_while_scoring_is_not_the_files_fault(story: Story, how: str) -> None:
    ada = story.person("ada")
    identity = hand_in(ada, story, f"scoring-{how}.csv")
    assert story.drain() == 3
    found = read(ada, identity)
    assert found["status"] == "failed"
    assert found["findings"] == [mishaps.scoring_failed().as_json()]
    shown = page_of(story, "ada", identity)
    assert mishaps.scoring_failed().message in shown
    assert found["reference"] in shown


def test_operators_keep_the_traceback(story: Story) -> None:
    identity = hand_in(story.person("ada"), story, "reading-raise.csv")
    story.drain()
    assert "RuntimeError: the private value 42" in (failure_of(story, identity).failure or "")


@pytest.mark.parametrize("how", DEATHS)
def test_the_check_of_such_a_file_is_a_report(story: Story, how: str) -> None:
    ada = story.person("ada")
    answer = ada.validate(story.prediction(), f"reading-{how}.csv")
    assert answer.status_code == 200
    assert answer.json() == {"ok": False, "findings": [DEATHS[how].as_json()]}
    assert ada.validate(story.prediction()).json()["ok"]


def test_a_check_that_dies_before_the_file_is_opened_blames_nobody(
    story: Story,
) -> None:
    answer = story.person("ada").validate(story.prediction(), "opening-raise.csv")
    assert (answer.status_code, answer.json()["code"]) == (503, "check_failed")
    assert "private value" not in answer.text


def test_the_command_line_says_it_too(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path / "home", monkeypatch)
    file = tmp_path / "reading-abort.csv"
    with live_server(platform, tmp_path / "tiny") as live:
        shell.at(live.url, live.person("ada").token)
        file.write_bytes(live.prediction().read_bytes())
        ran = shell("submit", "tiny", "-f", file, "-m", "x", "--wait")
        checked = shell("validate", "tiny", "-f", file)
    assert ran.code == 5
    assert ran.out.splitlines()[0].endswith(" failed")
    said = " ".join((ran.out + ran.err).split())
    assert mishaps.reader_crashed().message in said
    assert "reference" in said
    assert checked.code == 4
    assert mishaps.reader_crashed().message in " ".join((checked.out + checked.err).split())
