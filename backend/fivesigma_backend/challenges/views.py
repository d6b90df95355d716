"""What the pages of a challenge show of its phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fivesigma_scoring import METRICS, Metric

from .definition import LimitsDefinition, PhaseDefinition
from .models import Phase
from .rules import Window, window


@dataclass(frozen=True)
class PhaseView:
    """A phase as the overview shows it, with its times in the challenge's zone beside."""

    phase: Phase
    window: Window
    metric: Metric
    further: Sequence[Metric]
    options: Mapping[str, Any]
    totals: Mapping[str, float]
    limits: str
    counts: str
    unblinding: str
    opens_local: str
    closes_local: str | None


def phase_view(phase: Phase, timezone: str, now: datetime) -> PhaseView:
    """The view of `phase` at `now`."""
    definition = PhaseDefinition.model_validate(phase.definition)
    zone = ZoneInfo(timezone)
    names = definition.all_metrics
    return PhaseView(
        phase=phase,
        window=window(phase.opens_at, phase.closes_at, now),
        metric=METRICS[names[0]],
        further=[METRICS[name] for name in names[1:]],
        options=definition.options,
        totals=definition.normalise or {},
        limits=intake_text(definition),
        counts=counts_text(definition),
        unblinding=unblinding_text(definition),
        opens_local=_local(phase.opens_at, zone),
        closes_local=_local(phase.closes_at, zone) if phase.closes_at else None,
    )


def intake_text(phase: PhaseDefinition) -> str:
    """What a phase takes, in words: how many files, late ones, and those of an earlier phase."""
    which = {"selected": "finals", "best": "best public one", "latest": "latest one"}
    carried = f"each team's {which.get(phase.carry_over)} of “{phase.carry_from}”"
    if not phase.uploads:
        return f"no uploads; it takes over {carried}"
    text = limits_text(phase.limits)
    if phase.carry_over != "none":
        text += f"; {carried} besides"
    return f"{text}; late ones, unranked, once the private board is open" if phase.late else text


def limits_text(limits: LimitsDefinition) -> str:
    """The limits in words."""
    day = "calendar day" if limits.window == "calendar" else "24 hours"
    parts = [
        f"{limits.per_day} in {day}" if limits.per_day is not None else "",
        f"{limits.total} in total" if limits.total is not None else "",
        f"{limits.concurrent} at a time" if limits.concurrent is not None else "",
    ]
    return ", ".join(part for part in parts if part) or "unlimited"


def counts_text(phase: PhaseDefinition) -> str:
    """Which submissions count on the two boards, in words."""
    public = "latest" if phase.public_rule == "latest" else "best"
    if phase.finals == 0:
        private = "the best of all submissions"
    elif phase.finals == 1:
        private = "the submission that you select (else your best public one)"
    else:
        private = f"the best of {phase.finals} that you select (free places: best public scores)"
    return f"Public board: your {public} submission. Private board: {private}."


def unblinding_text(phase: PhaseDefinition) -> str:
    """When the private board opens, in words."""
    return {
        "at-close": "after the close, when everything is scored",
        "at": "at a fixed time",
        "manual": "when the organisers open it",
    }[phase.unblind]


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%-d %b %Y, %H:%M} {zone.key}"
