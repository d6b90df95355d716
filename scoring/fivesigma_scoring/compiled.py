"""The truth part of a compiled solution: written once, mapped into memory for every submission."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from fivesigma_scoring.kinds import Kind, Truth
from fivesigma_scoring.metric import Estimate
from fivesigma_scoring.phases import with_options
from fivesigma_scoring.registry import METRICS
from fivesigma_scoring.settings import PhaseScoring, SplitSummary
from fivesigma_scoring.solution_files import SolutionError
from fivesigma_scoring.splits import PRIVATE, PUBLIC

SPLITS = {"public": PUBLIC, "private": PRIVATE}
PHASE_FILE = "phase.json"


def write_phase(folder: Path, phase: PhaseScoring, truth: Truth) -> dict[str, SplitSummary]:
    """Usage, and what each split is scored against.

    Raises
    ------
    SolutionError
        Some metric has no value on the events of a split.

    """
    folder = folder / phase.slug
    folder.mkdir()
    usage = truth.usage[phase.slug]
    np.save(folder / "usage.npy", usage, allow_pickle=False)
    summaries = {}
    for split, code in SPLITS.items():
        (folder / split).mkdir()
        try:
            rows = np.flatnonzero(usage == code)
            summaries[split] = truth.save_split(folder / split, rows, phase)
        except ValueError as error:
            raise SolutionError(f"Phase {phase.slug}, {split} split: {error}") from error
    settings = {"metrics": phase.names(), "options": dict(phase.options)}
    (folder / PHASE_FILE).write_text(json.dumps(settings, indent=1) + "\n")
    return summaries


def score_phase(kind: Kind, folder: Path, aligned: Any) -> dict[str, dict[str, Estimate]]:
    """Every metric of a phase on every split.

    Parameters
    ----------
    kind
        What the solution was compiled for.
    folder
        ``truth/<phase>`` of a compiled solution.
    aligned
        The prediction in the order of the universe.

    """
    settings = json.loads((folder / PHASE_FILE).read_text())
    names: list[str] = settings["metrics"]
    metrics = with_options([METRICS[name] for name in names], settings["options"])
    return {
        split: dict(
            zip(names, kind.estimates(kind.load(folder / split, aligned), metrics), strict=True)
        )
        for split in SPLITS
    }
