"""Event streams and long waits, over a real Valkey: what they tell, to whom, and how they end."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import Request
from fivesigma_backend.challenges.models import Challenge
from fivesigma_backend.core.errors import TooMany
from fivesigma_backend.core.security import Actor
from fivesigma_backend.submissions.waiting import Seats, event_stream
from sqlalchemy import select
from stories import API, Story

ADA = Actor(user_id="ada")


def request_of(story: Story) -> Request:
    return Request({"type": "http", "app": story.web.app, "headers": []})


def challenge_id(story: Story) -> str:
    with story.platform.db.read() as session:
        return session.scalars(select(Challenge.id)).one()


async def told(stream: AsyncIterator[Any]) -> dict[str, Any]:
    event = await asyncio.wait_for(anext(stream), 20)
    found: dict[str, Any] = json.loads(event.data)
    return found


def test_a_stream_tells_boards_to_all_and_submissions_to_their_team(story: Story) -> None:
    where = challenge_id(story)

    async def follow() -> list[dict[str, Any]]:
        stream = event_stream(request_of(story), story.platform, where, ADA, "ours")
        heard = [await told(stream)]
        for team in ("theirs", "ours"):
            event = {"type": "submission", "id": f"of {team}", "state": "scored", "team": team}
            story.platform.events.publish(where, event)
        story.platform.events.publish(where, {"type": "board", "phase": "final", "version": 2})
        heard += [await told(stream), await told(stream)]
        await stream.aclose()  # type: ignore[attr-defined]
        return heard

    heard = asyncio.run(follow())
    assert [one["type"] for one in heard] == ["resync", "submission", "board"]
    assert heard[1]["id"] == "of ours"


def test_scoring_tells_states_and_versions_but_no_values(story: Story) -> None:
    where = challenge_id(story)
    ada = story.person("ada")
    team = ada.submit(story.prediction(0.5)).json()["team"]
    assert team == "ada"

    async def follow() -> list[dict[str, Any]]:
        events = story.platform.events.follow(where)
        assert await asyncio.wait_for(anext(events), 20) is None
        await asyncio.to_thread(story.drain)
        heard = [await asyncio.wait_for(anext(events), 20) for _ in range(3)]
        await events.aclose()
        return [one for one in heard if one is not None]

    heard = asyncio.run(follow())
    assert [one.get("state") or one["type"] for one in heard] == ["scoring", "scored", "board"]
    allowed = {"type", "id", "state", "team", "phase", "version"}
    assert all(set(one) <= allowed for one in heard)


def test_a_stream_ends_when_the_process_is_asked_to(story: Story) -> None:
    where = challenge_id(story)
    stopping: threading.Event = story.web.app.state.stopping

    async def follow() -> int:
        stream = event_stream(request_of(story), story.platform, where, Actor(), None)
        await told(stream)
        stopping.set()
        return len([event async for event in stream])

    assert asyncio.run(follow()) == 0


def test_one_person_holds_a_few_seats_and_gets_them_back() -> None:
    seats = Seats(2, "live pages may be open")
    with seats.seat("ada"), seats.seat("ada"):
        with pytest.raises(TooMany, match="No more than 2 live pages"), seats.seat("ada"):
            pass
        with seats.seat("ben"):
            pass
    with seats.seat("ada"):
        pass


def test_waiting_answers_as_soon_as_the_score_is_there(story: Story) -> None:
    ada = story.person("ada")
    worker = threading.Timer(0.5, story.drain)
    worker.start()
    answer = ada.submit(story.prediction(0.5), params={"wait": 60})
    worker.join()
    assert answer.json()["status"] == "scored"


def test_a_wait_that_is_over_answers_the_present_state(story: Story) -> None:
    ada = story.person("ada")
    began = time.monotonic()
    answer = ada.submit(story.prediction(0.5), params={"wait": 0.3})
    assert answer.json()["status"] == "queued"
    assert time.monotonic() - began >= 0.3
    path = f"{API}/challenges/tiny/submissions"
    too_long = ada.post(path, params={"wait": 61}, files={"file": ("a.csv", b"x")})
    assert too_long.status_code == 422
