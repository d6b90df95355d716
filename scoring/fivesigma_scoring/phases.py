"""Checks of a phase's settings against the registry."""

import re
from collections.abc import Mapping
from typing import Any

from fivesigma_scoring.metric import Metric, Options
from fivesigma_scoring.registry import METRICS, SCORER_VERSIONS, names_of
from fivesigma_scoring.settings import PhaseScoring
from fivesigma_scoring.solution_files import SolutionError

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
VARIANT_RANKS = ("nominal", "mean", "worst")


def check_phase(phase: PhaseScoring, kind: str) -> list[Metric]:
    """The metrics of a phase, after a check of its settings.

    Raises
    ------
    SolutionError
        Kind, slug, a metric or an option is unknown.

    """
    if kind not in SCORER_VERSIONS:
        raise SolutionError(f"Unknown kind {kind!r}; known: {', '.join(SCORER_VERSIONS)}.")
    if not SLUG.fullmatch(phase.slug):
        raise SolutionError(f"The phase slug {phase.slug!r} may hold a-z, 0-9 and - only.")
    if phase.variant_rank not in VARIANT_RANKS:
        known = ", ".join(VARIANT_RANKS)
        raise SolutionError(f"Phase {phase.slug}: variant_rank must be one of {known}.")
    names = [name for name, metric in METRICS.items() if metric.kind == kind]
    for name in phase.names():
        if name not in names:
            known = ", ".join(names_of(kind))
            raise SolutionError(f"Unknown metric {name!r}; {kind} has {known}.")
    metrics = [METRICS[name] for name in phase.names()]
    for name in phase.options:
        if not any(name in metric.options for metric in metrics):
            raise SolutionError(f"Phase {phase.slug}: none of its metrics has an option {name!r}.")
    try:
        with_options(metrics, phase.options)
    except ValueError as error:
        raise SolutionError(f"Phase {phase.slug}: {error}") from error
    return metrics


def with_options(metrics: list[Metric], options: Mapping[str, Any]) -> list[tuple[Metric, Options]]:
    """Each metric with those options of a phase that it knows.

    Raises
    ------
    ValueError
        An option has no sensible value.

    """
    return [
        (one, one.settings({name: options[name] for name in options if name in one.options}))
        for one in metrics
    ]
