"""The only input checks for arrays at hand."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fivesigma_scoring.report import Finding, InputRefusedError

SIGNAL, BACKGROUND = ("s", "1", "true"), ("b", "0", "false")


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
    except (TypeError, ValueError, OverflowError) as error:
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
    except (TypeError, ValueError, OverflowError) as error:
        raise InputRefusedError(_problem("wrong_dtype", "weight must hold numbers.")) from error
    if weight.shape != (n,):
        text = f"weight has the shape {weight.shape}, the truth has {n:,} events."
        raise InputRefusedError(_problem("wrong_shape", text))
    if not np.isfinite(weight).all():
        raise InputRefusedError(_problem("not_finite", "weight has NaN or infinite values."))
    return weight


def _problem(code: str, text: str) -> Finding:
    return Finding(code, "error", text)
