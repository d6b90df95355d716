"""Figures are made beside scoring: the real sandbox and drawing process, and what fails of them."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import FrozenClock
from figure_rows import change_figures, figure_rows, figures_state, plant_figures, steps
from fivesigma_backend.core.sandbox import (
    JobCancelled,
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    SandboxUnavailable,
)
from fivesigma_backend.submissions.models import Evaluation
from fivesigma_worker import artist
from fivesigma_worker.app import QUEUES
from fivesigma_worker.artist import Stopped, draw_all
from fivesigma_worker.figures import drain_figures
from fivesigma_worker.tasks import TASKS
from server_processes import eventually
from sqlalchemy import select, update
from stories import API, Story

SVG, PNG = b"<?xml", b"\x89PNG\r\n"
RUNG = ("fivesigma.figures", "figures")


class Sandbox:
    """The real one for scores; for figures it does as told."""

    def __init__(self, real: Any, figures: Callable[[], dict[str, Any]]) -> None:
        self.real, self.figures = real, figures

    def run(self, job: str, *arguments: Any, **options: Any) -> Any:
        self.options = options
        return self.figures() if job == "figures" else self.real.run(job, *arguments, **options)


def told(story: Story, figures: Callable[[], dict[str, Any]]) -> Sandbox:
    """Have the sandbox answer for figures as `figures` does."""
    sandbox = Sandbox(story.platform.sandbox, figures)
    story.platform = dataclasses.replace(story.platform, sandbox=sandbox)  # type: ignore[arg-type]
    return sandbox


def raising(error: Exception) -> Callable[[], dict[str, Any]]:
    def fail() -> dict[str, Any]:
        raise error

    return fail


def drain(story: Story) -> int:
    return drain_figures(story.platform, threading.Event())


@pytest.fixture
def scored(story: Story) -> str:
    """A scored submission of ada's; its id."""
    identity: str = story.person("ada").submit(story.prediction()).json()["id"]
    story.drain()
    return identity


@pytest.fixture
def events(story: Story, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What live pages are told."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(
        story.platform.events, "publish", lambda _challenge, event: told.append(event)
    )
    return told


def test_a_scored_file_gets_pictures_from_the_real_sandbox_and_drawing_process(
    story: Story, scored: str, events: list[dict[str, Any]]
) -> None:
    bell: Any = story.platform.bell
    assert bell.rung[-1] == RUNG
    assert drain(story) == 2
    assert {(row.split, row.detail) for row in figure_rows(story)} >= {
        ("public", "participant_blind"),
        ("private", "organiser"),
    }
    for row in figure_rows(story):
        assert row.wanted == (row.detail == "participant_blind")
        assert set(row.images or {}) == ({*_PICTURES} if row.wanted else set())
        for form, sha256 in (row.images or {}).items():
            start = story.platform.storage.local(sha256).read_bytes()[:6]
            assert start.startswith(SVG if form.endswith("svg") else PNG)
    assert {tuple(sorted(event)) for event in events} == {("id", "team", "type")}
    assert (events[-1]["type"], events[-1]["id"]) == ("figures", scored)
    assert figures_state(story) == ("made", 0)
    assert list(story.platform.storage.spool.glob("drawing-*")) == []


_PICTURES = ("light.svg", "light.png", "dark.svg", "dark.png")


def test_a_doubled_bell_and_one_without_work_do_no_harm(story: Story, scored: str) -> None:
    del scored
    told(story, lambda: {"figures": []})
    assert [drain(story) for _ in range(3)] == [1, 0, 0]


def test_a_slow_figure_never_delays_a_score(story: Story, scored: str) -> None:
    """With the only slot for scoring: a figure in the making holds none."""
    del scored
    begun, released = threading.Event(), threading.Event()

    def slow() -> dict[str, Any]:
        begun.set()
        assert released.wait(60)
        return {"figures": []}

    told(story, slow)
    slots = threading.BoundedSemaphore(1)
    story.platform = dataclasses.replace(story.platform, slots=slots)
    drawing = threading.Thread(target=drain, args=(story,))
    drawing.start()
    try:
        assert begun.wait(60)
        ben = story.person("ben")
        sent = ben.submit(story.prediction(0.3)).json()["id"]
        assert story.drain() == 1
        assert ben.get(f"{API}/submissions/{sent}").json()["status"] == "scored"
        assert figures_state_of(story, sent) == "due"
        assert drain(story) == 0  # a second bell finds this process busy with figures
    finally:
        released.set()
        drawing.join()
    assert figures_state_of(story, sent) == "made"


def figures_state_of(story: Story, submission: str) -> str | None:
    with story.platform.db.read() as session:
        of_it = select(Evaluation.figures_state).where(Evaluation.submission_id == submission)
        return session.scalars(of_it).one()


def test_nothing_is_begun_while_something_waits_to_be_scored(story: Story, scored: str) -> None:
    told(story, lambda: {"figures": []})
    story.person("ben").submit(story.prediction(0.3))
    assert drain(story) == 0
    assert figures_state_of(story, scored) == "due"
    story.drain()
    assert drain(story) == 2


def test_the_job_steps_back_and_has_the_limits_of_scoring(story: Story, scored: str) -> None:
    del scored
    sandbox = told(story, lambda: {"figures": []})
    drain(story)
    limits, settings = sandbox.options["limits"], story.platform.settings
    assert (limits.nice, limits.memory_bytes) == (19, settings.scoring_memory)


@pytest.mark.parametrize("failure", [JobCrashed, JobTimedOut, JobOutOfMemory])
def test_a_scorer_that_dies_over_figures_is_tried_three_times_and_the_score_stays(
    story: Story, scored: str, failure: type[Exception]
) -> None:
    told(story, raising(failure("died")))
    assert drain(story) == 3
    assert figures_state(story)[0] == "failed"
    ada = story.token("ada")
    found = story.web.get(
        f"{API}/submissions/{scored}", headers={"Authorization": f"Bearer {ada}"}
    ).json()
    assert (found["status"], found["findings"]) == ("scored", [])


FIGURE = steps().as_json()
PLACE = {"split": "public", "detail": "participant_blind"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"figures": "none"},
        {"figures": [None]},
        {"figures": [{"split": "public", "figure": FIGURE}]},
        {"figures": [PLACE | {"figure": FIGURE | {"title": 5}}]},
        {"figures": [PLACE | {"figure": FIGURE, "split": "ignored"}]},
        {"figures": [PLACE | {"figure": FIGURE, "detail": "everybody"}]},
        {"figures": [PLACE | {"figure": FIGURE | {"name": "../../etc"}}]},
        {"figures": [PLACE | {"figure": FIGURE}] * 2},
        {"figures": [PLACE | {"figure": FIGURE}] * 201},
    ],
)
def test_what_a_child_says_is_not_believed(
    story: Story, scored: str, answer: dict[str, Any]
) -> None:
    del scored
    told(story, lambda: answer)
    drain(story)
    assert figures_state(story)[0] == "failed"
    assert figure_rows(story) == []


def test_a_broken_sandbox_is_left_alone_until_the_lease_ends(
    story: Story, scored: str, clock: FrozenClock
) -> None:
    del scored
    real = told(story, raising(SandboxUnavailable("broken")))
    assert drain(story) == 0
    assert drain(story) == 0
    assert figures_state(story) == ("due", 1)
    clock.advance(seconds=31)
    real.figures = lambda: {"figures": []}
    bell: Any = story.platform.bell
    bell.rung.clear()
    story.tick()
    assert bell.rung == [RUNG]
    assert drain(story) == 1
    assert figures_state(story) == ("made", 0)


def test_a_worker_that_is_stopped_gives_figures_back(story: Story, scored: str) -> None:
    del scored
    stopping = threading.Event()

    def stopped() -> dict[str, Any]:
        stopping.set()
        assert sandbox.options["cancelled"]()
        raise JobCancelled("stopped")

    sandbox = told(story, stopped)
    assert drain_figures(story.platform, stopping) == 0
    assert figures_state(story) == ("due", 0)


def test_the_tick_gives_up_what_killed_every_worker_and_tells_the_page(
    story: Story, scored: str, events: list[dict[str, Any]]
) -> None:
    with story.platform.db.transaction() as session:
        session.execute(update(Evaluation).values(figures_tries=3, figures_attempt=3))
    bell: Any = story.platform.bell
    bell.rung.clear()
    story.tick()
    assert figures_state(story)[0] == "failed"
    assert [(event["type"], event["id"]) for event in events] == [("figures", scored)]
    assert bell.rung == []


def test_scoring_is_rung_for_before_figures(story: Story, scored: str) -> None:
    del scored
    story.person("ben").submit(story.prediction(0.3))
    bell: Any = story.platform.bell
    bell.rung.clear()
    story.tick()
    assert bell.rung == [("fivesigma.score", "score")]


def test_every_worker_listens_for_the_bell() -> None:
    assert TASKS[RUNG[0]] is drain_figures
    assert RUNG[1] in QUEUES


def test_a_figure_that_cannot_be_drawn_spoils_no_other(story: Story, scored: str) -> None:
    """The real process, with a figure that no scorer of ours would make among good ones."""
    del scored
    plant_figures(story, drawn=False)
    change_figures(story, wanted=True)
    bad = figure_rows(story)[1]
    with story.platform.db.transaction() as session:
        session.merge(bad).data = {"name": "score", "title": "No figure"}
        session.execute(update(Evaluation).values(figures_state="drawing"))
    assert drain(story) == 3
    assert [row.images is not None for row in figure_rows(story)] == [True, False, True, True, True]
    assert [row.attempts for row in figure_rows(story)] == [0, 3, 0, 0, 0]
    assert figures_state(story) == ("made", 0)


def never() -> bool:
    return False


@pytest.fixture
def fonts(tmp_path: Path) -> Path:
    folder = tmp_path / "fonts"
    folder.mkdir()
    return folder


def script(tmp_path: Path, body: str) -> tuple[str, ...]:
    """A drawing process that does as told."""
    path = tmp_path / "drawing.py"
    path.write_text(f"import json, os, sys, time\n{body}\n")
    return (sys.executable, "-P", str(path))


ANSWER = 'print(json.dumps({"name": "0", "images": {"light.svg": "0.light.svg"}}), flush=True)'


def places(folder: Path, fonts: Path, command: tuple[str, ...], count: int = 3) -> list[Any]:
    return list(draw_all([FIGURE] * count, folder, fonts, never, command))


@pytest.mark.parametrize(
    "body",
    [
        "os._exit(3)",
        "print('nonsense', flush=True); time.sleep(600)",
        "print('[1]', flush=True); time.sleep(600)",
        "sys.stdin.close(); os.close(0); os._exit(1)",
        "sys.stdout.write('x' * 2_000_000); sys.stdout.flush(); time.sleep(600)",
    ],
    ids=["dies", "nonsense", "no object", "deaf", "endless"],
)
def test_a_process_that_misbehaves_ends_the_batch_at_its_figure(
    tmp_path: Path, fonts: Path, body: str
) -> None:
    command = script(tmp_path, f"sys.stdin.readline()\n{ANSWER}\nsys.stdin.readline()\n{body}")
    assert places(tmp_path, fonts, command) == [(0, {"light.svg": "0.light.svg"}), (1, None)]


def test_a_process_that_takes_too_long_is_killed(
    tmp_path: Path, fonts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artist, "SECONDS_PER_FIGURE", 0.5)
    assert places(tmp_path, fonts, script(tmp_path, "time.sleep(600)")) == [(0, None)]
    assert drawing_processes(tmp_path) == []


def drawing_processes(folder: Path) -> list[psutil.Process]:
    """What still runs of `folder`'s script."""
    script = str(folder / "drawing.py")
    return [one for one in psutil.Process().children() if script in one.cmdline()]


def test_stopping_kills_the_process_in_the_middle(tmp_path: Path, fonts: Path) -> None:
    pid = tmp_path / "pid"
    body = "open('new', 'w').write(str(os.getpid())); os.rename('new', 'pid'); time.sleep(600)"
    drawing = draw_all([FIGURE], tmp_path, fonts, pid.exists, script(tmp_path, body))
    with pytest.raises(Stopped):
        next(drawing)
    assert not psutil.pid_exists(int(pid.read_text()))


def test_it_inherits_nothing_of_the_environment(
    tmp_path: Path, fonts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIVESIGMA_SECRET_KEY", "swordfish")
    body = f"open('environment', 'w').write(repr(dict(os.environ)))\n{ANSWER}"
    places(tmp_path, fonts, script(tmp_path, body), count=1)
    found = (tmp_path / "environment").read_text()
    assert "swordfish" not in found
    assert "FIVESIGMA" not in found


def test_it_ends_with_the_worker_and_steps_back(tmp_path: Path) -> None:
    with subprocess.Popen(
        artist.COMMAND, cwd=tmp_path, stdin=subprocess.PIPE, env={"PATH": os.defpath}
    ) as orphan:
        assert orphan.stdin is not None
        eventually(lambda: psutil.Process(orphan.pid).nice() == 19)
        orphan.stdin.close()
        assert orphan.wait(60) == 0


def test_a_killed_process_costs_one_figure_one_try(
    story: Story, scored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del scored
    plant_figures(story, drawn=False)
    change_figures(story, wanted=True)
    with story.platform.db.transaction() as session:
        session.execute(update(Evaluation).values(figures_state="drawing"))
    real = artist._Conversation.ask
    killed: list[int] = []

    def kill_once(self: Any, line: bytes) -> Any:
        if not killed and b'"name": "1"' in line:
            children = psutil.Process().children()
            victim = next(one for one in children if "fivesigma_worker.drawing" in one.cmdline())
            victim.send_signal(signal.SIGKILL)
            killed.append(victim.pid)
        return real(self, line)

    monkeypatch.setattr(artist._Conversation, "ask", kill_once)
    assert drain(story) == 2
    assert len(killed) == 1
    assert [row.attempts for row in figure_rows(story)] == [0, 1, 0, 0, 0]
    assert all(row.images for row in figure_rows(story))
