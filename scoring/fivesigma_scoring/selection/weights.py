"""Event weights: sums per class, and the factors that bring them to declared totals."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.selection.cells import CLASSES, TINY, class_totals


def class_factors(
    totals: NDArray[np.float64], normalise: Mapping[str, float] | None
) -> tuple[float, float]:
    """Factors for (background, signal) that bring the sums of weights to the declared totals.

    Parameters
    ----------
    totals
        As `cells.class_totals` gives them, shape (3, 2).
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


def scale(
    label: NDArray[np.bool_],
    weight: NDArray[np.float64],
    normalise: Mapping[str, float] | None,
    reference: tuple[NDArray[np.bool_], NDArray[np.float64]] | None = None,
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Weights (n,) scaled so that the classes have their declared totals, and the facts before.

    Where other events are the `reference`, with labels and weights (m,), their classes have the
    declared totals.

    Raises
    ------
    ValueError
        A class is missing or has no positive sum of weights.

    """
    totals = _totals(label, weight)
    background, signal = class_factors(totals, None if reference else normalise)
    if reference:
        background, signal = class_factors(_totals(*reference), normalise)
    facts = {
        "n_signal": float(totals[0, 1]),
        "n_background": float(totals[0, 0]),
        "signal_weight": float(totals[1, 1]),
        "background_weight": float(totals[1, 0]),
        "signal_factor": signal,
        "background_factor": background,
    }
    scaled = weight * np.where(label, signal, background)
    if reference:
        class_factors(_totals(label, scaled), None)
    return scaled, facts


def _totals(label: NDArray[np.bool_], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    if weight.size and np.abs(weight).max() > 1 / TINY:
        raise ValueError(f"There are weights beyond {1 / TINY:g}; scale them down.")
    return class_totals(label, weight)


def describe(facts: Mapping[str, float]) -> str:
    """The facts of a split in words."""
    signal, background = int(facts["n_signal"]), int(facts["n_background"])
    share = signal / (signal + background)
    return (
        f"{signal + background:,} events, {signal:,} s ({share:.1%}) and {background:,} b; "
        f"weights sum to {facts['signal_weight']:.6g} s and {facts['background_weight']:.6g} b, "
        f"factors {facts['signal_factor']:.6g} and {facts['background_factor']:.6g}"
    )
