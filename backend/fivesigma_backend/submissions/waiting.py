"""Answers that take their time: waiting for a score, and the stream of events of a live page.

Both hold no session and no thread while they wait, and end when the process is asked to.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator

from fastapi import Request
from sqlalchemy import select
from sse_starlette import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from ..core.errors import TooMany
from ..core.platform import Platform
from ..core.security import Actor
from ..core.web import client_address
from .models import Evaluation, Submission
from .rules import UNFINISHED

LONGEST_WAIT = 60.0
MOST_WAITS = 4
MOST_STREAMS = 8
# Visitors are known by their address alone, and a whole school may share one.
MOST_VISITORS = 256
FIRST_LOOK = 0.05
SLOWEST_LOOK = 0.5
LOOK_FOR_END = 0.5


class Seats:
    """How many of something one person may hold open at a time, in this process."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def seat(self, person: str) -> Iterator[None]:
        """Hold one open. Raises TooMany when all of this person's seats are taken."""
        if self._taken[person] >= self._most:
            raise TooMany(f"No more than {self._most} {self._what} at a time.")
        self._taken[person] += 1
        try:
            yield
        finally:
            self._taken[person] -= 1
            if not self._taken[person]:
                del self._taken[person]


WAITS = Seats(MOST_WAITS, "requests may wait for a score")
STREAMS = Seats(MOST_STREAMS, "live pages may be open")
VISITORS = Seats(MOST_VISITORS, "live pages may be open from one address")


async def wait_until_finished(
    request: Request, platform: Platform, submission_id: str, seconds: float
) -> None:
    """Return when the submission is neither queued nor being scored, or the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(seconds, LONGEST_WAIT)
    pause = FIRST_LOOK
    while loop.time() < deadline and not request.app.state.stopping.is_set():
        if await run_in_threadpool(_finished, platform, submission_id):
            return
        await asyncio.sleep(min(pause, max(0.0, deadline - loop.time())))
        pause = min(pause * 1.3, SLOWEST_LOOK)


def _finished(platform: Platform, submission_id: str) -> bool:
    with platform.db.read() as session:
        state = session.scalar(
            select(Evaluation.state)
            .join(Submission, Submission.evaluation_id == Evaluation.id)
            .where(Submission.id == submission_id)
        )
    return state not in UNFINISHED


async def event_stream(
    request: Request, platform: Platform, challenge_id: str, actor: Actor, team_id: str | None
) -> AsyncIterator[ServerSentEvent]:
    """Events of a challenge: board versions for everybody, submissions for their own team only.

    After a gap (a broker that was away) comes `resync`: read the page again.
    """
    seat = STREAMS.seat(actor.user_id) if actor.user_id else VISITORS.seat(client_address(request))
    with seat:
        events = platform.events.follow(challenge_id)
        upcoming = asyncio.ensure_future(anext(events))
        try:
            while not request.app.state.stopping.is_set():
                done, _ = await asyncio.wait({upcoming}, timeout=LOOK_FOR_END)
                if not done:
                    continue
                event = upcoming.result()
                upcoming = asyncio.ensure_future(anext(events))
                if event is None:
                    yield ServerSentEvent(json.dumps({"type": "resync"}))
                elif event.get("team") in (None, team_id):
                    yield ServerSentEvent(json.dumps(event))
        finally:
            upcoming.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await upcoming
            await events.aclose()
