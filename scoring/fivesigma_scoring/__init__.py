"""Metrics, prediction files and uncertainties: a laptop runs exactly what the server runs."""

from fivesigma_scoring.api import compare, score
from fivesigma_scoring.details import metric_and_place, metric_of
from fivesigma_scoring.interval import coverage_score
from fivesigma_scoring.kinds import KINDS
from fivesigma_scoring.metric import Comparison, Estimate, Metric
from fivesigma_scoring.offline import score_challenge, score_offline, validate_offline
from fivesigma_scoring.prediction import Prediction, PredictionFormat
from fivesigma_scoring.reading import read_prediction, sniff
from fivesigma_scoring.registry import METRICS, SCORER_VERSIONS
from fivesigma_scoring.report import Finding, InputRefusedError, Report
from fivesigma_scoring.run import Outcome, check_file, check_job, score_file, score_job
from fivesigma_scoring.settings import (
    PhaseScoring,
    SolutionSummary,
    SplitSpec,
    SplitSummary,
    TestSetSpec,
)
from fivesigma_scoring.solution import compile_solution
from fivesigma_scoring.solution_files import SolutionError
from fivesigma_scoring.splits import make_usage
from fivesigma_scoring.universe import Universe

__all__ = [
    "KINDS",
    "METRICS",
    "SCORER_VERSIONS",
    "Comparison",
    "Estimate",
    "Finding",
    "InputRefusedError",
    "Metric",
    "Outcome",
    "PhaseScoring",
    "Prediction",
    "PredictionFormat",
    "Report",
    "SolutionError",
    "SolutionSummary",
    "SplitSpec",
    "SplitSummary",
    "TestSetSpec",
    "Universe",
    "check_file",
    "check_job",
    "compare",
    "compile_solution",
    "coverage_score",
    "make_usage",
    "metric_and_place",
    "metric_of",
    "read_prediction",
    "score",
    "score_challenge",
    "score_file",
    "score_job",
    "score_offline",
    "sniff",
    "validate_offline",
]
