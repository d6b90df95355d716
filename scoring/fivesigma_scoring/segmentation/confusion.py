"""What looks wrong with a mask once it is held against the truth: exchanged or shuffled classes.

All of it follows from the confusion counts of the events. Pixels of one event go together, so the
events are what fluctuates.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import Finding
from fivesigma_scoring.segmentation.counts import Sample
from fivesigma_scoring.uncertainty import summed_by_group
from fivesigma_scoring.wording import NAMES_SHOWN, shorten

SURE, COMPATIBLE = 5.0, 3.0
"""Standard deviations: chance alone never inverts a good file, and hides few shuffled ones."""
TIMES = 2
"""So many times more often than by its own number a renamed class goes by another."""
FEWEST = 25
"""Independent events below which their spread is hardly known."""
WEAKEST = 0.1
"""Least agreement beyond chance (Cohen's kappa) of a mask that has learnt something."""
ASSOCIATED = 0.15
"""Cramér's V beyond which classes that never agree are related all the same."""
LEAST_SHARE = 0.05
"""Of the scored pixels, in a second class: masks of one class agree with nothing either."""


def diagnose(sample: Sample, form: PredictionFormat) -> list[Finding]:
    """Warnings on a mask.

    Parameters
    ----------
    sample
        The events of the public split with a prediction.
    form
        What the file had to look like; it may name the classes.

    """
    pooled = sample.counts.sum(axis=0)
    cycles = list(cycles_of(renamed(sample, pooled)))
    if cycles:
        return [_exchanged(cycle, form.classes) for cycle in cycles]
    return [SHUFFLED] if is_shuffled(sample, pooled) else []


def renamed(sample: Sample, pooled: NDArray[np.int64]) -> dict[int, int]:
    """True class -> other class that it mostly goes by, where that is beyond chance.

    Parameters
    ----------
    sample
        The events.
    pooled
        Pixels by true and predicted class, int64 (K, K).

    """
    mostly = {true: int(row.argmax()) for true, row in enumerate(pooled)}
    return {
        true: other
        for true, other in mostly.items()
        if other != true and _surely(_excess(sample, true, other), sample)
    }


def _excess(sample: Sample, true: int, other: int) -> NDArray[np.float64]:
    counts = sample.counts[:, true]
    return np.asarray(counts[:, other] - TIMES * counts[:, true], np.float64)


def _surely(excess: NDArray[np.float64], sample: Sample) -> bool:
    """Whether a sum over events (n,) is above 0 beyond chance."""
    units = summed_by_group(excess, sample)
    return bool(units.sum() > SURE * math.sqrt(units @ units))


def cycles_of(other: Mapping[int, int]) -> Iterator[list[int]]:
    """Classes that go by each other's numbers in a circle, each circle from its least class.

    A class that goes by the number of one that is right is just confused with it.
    """
    left = set(other)
    while unfit := {one for one in left if other[one] not in left}:
        left -= unfit
    while unfit := left - {other[one] for one in left}:
        left -= unfit
    while left:
        cycle = [min(left)]
        while other[cycle[-1]] != cycle[0]:
            cycle.append(other[cycle[-1]])
        left -= set(cycle)
        yield cycle


def is_shuffled(sample: Sample, pooled: NDArray[np.int64]) -> bool:
    """Whether several classes are predicted with no relation to the true ones.

    Parameters as for `renamed`.
    """
    shares = pooled.sum(axis=1) / pooled.sum(), pooled.sum(axis=0) / pooled.sum()
    if min(map(_second, shares)) < LEAST_SHARE or independent_events(sample) < FEWEST:
        return False
    kappa, sigma = agreement(sample, pooled)
    if abs(kappa) > COMPATIBLE * sigma or kappa + COMPATIBLE * sigma >= WEAKEST:
        return False
    return association(pooled) < ASSOCIATED


def independent_events(sample: Sample) -> int:
    """Number of groups, or of events where each stands alone."""
    return sample.n if sample.group is None else int(sample.group.max()) + 1


def agreement(sample: Sample, pooled: NDArray[np.int64]) -> tuple[float, float]:
    """Cohen's kappa and its standard deviation from independent events.

    Parameters as for `renamed`. Agreement beyond chance is A - sum_k pi_k q_k for the accuracy A
    and the shares pi of true and q of predicted classes; what chance leaves, 1 - sum_k pi_k q_k, is
    taken as fixed.

    Source: Cohen, Educ. Psychol. Meas. 20 (1960) 37.
    """
    total = float(pooled.sum())
    true, predicted = pooled.sum(axis=1) / total, pooled.sum(axis=0) / total
    right, chance = float(np.trace(pooled)) / total, float(true @ predicted)
    pixels = sample.truths.sum(axis=1)
    effects = sample.hits.sum(axis=1) - right * pixels
    effects -= (sample.truths - np.outer(pixels, true)) @ predicted
    effects -= (sample.predictions - np.outer(pixels, predicted)) @ true
    units = summed_by_group(effects / total, sample)
    room = 1 - chance
    return (right - chance) / room, math.sqrt(units @ units) / room


def _second(shares: NDArray[np.float64]) -> float:
    """Share of the second most common class above 0."""
    return float(np.sort(np.append(0.0, shares[1:]))[-2])


def association(pooled: NDArray[np.int64]) -> float:
    """Cramér's V of true and predicted class: 0 for independent ones, 1 where one tells the other.

    Source: Cramér, Mathematical Methods of Statistics (1946), 21.9.
    """
    table = pooled[pooled.any(axis=1)][:, pooled.any(axis=0)].astype(np.float64)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    square = float((table**2 / expected).sum()) - 1
    return math.sqrt(max(square, 0.0) / (min(table.shape) - 1))


def _named(number: int, names: Sequence[str]) -> str:
    return f"{number} ({shorten(names[number])})" if number < len(names) else str(number)


def _exchanged(cycle: Sequence[int], names: Sequence[str]) -> Finding:
    """Classes where each goes by the number of the next, the last by that of the first."""
    if len(cycle) == 2:
        first, second = (_named(one, names) for one in cycle)
        text = (
            f"The classes {first} and {second} look exchanged. Swap these two numbers in your "
            "mask, and compare them with those of the sample."
        )
        return Finding("looks_inverted", "warning", text)
    pairs = list(zip([*cycle[1:], cycle[0]], cycle, strict=True))
    shown = ", ".join(
        f"{wrote} should be {_named(true, names)}" for wrote, true in pairs[:NAMES_SHOWN]
    )
    more = f" and {len(pairs) - NAMES_SHOWN} more" if len(pairs) > NAMES_SHOWN else ""
    text = f"The class numbers look mixed up: {shown}{more}. Renumber your classes like that."
    return Finding("looks_inverted", "warning", text)


SHUFFLED = Finding(
    "looks_shuffled",
    "warning",
    "The classes of this mask have no relation to the true ones, as if its events were shuffled. "
    "Join your masks to the test file by the event instead of the order.",
)
