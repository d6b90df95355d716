"""How a board ranks, in words for the people on it."""

from __future__ import annotations

from collections.abc import Sequence

from fivesigma_scoring import METRICS

from ..challenges.columns import column_of
from ..challenges.definition import PhaseDefinition
from .rules import Split


def ranking_rule(definition: PhaseDefinition, split: Split, finals: Sequence[str] = ()) -> str:
    """How this board ranks, in a few sentences for the people on it."""
    metric = METRICS[definition.metric]
    if split == "public":
        which = "latest submission" if definition.public_rule == "latest" else "best public score"
        counts = f"each team's {which} counts"
    elif definition.finals == 0:
        counts = "each team's best private score counts"
    elif definition.finals == 1:
        counts = "each team's final submission counts (by default that with the best public score)"
    else:
        counts = (
            f"the best private score among each team's {definition.finals} final submissions "
            "counts (free places are filled by best public score)"
        )
    return (
        f"Ranked by {metric.title}, {metric.direction}; {counts}. {_gates(definition)}"
        f"Equal scores {_ties(definition)}share a rank and are listed by earlier submission."
        f"{_elsewhere(finals)}"
    )


def _elsewhere(finals: Sequence[str]) -> str:
    """Where winners are decided, told from the first day on: people forget it otherwise."""
    names = " and ".join(f"“{title}”" for title in finals)
    return f" Winners are not decided here: {names} scores these entries anew." if finals else ""


def _gates(definition: PhaseDefinition) -> str:
    if not definition.gates:
        return ""
    bounds = [f"{column_of(one.metric).title} {one.op} {one.bound:g}" for one in definition.gates]
    return f"Only what has {' and '.join(bounds)} is ranked. "


def _ties(definition: PhaseDefinition) -> str:
    titles = [METRICS[name].title for name in definition.tie_break]
    return f"are separated by {', then '.join(titles)}; what is still equal " if titles else ""
