"""Windows of phases, which are half-open `[opens, closes)`, and who may join: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar


class Window(StrEnum):
    """Where a phase is in time."""

    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"


class Timed(Protocol):
    """Something with a window, such as a phase."""

    @property
    def opens_at(self) -> datetime:
        """First moment inside."""

    @property
    def closes_at(self) -> datetime | None:
        """First moment after; None for never."""


TimedT = TypeVar("TimedT", bound=Timed)


def window(opens_at: datetime, closes_at: datetime | None, now: datetime) -> Window:
    """The state of the window `[opens_at, closes_at)` at `now`."""
    if closes_at is not None and now >= closes_at:
        return Window.CLOSED
    return Window.OPEN if now >= opens_at else Window.UPCOMING


def next_change(opens_at: datetime, closes_at: datetime | None, now: datetime) -> datetime | None:
    """When the window's state changes next; None when it never will."""
    match window(opens_at, closes_at, now):
        case Window.UPCOMING:
            return opens_at
        case Window.OPEN:
            return closes_at
        case Window.CLOSED:
            return None


def open_phases(phases: Iterable[TimedT], now: datetime) -> list[TimedT]:
    """The phases that are open, in their order. Who hands in must name one if there are two."""
    return [one for one in phases if window(one.opens_at, one.closes_at, now) is Window.OPEN]


def current_phase(phases: Iterable[TimedT], now: datetime) -> TimedT | None:
    """The phase that a page shows first.

    The open one (the first of several), else the next to open, else the last that closed.
    """
    every = list(phases)
    if now_open := open_phases(every, now):
        return now_open[0]
    upcoming = [one for one in every if one.opens_at > now]
    if upcoming:
        return min(upcoming, key=lambda one: one.opens_at)
    return max(every, key=lambda one: one.closes_at or one.opens_at, default=None)


def registration_policy(definition: Mapping[str, Any]) -> str:
    """How a challenge lets people in: open, approval, code or roster."""
    policy: str = definition.get("registration", {}).get("policy", "open")
    return policy


def banned_text(reason: str | None) -> str:
    """What somebody who was excluded reads."""
    because = f" The reason: {reason}" if reason else ""
    return f"You were excluded from this challenge.{because} Its organisers can undo this."
