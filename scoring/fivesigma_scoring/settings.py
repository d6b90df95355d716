"""Settings of test sets and phases as scoring needs them, and what compiling reports back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fivesigma_scoring.details import metric_of
from fivesigma_scoring.prediction import PredictionFormat


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
    min_selected, needs_score, max_bytes, max_expanded_bytes, bounds
        As in `prediction.PredictionFormat`.
    usage
        Usage column of every phase, or of each by its slug; None scores all rows as one split.
    split
        Drawn instead of read from a usage column.
    group
        Column whose equal values mark rows of one physical event.
    variants
        Column that names the variant of each row; ``nominal`` is one of them.
    slices
        Columns of the solution; rows (of masks: events) with the same value of one are a slice.
    classes
        Segmentation: names of the classes, class 0 first.
    shape
        Segmentation: pixels of an event along each axis, where the files do not say it.
    training
        Regression: the published training file, whose range a prediction is held against.

    """

    __test__ = False

    kind: str = "selection"
    min_selected: int = 0
    needs_score: bool = False
    max_bytes: int = PredictionFormat.max_bytes
    max_expanded_bytes: int = PredictionFormat.max_expanded_bytes
    usage: str | Mapping[str, str] | None = "usage"
    split: SplitSpec | None = None
    group: str | None = None
    variants: str | None = None
    slices: Sequence[str] = ()
    classes: Sequence[str] = ()
    shape: Sequence[int] = ()
    bounds: tuple[float, float] | None = None
    training: Path | None = None


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
    variant_rank
        What stands in the columns where there are variants: ``nominal``, ``mean`` or ``worst``.

    """

    slug: str
    metric: str
    metrics: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    normalise: Mapping[str, float] | None = None
    usage: str | None = None
    variant_rank: str = "nominal"

    def columns(self) -> list[str]:
        """Further columns that show a metric on a variant or slice, each once."""
        return list(dict.fromkeys(one for one in self.metrics if metric_of(one) != one))

    def names(self) -> list[str]:
        """Ranking metric first, each metric once; columns such as ``ams@nominal`` name theirs."""
        return list(dict.fromkeys(map(metric_of, [self.metric, *self.metrics])))


@dataclass(frozen=True)
class SplitSummary:
    """One split of one phase.

    Attributes
    ----------
    n
        Number of events.
    facts
        Name to number: what its kind knows of the split, such as sums of weights.
    text
        The same in words.

    """

    n: int
    facts: Mapping[str, float]
    text: str


@dataclass(frozen=True)
class SolutionSummary:
    """What was compiled: number of events, and phase -> split -> `SplitSummary`."""

    rows: int
    phases: Mapping[str, Mapping[str, SplitSummary]]

    def as_json(self) -> dict[str, Any]:
        """The summary as a plain dict that ``json`` can write."""
        return asdict(self)
