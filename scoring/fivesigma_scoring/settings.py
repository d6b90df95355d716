"""Settings of test sets and phases as scoring needs them, and what compiling reports back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fivesigma_scoring.metric import Metric
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.registry import METRICS, SCORER_VERSIONS
from fivesigma_scoring.solution_files import SolutionError

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class SplitSpec:
    """A split to be drawn once; see `splits.make_usage`. `stratify` and `group` name columns."""

    public: float
    seed: int
    stratify: bool | str = True
    group: str | None = None


@dataclass(frozen=True)
class TestSetSpec:
    """Settings of a test set.

    Attributes
    ----------
    kind
        Metric family.
    min_selected, max_bytes, max_expanded_bytes
        As in `prediction.PredictionFormat`.
    usage
        Usage column of every phase, or of each by its slug.
    split
        Drawn instead of read from a usage column.
    group
        Column whose equal values mark rows of one physical event.

    """

    __test__ = False

    kind: str = "selection"
    min_selected: int = 0
    max_bytes: int = PredictionFormat.max_bytes
    max_expanded_bytes: int = PredictionFormat.max_expanded_bytes
    usage: str | Mapping[str, str] = "usage"
    split: SplitSpec | None = None
    group: str | None = None


@dataclass(frozen=True)
class PhaseScoring:
    """How a phase scores.

    Attributes
    ----------
    slug
        Name of the phase.
    metric, metrics
        Ranking metric and further columns.
    options
        Metric options; each goes to the metrics that know it.
    normalise
        Class (``s``, ``b``) to declared total per split.
    usage
        Usage column of this phase; None takes the test set's.

    """

    slug: str
    metric: str
    metrics: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    normalise: Mapping[str, float] | None = None
    usage: str | None = None

    def names(self) -> list[str]:
        """Ranking metric first, each metric once."""
        return list(dict.fromkeys([self.metric, *self.metrics]))


@dataclass(frozen=True)
class SplitSummary:
    """One split of one phase: events, sums of weights as read, factors to the declared totals."""

    n: int
    n_signal: int
    n_background: int
    signal_weight: float
    background_weight: float
    signal_factor: float
    background_factor: float


@dataclass(frozen=True)
class SolutionSummary:
    """What was compiled: number of rows, and phase -> split -> `SplitSummary`."""

    rows: int
    phases: Mapping[str, Mapping[str, SplitSummary]]

    def as_json(self) -> dict[str, Any]:
        """The summary as a plain dict that ``json`` can write."""
        return asdict(self)


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
    names = [name for name, metric in METRICS.items() if metric.kind == kind]
    for name in phase.names():
        if name not in names:
            raise SolutionError(f"Unknown metric {name!r}; {kind} has {', '.join(names)}.")
    metrics = [METRICS[name] for name in phase.names()]
    for name in phase.options:
        if not any(name in metric.options for metric in metrics):
            raise SolutionError(f"Phase {phase.slug}: none of its metrics has an option {name!r}.")
    try:
        for metric in metrics:
            metric.settings(options_for(metric, phase.options))
    except ValueError as error:
        raise SolutionError(f"Phase {phase.slug}: {error}") from error
    return metrics


def options_for(metric: Metric, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those options of a phase that `metric` knows."""
    return {name: value for name, value in options.items() if name in metric.options}
