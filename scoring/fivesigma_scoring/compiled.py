"""The truth part of a compiled solution: written once, mapped into memory for every submission."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.arrays import class_factors
from fivesigma_scoring.metric import Estimate
from fivesigma_scoring.registry import METRICS
from fivesigma_scoring.selection.bootstrap import estimates
from fivesigma_scoring.selection.cells import TINY, Sample, class_totals
from fivesigma_scoring.settings import PhaseScoring, SplitSummary, options_for
from fivesigma_scoring.solution_files import SolutionError
from fivesigma_scoring.splits import PRIVATE, PUBLIC
from fivesigma_scoring.universe import load_array

SPLITS = {"public": PUBLIC, "private": PRIVATE}
PHASE_FILE = "phase.json"


def write_truth(folder: Path, label: NDArray[np.bool_], weight: NDArray[np.float64]) -> None:
    """Labels and raw weights of all rows, each (n,), in the order of the sorted ids."""
    np.save(folder / "label.npy", label, allow_pickle=False)
    np.save(folder / "weight.npy", weight, allow_pickle=False)


def write_phase(
    truth: Path,
    phase: PhaseScoring,
    label: NDArray[np.bool_],
    weight: NDArray[np.float64],
    usage: NDArray[np.int8],
    group: NDArray[np.int64] | None,
) -> dict[str, SplitSummary]:
    """Usage, and per split the rows with labels and weights scaled to the declared totals.

    Raises
    ------
    SolutionError
        A split lacks a class, or a class has no positive sum of weights.

    """
    folder = truth / phase.slug
    folder.mkdir()
    np.save(folder / "usage.npy", usage, allow_pickle=False)
    summaries, totals = {}, {}
    for split, code in SPLITS.items():
        rows = np.flatnonzero(usage == code)
        (folder / split).mkdir()
        try:
            arrays, summaries[split] = _split_arrays(rows, label[rows], weight[rows], phase)
        except ValueError as error:
            raise SolutionError(f"Phase {phase.slug}, {split} split: {error}") from error
        if group is not None:
            arrays["group"] = np.unique(group[rows], return_inverse=True)[1]
        for name, array in arrays.items():
            np.save(folder / split / f"{name}.npy", array, allow_pickle=False)
        totals[split] = class_totals(arrays["label"], arrays["weight"]).tolist()
    settings = {
        "metrics": phase.names(),
        "options": dict(phase.options),
        "fixed": [name in (phase.normalise or {}) for name in ("b", "s")],
        "totals": totals,
        "splits": {split: asdict(summary) for split, summary in summaries.items()},
    }
    (folder / PHASE_FILE).write_text(json.dumps(settings, indent=1) + "\n")
    return summaries


def _split_arrays(
    rows: NDArray[np.intp],
    label: NDArray[np.bool_],
    weight: NDArray[np.float64],
    phase: PhaseScoring,
) -> tuple[dict[str, NDArray[Any]], SplitSummary]:
    scaled, summary = scale(label, weight, phase.normalise)
    return {"rows": rows, "label": label, "weight": scaled}, summary


def scale(
    label: NDArray[np.bool_], weight: NDArray[np.float64], normalise: Mapping[str, float] | None
) -> tuple[NDArray[np.float64], SplitSummary]:
    """Weights (n,) scaled so that the classes have their declared totals, and the sums before.

    Raises
    ------
    ValueError
        A class is missing or has no positive sum of weights.

    """
    if weight.size and np.abs(weight).max() > 1 / TINY:
        raise ValueError(f"There are weights beyond {1 / TINY:g}; scale them down.")
    totals = class_totals(label, weight)
    background, signal = class_factors(totals, normalise)
    summary = SplitSummary(
        n=label.size,
        n_signal=int(totals[0, 1]),
        n_background=int(totals[0, 0]),
        signal_weight=float(totals[1, 1]),
        background_weight=float(totals[1, 0]),
        signal_factor=signal,
        background_factor=background,
    )
    return weight * np.where(label, signal, background), summary


def score_phase(
    folder: Path, selected: NDArray[np.bool_], score: NDArray[np.float64] | None = None
) -> dict[str, dict[str, Estimate]]:
    """Every metric of a phase on every split.

    Parameters
    ----------
    folder
        ``truth/<phase>`` of a compiled solution.
    selected
        bool (n,), in the order of the sorted ids.
    score
        float64 (n,), in the same order; None where the prediction has none.

    """
    settings = json.loads((folder / PHASE_FILE).read_text())
    return {
        split: score_sample(
            _load_sample(
                folder / split, selected, score, settings["fixed"], settings["totals"][split]
            ),
            settings["metrics"],
            settings["options"],
        )
        for split in SPLITS
    }


def _load_sample(
    folder: Path,
    selected: NDArray[np.bool_],
    score: NDArray[np.float64] | None,
    fixed: list[bool],
    totals: list[list[float]],
) -> Sample:
    rows, label, weight = (
        load_array(folder / f"{name}.npy") for name in ("rows", "label", "weight")
    )
    group = folder / "group.npy"
    return Sample.of(
        label,
        selected[rows],
        weight,
        (fixed[0], fixed[1]),
        load_array(group) if group.exists() else None,
        np.array(totals),
        None if score is None else score[rows],
    )


def score_sample(
    sample: Sample, metrics: list[str], options: Mapping[str, Any]
) -> dict[str, Estimate]:
    """Several metrics on the same events; each takes the options it knows."""
    chosen = [METRICS[name] for name in metrics]
    settings = [metric.settings(options_for(metric, options)) for metric in chosen]
    values = estimates(sample, list(zip(chosen, settings, strict=True)))
    return dict(zip(metrics, values, strict=True))
