"""What the client runs without a server: the same code, on a participant's own disk."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma_scoring import findings
from fivesigma_scoring.compiled import scale, score_sample
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.registry import SCORER_VERSIONS
from fivesigma_scoring.report import Finding, Report
from fivesigma_scoring.run import Outcome, read_and_align, score_file
from fivesigma_scoring.selection.cells import Sample
from fivesigma_scoring.settings import PhaseScoring, SplitSummary, TestSetSpec, check_phase
from fivesigma_scoring.solution import compile_solution, read_universe
from fivesigma_scoring.solution_files import (
    SolutionError,
    Source,
    are_integers,
    read_id_array,
    read_labels,
    read_weights,
    text_of,
)
from fivesigma_scoring.universe import Universe

OFFLINE_SPLIT = "all"
SUM_TOLERANCE = 1e-3


def validate_offline(sample: Path, prediction: Path, *, min_selected: int = 0) -> Report:
    """Check a prediction against nothing but a sample submission.

    Raises
    ------
    SolutionError
        The sample itself is wrong.

    """
    universe = read_universe(Path(sample), TestSetSpec(min_selected=min_selected))
    return read_and_align(Path(prediction), Path(prediction).name, universe)[0]


def score_offline(
    metric: str,
    options: Mapping[str, Any],
    normalise: Mapping[str, float] | None,
    truth: Path,
    prediction: Path,
    *,
    metrics: Sequence[str] = (),
) -> Outcome:
    """Score a prediction of one's own validation events.

    Parameters
    ----------
    metric, metrics
        Ranking metric, and further ones to compute in the same run.
    options, normalise
        As in a phase; the totals hold for all events of the truth together.
    truth
        CSV or Parquet with an id column first, ``label`` and optionally ``weight``.
    prediction
        A prediction file for the same ids.

    Returns
    -------
    Outcome
        Scores stand under the split ``all``; a warning says when the weights had to be scaled.

    Raises
    ------
    SolutionError
        The truth or the settings are wrong.

    """
    phase = PhaseScoring("offline", metric, metrics, options, normalise)
    needs_score = any(one.needs_score for one in check_phase(phase, "selection"))
    source = Source.open(Path(truth))
    identity, label = source.id_column(), source.need("label")
    weight = source.find("weight")
    frame = source.read([name for name in (identity, label, weight) if name])
    integers = are_integers(text_of(frame, identity))
    ids = read_id_array(source, frame, identity, integers=integers)
    form = PredictionFormat(
        ids.size, identity, "int" if integers else "str", needs_score=needs_score
    )
    universe = Universe.of(form, ids)
    order = universe.sample_order()
    labels = read_labels(source, frame, label)
    weights = read_weights(source, frame, weight) if weight else np.ones(labels.size)
    try:
        scaled, summary = scale(labels, weights, normalise)
    except ValueError as error:
        raise SolutionError(f"{source.path.name}: {error}") from error
    report, aligned = read_and_align(Path(prediction), Path(prediction).name, universe)
    report = Report.of([*report.findings, *_sum_warnings(summary, normalise)])
    version = SCORER_VERSIONS[form.kind]
    if aligned is None:
        return Outcome(report, {}, version)
    fixed = ("b" in (normalise or {}), "s" in (normalise or {}))
    score = None if aligned.score is None else aligned.score[order]
    sample = Sample.of(labels, aligned.selected[order], scaled, fixed, score=score)
    return Outcome(report, {OFFLINE_SPLIT: score_sample(sample, phase.names(), options)}, version)


def _sum_warnings(summary: SplitSummary, normalise: Mapping[str, float] | None) -> list[Finding]:
    sums = {"s": summary.signal_weight, "b": summary.background_weight}
    return [
        findings.weight_sum(name, sums[name], total)
        for name, total in (normalise or {}).items()
        if abs(sums[name] - total) > SUM_TOLERANCE * total
    ]


def score_challenge(
    solution: Path,
    sample: Path,
    prediction: Path,
    *,
    test_set: TestSetSpec,
    phase: PhaseScoring,
) -> Outcome:
    """Score a prediction with a challenge folder at hand, exactly as the server does.

    Raises
    ------
    SolutionError
        The solution, the sample or the settings are wrong.

    """
    with tempfile.TemporaryDirectory(prefix="fivesigma-") as folder:
        compiled = Path(folder) / "compiled"
        compile_solution(solution, sample, compiled, test_set=test_set, phases=[phase])
        return score_file(Path(prediction), Path(prediction).name, compiled, phase.slug)
