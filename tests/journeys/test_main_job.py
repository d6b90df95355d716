"""The main job through HTTP, with the queue drained in-process."""

from __future__ import annotations

import pytest
from conftest import FrozenClock
from stories import Story

pytestmark = pytest.mark.stores


def test_a_file_is_handed_in_scored_and_ranked(story: Story) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    answer = ada.submit(story.prediction(0.5), message="a cut")
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["status"] == "queued"
    assert body["scores"] is None
    assert answer.headers["x-submissions-remaining"] == "4"
    assert ben.submit(story.prediction(-3.0)).status_code == 201

    assert story.drain() == 2
    mine = ada.get(f"/api/v1/submissions/{body['id']}").json()
    assert mine["status"] == "scored"
    assert set(mine["scores"]) == {"public"}
    assert mine["scores"]["public"]["ams"]["sigma"] > 0

    board = ada.board().json()
    assert [(row["rank"], row["team"], row["entries"]) for row in board["rows"]] == [
        (1, "ada", 1),
        (2, "ben", 1),
    ]
    assert board["state"] == "live"


def test_the_private_board_opens_when_the_phase_has_closed_and_settled(
    story: Story, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    sent = ada.submit(story.prediction(0.5)).json()
    story.drain()
    blind = ada.board(split="private")
    assert (blind.status_code, blind.json()["code"]) == (403, "blinded")

    clock.advance(days=30)
    assert ada.board().json()["state"] == "settling"
    story.tick()
    opened = ada.board(split="private").json()
    assert opened["state"] == "unblinded"
    assert opened["rows"][0]["team"] == "ada"
    assert set(ada.get(f"/api/v1/submissions/{sent['id']}").json()["scores"]) == {
        "public",
        "private",
    }
