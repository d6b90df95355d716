"""What the client runs without a server: the same code, on a participant's own disk."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma_scoring import findings
from fivesigma_scoring.kinds import KINDS, kind_of_sample
from fivesigma_scoring.phases import check_phase, with_options
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.registry import METRICS, SCORER_VERSIONS
from fivesigma_scoring.report import Finding, Report
from fivesigma_scoring.run import Outcome, read_and_align, score_file
from fivesigma_scoring.settings import PhaseScoring, SplitSummary, TestSetSpec
from fivesigma_scoring.solution import compile_solution
from fivesigma_scoring.solution_files import SolutionError
from fivesigma_scoring.splits import PUBLIC
from fivesigma_scoring.uncertainty import Chosen

OFFLINE_SPLIT = "all"
SUM_TOLERANCE = 1e-3


def validate_offline(
    sample: Path,
    prediction: Path,
    *,
    test_set: TestSetSpec | None = None,
    solution: Path | None = None,
) -> Report:
    """Check a prediction against nothing but a sample submission.

    Without a test set the kind is told from the sample. A solution at hand may say the shape of an
    event, nothing else of it is looked at.

    Raises
    ------
    SolutionError
        The sample itself is wrong.

    """
    test_set = test_set or TestSetSpec(kind=kind_of_sample(Path(sample)))
    kind = KINDS[test_set.kind]
    universe = kind.read_universe(Path(sample), solution, test_set)
    return read_and_align(Path(prediction), Path(prediction).name, universe)[0]


def score_offline(
    metric: str,
    options: Mapping[str, Any],
    normalise: Mapping[str, float] | None,
    truth: Path,
    prediction: Path,
    *,
    metrics: Sequence[str] = (),
    test_set: TestSetSpec | None = None,
) -> Outcome:
    """Score a prediction of one's own validation events.

    Parameters
    ----------
    metric, metrics
        Ranking metric, and further ones to compute in the same run.
    options, normalise
        As in a phase; the totals hold for all events of the truth together.
    truth
        CSV or Parquet with an id column first, ``label`` or the target columns, and optionally
        ``weight``; masks as in a solution.
    prediction
        A prediction file for the same ids.
    test_set
        What masks need to know: classes and shape, unless the truth says them. Variants and slices
        are not told apart: the truth is one sample.

    Returns
    -------
    Outcome
        Scores stand under the split ``all``; a warning says when the weights had to be scaled.

    Raises
    ------
    SolutionError
        The truth or the settings are wrong.

    """
    events = offline_sample(
        metric, options, normalise, truth, prediction, metrics=metrics, test_set=test_set
    )
    return events.outcome()


@dataclass(frozen=True)
class OwnEvents:
    """Events whose truth is at hand, with a prediction that has been read.

    Attributes
    ----------
    report
        What was found in the file.
    format
        What the file had to look like.
    metrics
        What to compute, with complete options.
    sample
        The events as their kind has them; None where the file is refused.

    """

    report: Report
    format: PredictionFormat
    metrics: Sequence[Chosen]
    sample: Any

    def outcome(self) -> Outcome:
        """Report, scores, and what the truth tells; scores stand under the split ``all``."""
        version = SCORER_VERSIONS[self.format.kind]
        if self.sample is None:
            return Outcome(self.report, {}, version)
        values = KINDS[self.format.kind].estimates(self.sample, self.metrics)
        named = {one.name: value for (one, _), value in zip(self.metrics, values, strict=True)}
        diagnoses = KINDS[self.format.kind].diagnose(self.sample, self.format)
        return Outcome(self.report, {OFFLINE_SPLIT: named}, version, {}, tuple(diagnoses))


def offline_sample(
    metric: str,
    options: Mapping[str, Any],
    normalise: Mapping[str, float] | None,
    truth: Path,
    prediction: Path,
    *,
    metrics: Sequence[str] = (),
    test_set: TestSetSpec | None = None,
) -> OwnEvents:
    """One's own events, read and ready to be scored or drawn.

    Parameters and errors are those of `score_offline`.
    """
    if metric not in METRICS:
        raise SolutionError(f"Unknown metric {metric!r}.")
    name = METRICS[metric].kind
    phase = PhaseScoring("offline", metric, metrics, options, normalise)
    chosen = with_options(check_phase(phase, name), options)
    settings = replace(
        test_set or TestSetSpec(),
        kind=name,
        usage=None,
        split=None,
        variants=None,
        slices=(),
        needs_score=any(one.needs_score for one, _ in chosen),
    )
    kind, truth = KINDS[name], Path(truth)
    universe = kind.universe_of_truth(truth, settings, Path(prediction))
    solution = kind.read_truth(truth, universe, settings, [phase])
    with tempfile.TemporaryDirectory(prefix="fivesigma-") as folder:
        rows = np.flatnonzero(solution.usage[phase.slug] == PUBLIC)
        split = Path(folder) / OFFLINE_SPLIT
        split.mkdir()
        solution.save(Path(folder))
        try:
            summary = solution.save_split(split, rows, phase)
        except ValueError as error:
            raise SolutionError(f"{truth.name}: {error}") from error
        report, aligned = read_and_align(Path(prediction), Path(prediction).name, universe)
        report = Report.of([*report.findings, *_sum_warnings(summary, normalise)])
        sample = None if aligned is None else kind.load(split, aligned)
    return OwnEvents(report, universe.format, chosen, sample)


def _sum_warnings(summary: SplitSummary, normalise: Mapping[str, float] | None) -> list[Finding]:
    sums = {"s": "signal_weight", "b": "background_weight"}
    return [
        findings.weight_sum(name, summary.facts[sums[name]], total)
        for name, total in (normalise or {}).items()
        if abs(summary.facts[sums[name]] - total) > SUM_TOLERANCE * total
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
