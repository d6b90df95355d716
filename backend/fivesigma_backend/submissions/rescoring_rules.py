"""When a new generation of evaluations may take over, and who moves. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .counting import Place
from .rules import State

LONGEST_REASON = 500
SWITCHED, CANCELLED = "switched", "cancelled"


@dataclass(frozen=True)
class Progress:
    """How far a re-scoring is: its evaluations by state; `lacking` if some are yet to be queued."""

    counts: Mapping[str, int]
    lacking: bool = False

    def of(self, *states: State) -> int:
        """How many evaluations are in one of the states."""
        return sum(self.counts.get(state, 0) for state in states)

    @property
    def total(self) -> int:
        """How many submissions are to be scored again."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """How many have an answer: scores, or findings that refuse the file."""
        return self.of(State.SCORED, State.REJECTED)

    @property
    def failed(self) -> int:
        """How many ended without an answer."""
        return self.of(State.FAILED)

    @property
    def waiting(self) -> int:
        """How many are still to be worked on."""
        return self.of(State.QUEUED, State.SCORING)

    @property
    def finished(self) -> bool:
        """Whether no more answers are to come by themselves."""
        return not self.waiting and not self.lacking

    @property
    def ready(self) -> bool:
        """Whether the new generation takes over by itself."""
        return self.finished and not self.failed


@dataclass(frozen=True)
class Move:
    """A team's rank on one board before and after; None where it has none."""

    team: str
    before: int | None
    after: int | None


def competition_ranks(places: Mapping[str, Place]) -> dict[str, int]:
    """Ranks 1, 1, 3 by place, larger is better."""
    ordered = sorted(places.values(), reverse=True)
    first: dict[Place, int] = {}
    for position, place in enumerate(ordered, 1):
        first.setdefault(place, position)
    return {team: first[place] for team, place in places.items()}


def moves(before: Mapping[str, Place], after: Mapping[str, Place]) -> Sequence[Move]:
    """Every team's rank on both boards, in the order of the new one."""
    old, new = competition_ranks(before), competition_ranks(after)
    found = [Move(team, old.get(team), new.get(team)) for team in {*old, *new}]
    last = len(found) + 1
    return sorted(found, key=lambda one: (one.after or last, one.before or last, one.team))
