"""Which submissions of an entry may still count as long as none is changed, only others come.

What is best of all, or among the finals, can only be displaced by what comes later; what it has
displaced stays out. So a new score is ranked among a handful, whatever a team has handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from .counting import Board, BoardRule, Line, Scored, finalists, lines

Others = Mapping[str, tuple[int, datetime]]
"""By group (`in_time`, `frozen`: in time before the freeze, `late`): how many, and the last one."""


@dataclass(frozen=True)
class Shortlist:
    """The submissions that may still count, by id, and how many `others` there are."""

    ids: frozenset[str] = frozenset()
    others: Others = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As `Entry.shortlist` keeps it."""
        others = {group: [count, last.isoformat()] for group, (count, last) in self.others.items()}
        return {"ids": sorted(self.ids), "others": others}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Shortlist:
        """What `as_json` gave."""
        others = stored["others"].items()
        return cls(
            frozenset(stored["ids"]),
            {group: (count, datetime.fromisoformat(last)) for group, (count, last) in others},
        )


NOBODY = Shortlist()


def shortlist(
    scored: Sequence[Scored],
    rule: BoardRule,
    before: Shortlist = NOBODY,
    *,
    disqualified: bool = False,
) -> tuple[list[Line], Shortlist]:
    """The lines of an entry, as `lines` has them for all of its submissions, and who may go on.

    `scored` are those of the shortlist `before` and all that came since.
    """
    found = lines(scored, rule, disqualified=disqualified)
    ids = {line.submission.submission_id for line in found}
    if rule.finals:
        ids |= {one.submission_id for one in finalists(scored, rule)}
    others = dict(before.others)
    for one in scored:
        if one.submission_id not in ids:
            for group in _groups(one, rule):
                others[group] = _joined(others.get(group), (1, one.submitted_at))
    return [_among(line, before.others) for line in found], Shortlist(frozenset(ids), others)


def _groups(one: Scored, rule: BoardRule) -> list[str]:
    if one.late:
        return [] if one.disqualified else ["late"]
    frozen = rule.frozen_at is not None and one.submitted_at < rule.frozen_at
    return ["in_time", "frozen"] if frozen else ["in_time"]


def _among(line: Line, others: Others) -> Line:
    """The line with the count and the last moment of all that led there."""
    group = "late" if line.late else "frozen" if line.board is Board.FROZEN else "in_time"
    count, last = _joined(others.get(group), (line.entries, line.last_submitted_at))
    return replace(line, entries=count, last_submitted_at=last)


def _joined(one: tuple[int, datetime] | None, other: tuple[int, datetime]) -> tuple[int, datetime]:
    return other if one is None else (one[0] + other[0], max(one[1], other[1]))
