"""Replicas of the four cells: quick sampling errors where hardly any background passes."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import uncertainty
from fivesigma_scoring.metric import Comparison, Estimate, Metric, Options
from fivesigma_scoring.selection.cells import (
    TINY,
    Cells,
    Sample,
    few_background_events,
)
from fivesigma_scoring.sums import dot
from fivesigma_scoring.uncertainty import (
    REPLICAS,
    SEED,
    Chosen,
    comparison,
    effective_number,
    spread,
)

NORMAL_ABOVE = 1000.0
DRAWS_AT_ONCE = 16_384
"""What stays in the processor's cache, and is no mapping of its own each time."""
LARGEST_DRAW = 13
POISSON = np.cumsum([math.exp(-1) / math.factorial(count) for count in range(LARGEST_DRAW)])
"""Probability of at most 0, 1, … of Poisson(1); a larger count has one of 10^-11."""

Replicas = list[Sample | None]
"""The sample with the cells of each replica; None for one that lost a whole class."""


def estimates(sample: Sample, metrics: Sequence[Chosen]) -> list[Estimate]:
    """Each metric on `sample` with one standard deviation.

    Metrics of the cells alone take theirs from replicas of the cells, which are drawn once for
    all, where n_eff of the selected background is below 25.
    """
    if not few_background_events(sample):
        return uncertainty.estimates(sample, metrics)
    replicas = bootstrap(sample)
    by_rows = [one for one in metrics if one[0].recount is not None]
    known = iter(uncertainty.estimates(sample, by_rows))
    return [
        next(known) if metric.recount else _from_cells(metric, sample, options, replicas)
        for metric, options in metrics
    ]


def _from_cells(metric: Metric, sample: Sample, options: Options, replicas: Replicas) -> Estimate:
    value = metric.function(sample, options)
    if metric.is_bound(sample):
        return Estimate(value, None, sample.n, lower_bound=True)
    values = _replica_values(metric, replicas, options)
    return Estimate(value, spread(values), sample.n, bootstrap=True)


def compare_samples(metric: Metric, first: Sample, second: Sample, options: Options) -> Comparison:
    """Difference of two predictions on the same events, with the error of the difference.

    Both samples hold the same truth, weight and group arrays, shape (n,).
    """
    rough = few_background_events(first) or few_background_events(second)
    bound = metric.is_bound(first) or metric.is_bound(second)
    if metric.recount is not None or bound or not rough:
        return uncertainty.compare_samples(metric, first, second, options)
    sigma = _paired_bootstrap(metric, first, second, options)
    return comparison(metric, first, second, options, sigma)


def _paired_bootstrap(
    metric: Metric, first: Sample, second: Sample, options: Options
) -> float | None:
    code = first.truth * 4 + first.selected * 2 + second.selected
    joint = [draws.reshape(REPLICAS, 2, 2, 2) for draws in draw_cells(first, code, 8)]
    values = [
        _replica_values(metric, _rescaled(sample, *marginal), options)
        for sample, marginal in (
            (first, [draws.sum(axis=3) for draws in joint]),
            (second, [draws.sum(axis=2) for draws in joint]),
        )
    ]
    return spread(values[0] - values[1])


def bootstrap(sample: Sample) -> Replicas:
    """200 replicas: every event (or group) counts Poisson(1) times, seeded.

    Declared totals are restored in each replica, exactly as the metric's weights were scaled.
    """
    code = sample.truth * 2 + sample.selected
    count, weight = (draws.reshape(REPLICAS, 2, 2) for draws in draw_cells(sample, code, 4))
    return _rescaled(sample, count, weight)


def _rescaled(sample: Sample, count: NDArray[np.float64], weight: NDArray[np.float64]) -> Replicas:
    cells, weight = sample.cells, weight.copy()
    for signal, total in enumerate((cells.total_background, cells.total_signal)):
        drawn = weight[:, signal].sum(axis=1)
        if cells.fixed[signal]:
            scale = np.divide(total, drawn, out=np.ones_like(drawn), where=drawn > TINY)
            weight[:, signal] *= scale[:, None]
    lives = (count.sum(axis=2) > 0).all(axis=1) & (weight.sum(axis=2) > TINY).all(axis=1)
    return [
        sample.with_cells(Cells(n, w, cells.square, cells.fixed)) if alive else None
        for n, w, alive in zip(count, weight, lives.tolist(), strict=True)
    ]


def _replica_values(metric: Metric, replicas: Replicas, options: Options) -> NDArray[np.float64]:
    missing = float("nan")
    return np.array([missing if r is None else metric.function(r, options) for r in replicas])


def draw_cells(
    sample: Sample, code: NDArray[np.int_], cells: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts and sums of weights per replica and cell, each (REPLICAS, cells)."""
    random = np.random.RandomState(np.random.MT19937(SEED))
    if sample.group is not None:
        return _grouped_replicas(sample, code, cells, random)
    parts = [_drawn(sample.weight[code == cell], random) for cell in range(cells)]
    return np.stack([p[0] for p in parts], axis=1), np.stack([p[1] for p in parts], axis=1)


def _drawn(
    weight: NDArray[np.float64], random: np.random.RandomState
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Poisson sums of one cell; Gaussian where more than 1000 effective events make them so.

    Events of different cells are independent, so each cell is drawn for itself. No metric mixes
    counts and weights, which is why the Gaussian case may draw them apart.
    """
    total, square = float(weight.sum()), dot(weight, weight)
    if effective_number(total, square) > NORMAL_ABOVE:
        count = random.normal(weight.size, math.sqrt(weight.size), REPLICAS)
        return count, random.normal(total, math.sqrt(square), REPLICAS)
    step = max(1, DRAWS_AT_ONCE // max(1, weight.size))
    values = np.stack([np.ones(weight.size), weight], axis=1)
    sums = np.concatenate(
        [
            _poisson(random, (min(step, REPLICAS - start), weight.size)) @ values
            for start in range(0, REPLICAS, step)
        ]
    )
    return sums[:, 0], sums[:, 1]


def _poisson(random: np.random.RandomState, shape: tuple[int, int]) -> NDArray[np.int8]:
    """Poisson(1) by inversion, six times as fast as the generator's own."""
    uniform, draws = random.random_sample(shape), np.zeros(shape, np.int8)
    for threshold in POISSON:
        more = uniform > threshold
        if not more.any():
            break
        draws += more
    return draws


def _grouped_replicas(
    sample: Sample, code: NDArray[np.int_], cells: int, random: np.random.RandomState
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    assert sample.group is not None
    count, weight = np.empty((2, REPLICAS, cells))
    groups = int(sample.group.max()) + 1
    for replica in range(REPLICAS):
        draws = random.poisson(1.0, groups)[sample.group]
        count[replica] = np.bincount(code, draws, cells)
        weight[replica] = np.bincount(code, draws * sample.weight, cells)
    return count, weight
