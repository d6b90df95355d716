"""What counts in the end as things stand: the finals of a team in a phase. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .counting import BoardRule, Scored, finalists


@dataclass(frozen=True)
class Finals:
    """The submissions of a team among which the private board takes the best, by their ids.

    `places` is how many there may be, 0 where the best of all counts. `selected` were chosen by the
    team, `waiting` too but are not scored yet; `filled` have the best public scores of the rest.
    """

    places: int
    selected: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()

    @property
    def free(self) -> int:
        """How many more the team may select."""
        return max(0, self.places - len(self.selected) - len(self.waiting))


def finals_now(scored: Sequence[Scored], rule: BoardRule, waiting: Sequence[str] = ()) -> Finals:
    """The finals as things stand; `waiting` are selected submissions that are not scored yet."""
    if rule.finals == 0:
        return Finals(0)
    found = finalists(scored, rule)
    return Finals(
        places=rule.finals,
        selected=tuple(one.submission_id for one in found if one.selected),
        waiting=tuple(waiting),
        filled=tuple(one.submission_id for one in found if not one.selected),
    )


def in_words(finals: Finals, *, hidden: bool = False, may_select: bool = True) -> str:
    """What counts as things stand, in sentences.

    `hidden`: public scores may not be known; `may_select`: the team may still change its choice.
    """
    if finals.places == 0:
        return (
            "The best of all your team's submissions on the private events counts: there is "
            "nothing to select."
        )
    counting = _counting(finals, hidden=hidden)
    return f"{counting} {_room(finals)}" if may_select else counting


def _counting(finals: Finals, *, hidden: bool) -> str:
    rest = " of the rest" if finals.selected or finals.waiting else ""
    plural = "s" if len(finals.filled) > 1 else ""
    by_score = f"{len(finals.filled)} with the best public score{plural}{rest}"
    if hidden:
        by_score += " (which stays hidden)"
    parts = [
        f"{len(finals.selected)} that your team selected" if finals.selected else "",
        f"{len(finals.waiting)} selected but not scored yet" if finals.waiting else "",
        by_score if finals.filled else "",
    ]
    named = [part for part in parts if part]
    if not named:
        return "Nothing is scored yet, so nothing counts."
    if len(finals.selected) + len(finals.waiting) + len(finals.filled) == 1:
        return f"As things stand, one submission counts on the private events: {named[0]}."
    return f"As things stand, the best of these on the private events counts: {_list(named)}."


def _room(finals: Finals) -> str:
    most = f"{finals.places} final {'submission' if finals.places == 1 else 'submissions'}"
    if finals.places == 1 and finals.free == 0:
        return "Your team has selected its final submission; to select another, unselect it first."
    if finals.free == 0:
        return f"Your team has selected all of its {most}; to select another, unselect one first."
    more = f"{finals.free} more" if finals.free < finals.places else f"up to {most}"
    return f"Your team may select {more}; free places are filled by best public score."


def _list(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
