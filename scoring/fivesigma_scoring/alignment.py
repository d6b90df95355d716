"""Bringing the rows of a file into the order of its test set: every event exactly once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.prediction import Prediction
from fivesigma_scoring.report import ROWS_SHOWN, Finding
from fivesigma_scoring.universe import Universe


def scatter(values: NDArray[Any], target: NDArray[np.int64] | None) -> NDArray[Any]:
    """Rows (n, …) where they belong; as they stand for None."""
    if target is None:
        return values
    aligned = np.empty_like(values)
    aligned[target] = values
    return aligned


def find_rows(
    prediction: Prediction, universe: Universe
) -> tuple[NDArray[np.int64] | None, list[Finding]]:
    """Where each row belongs, None for "as it stands"; findings where that is no bijection."""
    if prediction.ids is None:
        return universe.sample_order(), []
    if prediction.ids.size == universe.ids.size and bool((prediction.ids == universe.ids).all()):
        return None, []
    target = universe.locate(prediction.ids)
    seen = np.zeros(universe.ids.size, bool)
    known = target >= 0
    seen[target[known]] = True
    if known.all() and seen.all() and target.size == seen.size:
        return target, []
    return target, _id_findings(prediction, universe, target, seen)


def _id_findings(
    prediction: Prediction,
    universe: Universe,
    target: NDArray[np.int64],
    seen: NDArray[np.bool_],
) -> list[Finding]:
    assert prediction.ids is not None
    column, errors = universe.format.id_column, []
    _, first = np.unique(target, return_index=True)
    repeats = np.ones(target.size, bool)
    repeats[first] = False
    for finding, flags in (
        (findings.duplicate_id, repeats & (target >= 0)),
        (findings.unknown_id, target < 0),
    ):
        rows = np.flatnonzero(flags)
        if rows.size:
            shown = prediction.places(rows[:ROWS_SHOWN].tolist())
            errors.append(finding(column, _text(prediction.ids[rows[0]]), shown, rows.size))
    missing = np.flatnonzero(~seen)
    if missing.size:
        some = [_text(universe.ids[at]) for at in missing[:ROWS_SHOWN]]
        errors.append(findings.missing_id(column, some, missing.size))
    return errors


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "beyond 64 bits" if value == np.iinfo(np.int64).min else str(value)
