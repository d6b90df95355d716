"""Sampling errors: influence functions, the Poisson bootstrap for few events, paired comparison."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.metric import Comparison, Estimate, Influence, Metric, Options
from fivesigma_scoring.selection.cells import TINY, Cells, Sample, effective_number

REPLICAS = 200
SEED = 20140912
FEW_EVENTS = 25.0
NORMAL_ABOVE = 1000.0
DRAWS_AT_ONCE = 2_000_000


def estimates(sample: Sample, metrics: Sequence[tuple[Metric, Options]]) -> list[Estimate]:
    """Each metric on `sample` with one standard deviation; replicas are drawn once for all.

    Parameters
    ----------
    sample
        The events of one split.
    metrics
        Lines of the registry, each with complete options as `Metric.settings` gives them.

    """
    rough = few_background_events(sample.cells) and any(one.recount is None for one, _ in metrics)
    replicas = bootstrap_cells(sample) if rough else None
    return [_estimate(metric, sample, options, replicas) for metric, options in metrics]


def _estimate(
    metric: Metric, sample: Sample, options: Options, replicas: list[Cells] | None
) -> Estimate:
    value, n = metric.function(sample, options), sample.truth.size
    if metric.is_bound(sample):
        return Estimate(value, None, n, lower_bound=True)
    if metric.recount is not None:
        if not _is_rough(metric, sample, options):
            return Estimate(value, _sigma(metric, sample, options), n)
        return Estimate(value, _spread(_recounts(metric, [sample], options)[0]), n, bootstrap=True)
    if replicas is not None:
        values = _replica_values(metric, sample, replicas, options)
        return Estimate(value, _spread(values), n, bootstrap=True)
    return Estimate(value, _sigma(metric, sample, options), n)


def _influence(metric: Metric, sample: Sample, options: Options) -> Influence:
    if metric.influence is None:
        raise ValueError(f"{metric.name} has no influence function, its sigma is from replicas.")
    return metric.influence(sample, options)


def _sigma(metric: Metric, sample: Sample, options: Options) -> float:
    return math.sqrt(_influence(metric, sample, options).variance(sample))


def _is_rough(metric: Metric, sample: Sample, options: Options) -> bool:
    if metric.is_rough is None:
        return few_background_events(sample.cells)
    return metric.is_rough(sample, options)


def few_background_events(cells: Cells) -> bool:
    """Whether n_eff of the selected background is below 25: too few for the delta method."""
    return effective_number(cells.b, float(cells.square[0, 1])) < FEW_EVENTS


def compare_samples(metric: Metric, first: Sample, second: Sample, options: Options) -> Comparison:
    """Difference of two predictions on the same events, with the error of the difference.

    Both samples hold the same truth, weight and group arrays, shape (n,).
    """
    difference = metric.function(first, options) - metric.function(second, options)
    if metric.is_bound(first) or metric.is_bound(second):
        return Comparison(difference, None, None)
    rough = any(_is_rough(metric, sample, options) for sample in (first, second))
    if rough and metric.recount is not None:
        values = _recounts(metric, [first, second], options)
        sigma = _spread(values[0] - values[1])
    elif rough:
        sigma = _paired_bootstrap(metric, first, second, options)
    else:
        sigma = _paired_sigma(metric, first, second, options)
    return Comparison(difference, sigma, None if sigma is None else p_value(difference, sigma))


def p_value(difference: float, sigma: float) -> float:
    """Two-sided Gaussian probability of at least this difference."""
    if sigma == 0:
        return 1.0 if difference == 0 else 0.0
    return math.erfc(abs(difference) / sigma / math.sqrt(2))


def _paired_sigma(metric: Metric, first: Sample, second: Sample, options: Options) -> float:
    phi: NDArray[np.float64] = _influence(metric, first, options).per_event(first)
    phi = phi - _influence(metric, second, options).per_event(second)
    if first.group is not None:
        phi = np.bincount(first.group, phi).astype(np.float64)
    return math.sqrt(float(phi @ phi))


def _paired_bootstrap(
    metric: Metric, first: Sample, second: Sample, options: Options
) -> float | None:
    code = first.truth * 4 + first.selected * 2 + second.selected
    joint = [draws.reshape(REPLICAS, 2, 2, 2) for draws in _replicas(first, code, 8)]
    values = [
        _replica_values(metric, sample, _rescaled(sample.cells, *marginal), options)
        for sample, marginal in (
            (first, [draws.sum(axis=3) for draws in joint]),
            (second, [draws.sum(axis=2) for draws in joint]),
        )
    ]
    return _spread(values[0] - values[1])


def _recounts(metric: Metric, samples: Sequence[Sample], options: Options) -> NDArray[np.float64]:
    """Values of the metric, shape (samples, REPLICAS), for predictions on the same events."""
    assert metric.recount is not None
    functions = [metric.recount(sample, options) for sample in samples]
    draws = _row_draws(samples[0])
    return np.array([[function(drawn) for function in functions] for drawn in draws]).T


def _row_draws(sample: Sample) -> Iterator[NDArray[np.int64]]:
    """How often each event (or group) counts, Poisson(1), int (n,), for each replica, seeded.

    As many events as Poisson(n) says, each drawn at random: the counts are then independent.
    """
    random = np.random.RandomState(np.random.MT19937(SEED))
    n = sample.truth.size if sample.group is None else int(sample.group.max()) + 1
    for _ in range(REPLICAS):
        draws = np.bincount(random.randint(n, size=random.poisson(n)), minlength=n)
        yield draws if sample.group is None else draws[sample.group]


def bootstrap_cells(sample: Sample) -> list[Cells]:
    """200 replicas of the cells: every event (or group) counts Poisson(1) times, seeded.

    Declared totals are restored in each replica, exactly as the metric's weights were scaled.
    """
    code = sample.truth * 2 + sample.selected
    count, weight = (draws.reshape(REPLICAS, 2, 2) for draws in _replicas(sample, code, 4))
    return _rescaled(sample.cells, count, weight)


def _rescaled(cells: Cells, count: NDArray[np.float64], weight: NDArray[np.float64]) -> list[Cells]:
    weight = weight.copy()
    for signal, total in enumerate((cells.total_background, cells.total_signal)):
        drawn = weight[:, signal].sum(axis=1)
        if cells.fixed[signal]:
            scale = np.divide(total, drawn, out=np.ones_like(drawn), where=drawn > TINY)
            weight[:, signal] *= scale[:, None]
    return [replace(cells, count=n, weight=w) for n, w in zip(count, weight, strict=True)]


def _replica_values(
    metric: Metric, sample: Sample, replicas: list[Cells], options: Options
) -> NDArray[np.float64]:
    """Values of the metric; NaN for a replica that lost a whole class and so has none."""
    return np.array(
        [
            metric.function(replace(sample, cells=cells), options)
            if (cells.count.sum(axis=1) > 0).all() and (cells.weight.sum(axis=1) > TINY).all()
            else np.nan
            for cells in replicas
        ]
    )


def _spread(values: NDArray[np.float64]) -> float | None:
    """Standard deviation over the replicas that have a value; None where hardly any has."""
    known = values[np.isfinite(values)]
    return float(np.std(known, ddof=1)) if known.size > 1 else None


def _replicas(
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
    total, square = float(weight.sum()), float(weight @ weight)
    if effective_number(total, square) > NORMAL_ABOVE:
        count = random.normal(weight.size, math.sqrt(weight.size), REPLICAS)
        return count, random.normal(total, math.sqrt(square), REPLICAS)
    step = max(1, DRAWS_AT_ONCE // max(1, weight.size))
    values = np.stack([np.ones(weight.size), weight], axis=1)
    sums = np.concatenate(
        [
            random.poisson(1.0, (min(step, REPLICAS - start), weight.size)) @ values
            for start in range(0, REPLICAS, step)
        ]
    )
    return sums[:, 0], sums[:, 1]


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
