"""The only input checks for arrays, and the alignment of a file with its test set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.prediction import Prediction
from fivesigma_scoring.report import ROWS_SHOWN, Finding, InputRefusedError
from fivesigma_scoring.selection.cells import CLASSES, TINY
from fivesigma_scoring.universe import Universe

SIGNAL, BACKGROUND = ("s", "1", "true"), ("b", "0", "false")


@dataclass(frozen=True)
class Aligned:
    """A prediction in the order of the universe's sorted ids.

    Attributes
    ----------
    selected
        bool (n,).
    score
        float64 (n,), None where the file has none.
    warnings
        Findings that do not refuse the file.

    """

    selected: NDArray[np.bool_]
    score: NDArray[np.float64] | None
    warnings: tuple[Finding, ...]


def align(prediction: Prediction, universe: Universe) -> Aligned:
    """Bring a file into the order of the universe: every event exactly once.

    Raises
    ------
    InputRefusedError
        Ids are unknown, repeated or missing, or too few events are selected.

    """
    target, errors = _target(prediction, universe)
    chosen = int(np.count_nonzero(prediction.selected))
    if chosen < universe.format.min_selected:
        errors.append(findings.too_few_selected(chosen, universe.format.min_selected))
    warnings = (*prediction.warnings, *_habits(prediction, chosen))
    if errors:
        raise InputRefusedError(*errors, *warnings)
    selected, score = prediction.selected, prediction.score
    if target is not None:
        selected = _scatter(selected, target)
        score = None if score is None else _scatter(score, target)
    return Aligned(selected, score, warnings)


def _scatter(values: NDArray[Any], target: NDArray[np.int64]) -> NDArray[Any]:
    aligned = np.empty_like(values)
    aligned[target] = values
    return aligned


def _target(
    prediction: Prediction, universe: Universe
) -> tuple[NDArray[np.int64] | None, list[Finding]]:
    """Where each row belongs, None for "as it stands"; findings where that is no bijection."""
    if prediction.ids is None:
        return universe.sample_order(), []
    if np.array_equal(prediction.ids, universe.ids):
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


def _habits(prediction: Prediction, chosen: int) -> list[Finding]:
    """Warnings from the file alone: constant predictions."""
    found = []
    if chosen == 0:
        found.append(findings.all_background())
    elif chosen == prediction.selected.size:
        found.append(findings.all_signal())
    score = prediction.score
    if score is not None and score.size > 1 and score[0] == score[-1] and (score == score[0]).all():
        found.append(findings.constant_score())
    return found


def as_classes(values: ArrayLike, name: str) -> NDArray[np.bool_]:
    """Labels or decisions as bool (n,), True for signal.

    Parameters
    ----------
    values
        Booleans, 0/1, or strings ``s``/``b`` (``1``/``0``, ``true``/``false``), shape (n,).
    name
        Used in error texts.

    Raises
    ------
    InputRefusedError
        Another shape, type or value.

    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputRefusedError(_problem("wrong_shape", f"{name} must have one dimension."))
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind in "OUST":
        words = np.array([str(word).strip().lower() for word in array.tolist()], dtype=np.str_)
        signal, background = np.isin(words, SIGNAL), np.isin(words, BACKGROUND)
    else:
        signal, background = array == 1, array == 0
    if not (signal | background).all():
        text = f"{name} must hold s and b, 1 and 0, or true and false."
        raise InputRefusedError(_problem("bad_class_label", text))
    return np.asarray(signal)


def as_scores(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Scores as float64 (n,), larger meaning more signal-like.

    Parameters
    ----------
    values
        Finite numbers, shape (n,).
    name
        Used in error texts.

    Raises
    ------
    InputRefusedError
        Another shape, or values that are not finite numbers.

    """
    try:
        score = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        text = f"{name} must hold numbers: this metric orders events by their score."
        raise InputRefusedError(_problem("wrong_dtype", text)) from error
    if score.ndim != 1:
        raise InputRefusedError(_problem("wrong_shape", f"{name} must have one dimension."))
    if not np.isfinite(score).all():
        raise InputRefusedError(_problem("not_finite", f"{name} has NaN or infinite values."))
    return score


def as_weights(values: ArrayLike | None, n: int) -> NDArray[np.float64]:
    """Event weights as float64 (n,); ones for None. Negative weights are accepted.

    Raises
    ------
    InputRefusedError
        Another shape, or values that are not finite numbers.

    """
    if values is None:
        return np.ones(n)
    try:
        weight = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputRefusedError(_problem("wrong_dtype", "weight must hold numbers.")) from error
    if weight.shape != (n,):
        text = f"weight has the shape {weight.shape}, the truth has {n:,} events."
        raise InputRefusedError(_problem("wrong_shape", text))
    if not np.isfinite(weight).all():
        raise InputRefusedError(_problem("not_finite", "weight has NaN or infinite values."))
    return weight


def _problem(code: str, text: str) -> Finding:
    return Finding(code, "error", text)


def class_factors(
    totals: NDArray[np.float64], normalise: Mapping[str, float] | None
) -> tuple[float, float]:
    """Factors for (background, signal) that bring the sums of weights to the declared totals.

    Parameters
    ----------
    totals
        As `selection.class_totals` gives them, shape (3, 2).
    normalise
        Class (``s``, ``b``) to declared total; classes that are not named keep their weights.

    Raises
    ------
    ValueError
        A class has no events or no positive sum of weights, or a total is not a positive number.

    """
    wanted = dict(normalise or {})
    if unknown := set(wanted) - set(CLASSES):
        raise ValueError(f"normalise names the class {min(unknown)!r}; it knows s and b.")
    factors = []
    for at, name in enumerate(CLASSES):
        if not totals[0, at]:
            raise ValueError(f"There is no event of class {name}; both classes are needed.")
        if not totals[1, at] > 0:
            raise ValueError(f"The weights of class {name} sum to {totals[1, at]:g}, not above 0.")
        if totals[1, at] < TINY:
            raise ValueError(f"The weights of class {name} sum to less than {TINY:g}; scale them.")
        total = wanted.get(name, totals[1, at])
        if not TINY < total < 1 / TINY:
            raise ValueError(f"The declared total of class {name} must be above 0, not {total}.")
        factors.append(float(total / totals[1, at]) if name in wanted else 1.0)
    return factors[0], factors[1]
