"""Checking and scoring one file: what the sandboxed child and the offline commands both run."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from fivesigma_scoring.compiled import (
    PHASE_FILE,
    Scores,
    SliceScores,
    VariantScores,
    score_phase,
)
from fivesigma_scoring.files.container import check_name
from fivesigma_scoring.kinds import KINDS, Kind, Universe
from fivesigma_scoring.metric import Estimate
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.reading import read_prediction
from fivesigma_scoring.registry import METRICS, SCORER_VERSIONS
from fivesigma_scoring.report import Finding, InputRefusedError, Report
from fivesigma_scoring.universe import FORMAT_FILE

Stage = Callable[[str], None]
READING, SCORING = "reading", "scoring"


def _untold(_stage: str) -> None:
    """Nobody asked what is being done."""


@dataclass(frozen=True)
class Outcome:
    """A report, and estimates where the file was accepted.

    Attributes
    ----------
    report
        What was found in the file.
    scores
        Split -> metric -> estimate, of what the phase ranks by where there are variants.
    scorer_version
        Of the metrics' family.
    variants
        Split -> variant -> metric -> estimate; empty where there are none.
    diagnoses
        Warnings that need the truth, of the public split; seen by whoever sees its scores.
    slices
        Split -> slice -> metric -> estimate, None where it has no value; empty without slices.
    columns
        Split -> column such as ``ams@nominal`` -> estimate: what of variants and slices stands on
        the board; empty where nothing does.

    """

    report: Report
    scores: Scores = field(default_factory=dict)
    scorer_version: int = 0
    variants: VariantScores = field(default_factory=dict)
    diagnoses: tuple[Finding, ...] = ()
    slices: SliceScores = field(default_factory=dict)
    columns: Scores = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """``{"ok", "findings", "scores": {split: {metric: {…}}} or null, "scorer_version"}``.

        With ``"diagnoses": [finding, …]`` beside them.
        Only where there are variants also ``"variants": {split: {variant: {metric: {…}}}}``, where
        there are slices ``"slices": {split: {slice: {metric: {…} or null}}}``, and where some of
        these stand on the board ``"columns": {split: {column: {…}}}``.
        """
        answer = {
            **self.report.as_json(),
            "scores": _as_json(self.scores) if self.report.ok else None,
            "scorer_version": self.scorer_version,
            "diagnoses": [one.as_json() for one in self.diagnoses],
        }
        if self.variants:
            answer["variants"] = {split: _as_json(one) for split, one in self.variants.items()}
        if self.slices:
            answer["slices"] = {split: _as_json(one) for split, one in self.slices.items()}
        if self.columns:
            answer["columns"] = _as_json(self.columns)
        return answer

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        scores = _from_json(value["scores"] or {})
        variants = {split: _from_json(one) for split, one in value.get("variants", {}).items()}
        diagnoses = tuple(Finding.from_json(one) for one in value["diagnoses"])
        report = Report.from_json(value)
        slices = {split: _some(one) for split, one in value.get("slices", {}).items()}
        columns = _from_json(value.get("columns", {}))
        return cls(report, scores, value["scorer_version"], variants, diagnoses, slices, columns)


def _as_json(table: Mapping[str, Mapping[str, Estimate | None]]) -> dict[str, dict[str, Any]]:
    return {
        row: {name: estimate and estimate.as_json() for name, estimate in metrics.items()}
        for row, metrics in table.items()
    }


def _from_json(table: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Estimate]]:
    return {
        row: {name: Estimate.from_json(estimate) for name, estimate in metrics.items()}
        for row, metrics in table.items()
    }


def _some(table: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Estimate | None]]:
    return {
        row: {name: estimate and Estimate.from_json(estimate) for name, estimate in metrics.items()}
        for row, metrics in table.items()
    }


def open_universe(folder: Path) -> tuple[Kind, Universe]:
    """The kind of a compiled folder ``universe``, and what it holds."""
    form = PredictionFormat.from_json(json.loads((folder / FORMAT_FILE).read_text()))
    kind = KINDS[form.kind]
    return kind, kind.open_universe(folder)


def read_and_align(file: Path, filename: str, universe: Universe) -> tuple[Report, Any]:
    """The full check of a file against a universe, and the prediction; None where it is refused."""
    try:
        check_name(filename)
        form = universe.format
        aligned = KINDS[form.kind].align(read_prediction(file, form), universe)
    except InputRefusedError as refused:
        return Report.of(refused.findings), None
    return Report.of(aligned.warnings), aligned


def check_file(file: Path, filename: str, universe: Path, stage: Stage = _untold) -> Report:
    """The full check without the truth.

    Parameters
    ----------
    file
        The file as stored.
    filename
        As the participant named it.
    universe
        Folder ``universe`` of a compiled solution.
    stage
        Told `READING` before the file is opened.

    """
    opened = open_universe(Path(universe))[1]
    stage(READING)
    return read_and_align(Path(file), filename, opened)[0]


def score_file(
    file: Path, filename: str, compiled: Path, phase: str, stage: Stage = _untold
) -> Outcome:
    """The full check, then every metric of the phase on every split.

    Parameters
    ----------
    file, filename
        As for `check_file`.
    compiled
        Folder written by `solution.compile_solution`.
    phase
        Slug of the phase.
    stage
        Told `READING` before the file is opened, `SCORING` once it has been read and checked.

    Raises
    ------
    ValueError
        The solution was not compiled for this phase.

    """
    folder = Path(compiled) / "truth" / phase
    if not (folder / PHASE_FILE).is_file():
        raise ValueError(f"The solution has not been compiled for the phase {phase!r}.")
    kind, universe = open_universe(Path(compiled) / "universe")
    metrics = json.loads((folder / PHASE_FILE).read_text())["metrics"]
    needs_score = any(METRICS[name].needs_score for name in metrics)
    form = replace(universe.format, needs_score=needs_score)
    stage(READING)
    report, aligned = read_and_align(Path(file), filename, universe.with_format(form))
    stage(SCORING)
    version = SCORER_VERSIONS[form.kind]
    if aligned is None:
        return Outcome(report, {}, version)
    scored = score_phase(kind, folder, aligned, form)
    return Outcome(
        report,
        scored.scores,
        version,
        scored.variants,
        scored.diagnoses,
        scored.slices,
        scored.columns,
    )


def check_job(arguments: Mapping[str, str], stage: Stage = _untold) -> dict[str, Any]:
    """`check_file` for a child: ``{"file", "filename", "universe"}`` in, plain JSON out."""
    universe = Path(arguments["universe"])
    report = check_file(Path(arguments["file"]), arguments["filename"], universe, stage)
    version = SCORER_VERSIONS[open_universe(universe)[1].format.kind]
    return Outcome(report, {}, version).as_json() | {"scores": None}


def score_job(arguments: Mapping[str, str], stage: Stage = _untold) -> dict[str, Any]:
    """`score_file` for a child: ``{"file", "filename", "compiled", "phase"}`` in, JSON out."""
    return score_file(
        Path(arguments["file"]),
        arguments["filename"],
        Path(arguments["compiled"]),
        arguments["phase"],
        stage,
    ).as_json()
