"""Regressions as a kind of challenge; see `kinds.Kind`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from numpy.typing import ArrayLike

from fivesigma_scoring.files.table import find_column, match
from fivesigma_scoring.metric import Metric
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.regression import reading
from fivesigma_scoring.regression.array import look_array
from fivesigma_scoring.regression.columns import never_targets, schema, target_names
from fivesigma_scoring.regression.diagnosis import diagnose
from fivesigma_scoring.regression.findings import shared_targets
from fivesigma_scoring.regression.prediction import Aligned, Regression
from fivesigma_scoring.regression.reading import read_regression as read
from fivesigma_scoring.regression.sample import Sample, sample_of_arrays
from fivesigma_scoring.regression.training import training_ranges
from fivesigma_scoring.regression.truth import load, read_truth, write_perfect
from fivesigma_scoring.report import Finding
from fivesigma_scoring.settings import TestSetSpec
from fivesigma_scoring.slices import each_apart
from fivesigma_scoring.solution_files import SolutionError, Source, open_sample, sample_names
from fivesigma_scoring.uncertainty import compare_samples as compare
from fivesigma_scoring.uncertainty import estimates
from fivesigma_scoring.universe import Universe
from fivesigma_scoring.variants import apart as link

__all__ = [
    "align",
    "compare",
    "diagnose",
    "estimates",
    "header",
    "link",
    "load",
    "look",
    "open_universe",
    "read",
    "read_truth",
    "read_universe",
    "sample_of",
    "sliced",
    "universe_of_truth",
    "write_perfect",
]

open_universe = Universe.load
sliced = each_apart(estimates)


@dataclass(frozen=True)
class OwnUniverse(Universe):
    """Events of a truth that holds inputs too, and a word on what was taken for its targets."""

    word: Finding


def look(what: str, head: bytes, size: int, form: PredictionFormat) -> list[Finding] | None:
    """Findings on the first bytes of an array file."""
    return look_array(head, size, form) if what == "npy" else None


def header(names: Sequence[str], form: PredictionFormat) -> Sequence[Finding]:
    """Warnings on the header of a table."""
    return match(names, schema(form)).warnings


def align(prediction: Regression, universe: Universe) -> Aligned:
    """The prediction in the order of the universe."""
    aligned = reading.align(prediction, universe)
    if isinstance(universe, OwnUniverse):
        return replace(aligned, warnings=(*aligned.warnings, universe.word))
    return aligned


def read_universe(
    sample: Path,
    _solution: Path | None,
    test_set: TestSetSpec,
) -> Universe:
    """The ids of the sample, whose other columns are the targets; it must pass its own check."""
    source = Source.open(sample)
    column = source.id_column(never_targets(test_set))
    targets = target_names(source.names, column, test_set)
    universe = open_sample(source, _format(source, column, targets, test_set))
    source.check_sample(lambda path, what: read(path, what, universe.format))
    return universe


def universe_of_truth(
    truth: Path,
    test_set: TestSetSpec,
    prediction: Path | None = None,
) -> Universe:
    """The ids of the truth, and those of its columns that the prediction has too as targets.

    Where they have none in common, all columns of the truth are wanted, so that the report on the
    prediction names them.
    """
    source = Source.open(truth)
    column = source.id_column(never_targets(test_set))
    columns = target_names(source.names, column, test_set)
    given = _names(prediction)
    shared = tuple(name for name in columns if find_column(given, name) is not None)
    universe = open_sample(source, _format(source, column, shared or columns, test_set))
    if 1 < len(shared) < len(columns):
        word = shared_targets(shared)
        return OwnUniverse(universe.format, universe.ids, universe.position, word)
    return universe


def _names(prediction: Path | None) -> Sequence[str]:
    """Columns of a prediction; none where it is an array, or a file that will be refused."""
    try:
        return () if prediction is None else sample_names(prediction) or ()
    except SolutionError:
        return ()


def _format(
    source: Source, column: str, targets: tuple[str, ...], test_set: TestSetSpec
) -> PredictionFormat:
    if not targets:
        raise SolutionError(
            f"{source.path.name}: there is no target column beside {column!r}; a regression needs "
            "one for each quantity to predict."
        )
    low, high = test_set.bounds or (0, 1)
    if not low < high:
        raise SolutionError(f"range: {low} is not below {high}.")
    return PredictionFormat(
        rows=0,
        id_column=column,
        kind="regression",
        max_bytes=test_set.max_bytes,
        max_expanded_bytes=test_set.max_expanded_bytes,
        targets=targets,
        bounds=test_set.bounds,
        training=training_ranges(test_set.training, targets),
    )


def sample_of(
    _metric: Metric,
    truth: ArrayLike,
    prediction: ArrayLike,
    weight: ArrayLike | None,
    normalise: Mapping[str, float] | None,
) -> Sample:
    """True and predicted values, (n,) or (n, t), with weights (n,)."""
    if normalise:
        raise ValueError("normalise is for the classes of selections; leave it out.")
    return sample_of_arrays(truth, prediction, weight)
