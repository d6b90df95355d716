"""Which submissions move on from one phase to the next. Pure functions of plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from .counting import Board, BoardRule, Mark, Scored, finalists, lines


class CarryOver(StrEnum):
    """What a phase takes over from each team: `carry_over` of `challenge.toml`."""

    NONE = "none"
    SELECTED = "selected"
    BEST = "best"
    LATEST = "latest"


class Fate(StrEnum):
    """What becomes of a submission in the phase that takes over."""

    NEW = "new"
    STAYS = "stays"
    RETURNS = "returns"
    SUPERSEDED = "superseded"


def chosen(
    scored: Sequence[Scored], carry_over: CarryOver, rule: BoardRule, *, disqualified: bool = False
) -> list[Scored]:
    """The submissions of one entry that move on; `rule` is that of the phase they come from.

    `selected` are those among which its private board takes the best (free places are filled by
    best public score), `best` is the best public score, `latest` the latest scored one. What came
    late or was disqualified never moves.
    """
    if disqualified or carry_over is CarryOver.NONE:
        return []
    if carry_over is CarryOver.SELECTED:
        return finalists(scored, rule)
    latest = carry_over is CarryOver.LATEST
    found = lines(scored, replace(rule, latest=latest, frozen_at=None))
    return [
        line.submission
        for line in found
        if line.board is Board.PUBLIC and line.mark in (None, Mark.GATE)
    ]


def last_team(team_id: str, merged_into: Mapping[str, str]) -> str:
    """The team that a team has become by merges; itself where it was not merged."""
    seen = {team_id}
    while (following := merged_into.get(team_id)) is not None and following not in seen:
        seen.add(following)
        team_id = following
    return team_id


def fates(chosen_ids: Iterable[str], present: Mapping[str, bool]) -> dict[str, Fate]:
    """What becomes of each submission, by its id in the phase it comes from.

    `present` are those that were carried before, and whether they are superseded. What needs no
    change because it is superseded already is left out.
    """
    wanted = dict.fromkeys(chosen_ids)
    found = {one: _fate(one, present) for one in wanted}
    left = [one for one, superseded in present.items() if one not in wanted and not superseded]
    return found | dict.fromkeys(left, Fate.SUPERSEDED)


def _fate(submission_id: str, present: Mapping[str, bool]) -> Fate:
    if submission_id not in present:
        return Fate.NEW
    return Fate.RETURNS if present[submission_id] else Fate.STAYS
