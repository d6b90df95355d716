"""Waiting for a score by long polls."""

from __future__ import annotations

import time
from collections.abc import Callable

from .answers import Submission
from .errors import Problem, StillWaiting

LONGEST_POLL = 50.0
SHORTEST_ROUND = 0.5
ROUND_WITHOUT_POLL = 2.0

Look = Callable[[float], Submission]
Follow = Callable[[Submission], None]


def wait_until_finished(look: Look, seconds: float, follow: Follow | None = None) -> Submission:
    """The submission once it is finished; `look(wait)` asks for it, `follow` sees each answer.

    Raises StillWaiting after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        one = _poll(look, min(LONGEST_POLL, max(0.0, deadline - began)))
        if follow is not None:
            follow(one)
        if one.finished:
            return one
        if time.monotonic() >= deadline:
            raise StillWaiting(one, seconds)
        # A server that is about to end answers at once: don't ask it without a pause.
        _sleep_until(min(began + SHORTEST_ROUND, deadline))


def _poll(look: Look, seconds: float) -> Submission:
    try:
        return look(seconds)
    except Problem as problem:
        if problem.status != 429:
            raise
    # The server lets only a few requests of one person wait: ask plainly, less often.
    time.sleep(min(ROUND_WITHOUT_POLL, seconds))
    return look(0)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
