"""Selections as a kind of challenge; see `kinds.Kind`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from numpy.typing import ArrayLike

from fivesigma_scoring.arrays import as_classes, as_scores, as_weights
from fivesigma_scoring.files.table import match
from fivesigma_scoring.metric import Metric
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import Finding, InputRefusedError
from fivesigma_scoring.selection.array import THRESHOLD, look_array
from fivesigma_scoring.selection.bootstrap import compare_samples as compare
from fivesigma_scoring.selection.bootstrap import estimates
from fivesigma_scoring.selection.cells import Sample
from fivesigma_scoring.selection.columns import CLASS, RANK, SCORE, schema
from fivesigma_scoring.selection.diagnosis import diagnose
from fivesigma_scoring.selection.linked import Linked
from fivesigma_scoring.selection.reading import align
from fivesigma_scoring.selection.reading import read_selection as read
from fivesigma_scoring.selection.sliced import sliced
from fivesigma_scoring.selection.truth import load, read_truth, write_perfect
from fivesigma_scoring.selection.weights import scale
from fivesigma_scoring.settings import TestSetSpec
from fivesigma_scoring.solution_files import Source, open_sample
from fivesigma_scoring.universe import Universe

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

KNOWN = ("label", "weight", "usage", CLASS, SCORE, RANK)

open_universe = Universe.load
link = Linked


def look(what: str, head: bytes, size: int, form: PredictionFormat) -> list[Finding] | None:
    """Findings on the first bytes of an array file."""
    return look_array(head, size, form) if what == "npy" else None


def header(names: Sequence[str], form: PredictionFormat) -> Sequence[Finding]:
    """Warnings on the header of a table."""
    return match(names, schema(form)).warnings


def read_universe(sample: Path, _solution: Path | None, test_set: TestSetSpec) -> Universe:
    """The ids of the sample; the published example must pass its own check.

    How many events it selects does not matter here.
    """
    source = Source.open(sample)
    column = source.id_column(KNOWN)
    source.need(CLASS)
    universe = open_sample(source, _format(column, test_set))
    lenient = replace(universe.format, min_selected=0)
    source.check_sample(lambda path, what: read(path, what, lenient))
    return universe


def universe_of_truth(
    truth: Path,
    test_set: TestSetSpec,
    prediction: Path | None = None,  # noqa: ARG001 - a selection is named alike everywhere
) -> Universe:
    """The ids of the truth, in its order."""
    source = Source.open(truth)
    column = source.id_column(KNOWN)
    return open_sample(source, _format(column, test_set))


def _format(column: str, test_set: TestSetSpec) -> PredictionFormat:
    return PredictionFormat(
        rows=0,
        id_column=column,
        kind="selection",
        min_selected=test_set.min_selected,
        max_bytes=test_set.max_bytes,
        max_expanded_bytes=test_set.max_expanded_bytes,
        needs_score=test_set.needs_score,
    )


def sample_of(
    metric: Metric,
    truth: ArrayLike,
    prediction: ArrayLike,
    weight: ArrayLike | None,
    normalise: Mapping[str, float] | None,
) -> Sample:
    """Labels with decisions, or scores where the metric needs them, each (n,)."""
    label = as_classes(truth, "truth")
    score = as_scores(prediction, "prediction") if metric.needs_score else None
    selected = as_classes(prediction, "prediction") if score is None else score >= THRESHOLD
    if label.shape != selected.shape:
        text = f"prediction has {selected.size:,} entries, truth has {label.size:,}."
        raise InputRefusedError(Finding("wrong_row_count", "error", text))
    fixed = ("b" in (normalise or {}), "s" in (normalise or {}))
    scaled = scale(label, as_weights(weight, label.size), normalise)[0]
    return Sample.of(label, selected, scaled, fixed, score=score)
