"""A team's final place, and what another choice of finals would have given: pure functions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..submissions.counting import (
    BoardRule,
    Place,
    Scored,
    SplitScore,
    able,
    best_private,
    finalists,
)


@dataclass(frozen=True)
class Final:
    """Where a team stands at the end: `rank` of `of` ranked teams on the private board.

    `shared`: others have the same rank. `mark` says why there is none (`gate`, `late`,
    `disqualified`, `staff`, or `none` where the team has no score), `reason` what the organisers
    wrote. `public_rank` is its rank on the public board, `move` by how many places it has risen.
    """

    of: int
    rank: int | None = None
    shared: bool = False
    public_rank: int | None = None
    move: int | None = None
    mark: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Choice:
    """One submission, and the rank that it would have had as the only final; None for no rank."""

    submission_id: str
    private: SplitScore
    rank: int | None


@dataclass(frozen=True)
class Choices:
    """What each choice of finals would have given, the best first.

    `counted` is the submission that stands on the private board, `automatic` the one that would
    stand there had the team selected nothing; any choice with `best` in it would have been best.
    """

    every: tuple[Choice, ...]
    counted: str | None
    automatic: str | None
    best: str | None


def rank_among(others: Sequence[Place], place: Place) -> int:
    """The rank of `place` among the `others`, which are sorted, the worst first."""
    return len(others) - bisect_right(others, place) + 1


def choices_of(
    scored: Sequence[Scored], rule: BoardRule, others: Sequence[Place], *, ranked: bool = True
) -> Choices:
    """What each choice would have given against the places of the `others` that are ranked.

    `ranked` is False for a team that takes no rank whatever it chooses.
    """
    sorted_others = sorted(others)
    every = [
        Choice(
            one.submission_id,
            one.private,
            rank_among(sorted_others, one.private.place) if ranked and one.private.passes else None,
        )
        for one in able(scored)
        if one.private is not None
    ]
    every.sort(key=lambda one: (one.private.passes, one.private.place), reverse=True)
    unselected = [replace(one, selected=False) for one in scored]
    return Choices(
        every=tuple(every),
        counted=_id(best_private(finalists(scored, rule))),
        automatic=_id(best_private(finalists(unselected, rule))),
        best=_id(best_private(able(scored))),
    )


def _id(one: Scored | None) -> str | None:
    return None if one is None else one.submission_id


def in_words(final: Final, team: str, phase: str) -> str:
    """The team's final place in sentences."""
    if final.rank is None:
        why = UNRANKED[final.mark or "none"]
        because = f" The reason: {final.reason}" if final.reason else ""
        return f"Your team “{team}” {why} in “{phase}”.{because}"
    shares = "shares" if final.shared else "takes"
    text = f"Your team “{team}” {shares} {ordinal(final.rank)} place of {final.of} in “{phase}”."
    if final.public_rank is None:
        return text
    return f"{text} On the public board it was {ordinal(final.public_rank)}{_moved(final.move)}."


UNRANKED = {
    "gate": "is shown without a rank, since its result does not pass the gate,",
    "late": "is shown without a rank, since it handed in after the close,",
    "disqualified": "is disqualified and takes no rank",
    "staff": "takes no rank, since organisers are in it,",
    "none": "has no scored submission",
}


def _moved(move: int | None) -> str:
    if move is None:
        return ""
    if move == 0:
        return ", so it kept its place"
    way = "moved up" if move > 0 else "fell back"
    return f", so it {way} {abs(move)} {'place' if abs(move) == 1 else 'places'}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st …"""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
