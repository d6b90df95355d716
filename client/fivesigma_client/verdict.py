"""What a submission came to, as an exit code; and the bounds that CI puts on its score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from .answers import Challenge, Submission
from .invocation import phase_of
from .output import plain

DONE, REJECTED, FAILED, UNDER = 0, 4, 5, 8
LONGEST_WAIT = 7 * 24 * 3600
BY_STATUS = {"rejected": REJECTED, "failed": FAILED, "cancelled": FAILED}


@dataclass(frozen=True)
class Bound:
    """The worst public score of a metric that is good enough."""

    metric: str
    value: float
    higher_is_better: bool
    by_magnitude: bool = False

    def holds(self, score: Any) -> bool:
        """Whether `score` is a number and no worse than the bound."""
        if (
            isinstance(score, bool)
            or not isinstance(score, int | float)
            or not math.isfinite(score)
        ):
            return False
        reached: float = abs(score) if self.by_magnitude else score
        return reached >= self.value if self.higher_is_better else reached <= self.value


class BoundType(click.ParamType[Bound]):
    """`METRIC=VALUE`."""

    name = "METRIC=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Bound:
        """The bound, with the direction of its metric."""
        if isinstance(value, Bound):
            return value
        from fivesigma_scoring.registry import METRICS, names_of

        name, _, number = str(value).partition("=")
        if name not in METRICS:
            self.fail(f"{name!r} is no metric; there are {', '.join(names_of())}.", param, ctx)
        try:
            bound = float(number)
        except ValueError:
            bound = math.nan
        if not math.isfinite(bound):
            self.fail(f"{number!r} is no number; write it as {name}=1.5.", param, ctx)
        metric = METRICS[name]
        return Bound(name, bound, metric.higher_is_better, metric.by_magnitude)


class SecondsType(click.ParamType[float]):
    """How long to wait."""

    name = "SECONDS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds as a number."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= LONGEST_WAIT:
            self.fail(
                f"{value!r} is no number of seconds; write --wait=600, or --wait at the end.",
                param,
                ctx,
            )
        return seconds


def check_bounds(bounds: Sequence[Bound], challenge: Challenge, phase_slug: str | None) -> None:
    """Refuse a bound that could not be judged, before it costs a submission."""
    phase = phase_of(challenge.phases, phase_slug)
    known = (phase.metric, *phase.metrics)
    for bound in bounds:
        if bound.metric not in known:
            raise click.UsageError(
                f"The phase {plain(phase.slug)} does not score {bound.metric}; it scores "
                f"{plain(', '.join(known))}."
            )


def exit_code(submission: Submission) -> int:
    """0 scored or still on its way, 4 refused, 5 the scorer failed or it was taken back."""
    return BY_STATUS.get(submission.status, DONE)


def missed(submission: Submission, bounds: Sequence[Bound]) -> list[str]:
    """The bounds that the public scores do not reach, in words; none where scores are hidden."""
    if submission.scores is None:
        return []
    public = submission.scores.get("public", {})
    return [
        f"{bound.metric} is {public.get(bound.metric, {}).get('value')}, "
        f"{'under' if bound.higher_is_better else 'over'} {bound.value:g}."
        for bound in bounds
        if not bound.holds(public.get(bound.metric, {}).get("value"))
    ]
