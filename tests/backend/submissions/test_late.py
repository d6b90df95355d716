"""Late files: taken once the phase is unblinded, scored on both splits, never ranked."""

from __future__ import annotations

from pathlib import Path

import pytest
from challenge_folder import tiny_toml
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.core.platform import Platform
from pairs import begin_pair, phase_of
from people import Browser
from stories import API, Story, begin_story

pytestmark = pytest.mark.stores


@pytest.fixture
def tardy(platform: Platform, web: TestClient, tmp_path: Path) -> Story:
    """The tiny challenge, which takes late files."""
    phase = tiny_toml()["phases"][0] | {"late": True, "limits": {"per_day": 2, "total": 3}}
    return begin_story(platform, web, tmp_path / "tiny", phases=[phase])


def test_a_late_file_is_refused_until_the_board_is_open_then_scored_and_not_ranked(
    tardy: Story, clock: FrozenClock
) -> None:
    ada, bob = tardy.person("ada"), tardy.person("bob")
    ada.submit(tardy.prediction(-0.5))
    bob.submit(tardy.prediction(-1.0))
    clock.advance(days=20)
    blind = ada.submit(tardy.prediction(0.5), phase="final").json()
    assert blind["code"] == "closed"
    assert "takes late files once its private board is open" in blind["detail"]
    tardy.drain()
    tardy.tick()
    unblinded = phase_of(tardy, "final").unblinded_at
    assert unblinded == clock()

    late = ada.submit(tardy.prediction(0.5))
    assert late.status_code == 201
    tardy.drain()
    shown = ada.get(f"{API}/submissions/{late.json()['id']}").json()
    assert shown["late"] is True
    assert set(shown["scores"]) == {"public", "private"}
    exact = shown["scores"]["private"]["ams"]["value"]
    assert round(exact, 3) != exact
    for split in ("public", "private"):
        rows = ada.board(split=split).json()["rows"]
        assert [(row["team"], row["rank"]) for row in rows if row["late"]] == [("ada", None)]
        assert sorted(row["rank"] for row in rows if not row["late"]) == [1, 2]
    tardy.tick()
    assert phase_of(tardy, "final").unblinded_at == unblinded
    chosen = ada.patch(f"{API}/submissions/{late.json()['id']}", json={"selected": True})
    assert chosen.status_code == 403

    browser = Browser(tardy.web).log_in(tardy.platform, tardy.user("ada"))
    assert "shown on the board without a rank" in browser.get("/challenges/tiny/submit").text
    assert ">late<" in browser.get("/challenges/tiny/leaderboard").text
    assert ">late<" in browser.get("/challenges/tiny/submissions").text
    assert "not ranked" in browser.get(f"/submissions/{late.json()['id']}").text


def test_the_limits_are_the_same_for_late_files(tardy: Story, clock: FrozenClock) -> None:
    ada = tardy.person("ada")
    ada.submit(tardy.prediction(-0.5))
    tardy.drain()
    clock.advance(days=30)
    tardy.tick()
    answers = []
    for n in range(3):
        answers.append(ada.submit(tardy.prediction(n / 10)).status_code)
        tardy.drain()
    assert answers == [201, 201, 429]
    clock.advance(days=2)
    last = ada.submit(tardy.prediction(0.7))
    assert (last.status_code, last.json()["rule"]) == (429, "total")


def test_without_late_a_closed_phase_stays_closed(story: Story, clock: FrozenClock) -> None:
    ada = story.person("ada")
    clock.advance(days=30)
    story.tick()
    assert ada.submit(story.prediction(0.5)).json()["code"] == "closed"
    assert "All phases" in ada.submit(story.prediction(0.5)).json()["detail"]


def test_an_open_phase_comes_first_and_a_late_one_can_be_named(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    story = begin_pair(platform, web, tmp_path / "tiny", first={"late": True}, then={"late": True})
    ada = story.person("ada")
    ada.submit(story.prediction(0.3))
    clock.advance(days=10)
    story.drain()
    story.tick()
    assert phase_of(story, "first").unblinded_at == clock()
    assert ada.submit(story.prediction(0.1)).json()["phase"] == "next"
    late = ada.submit(story.prediction(0.2), phase="first").json()
    assert (late["phase"], late["late"]) == ("first", True)
    clock.advance(days=10)
    story.drain()
    story.tick()
    both = ada.submit(story.prediction(0.4))
    assert (both.status_code, both.json()["code"]) == (400, "phase")
    assert both.json()["detail"].endswith("Name one of them: first, next.")
