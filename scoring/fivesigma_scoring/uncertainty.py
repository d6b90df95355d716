"""Sampling errors: influence functions, Poisson replicas, paired comparison. Knows no metric."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.metric import Comparison, Estimate, Metric, Options, Recount
from fivesigma_scoring.sums import dot

REPLICAS = 200
SEED = 20140912
FEW_EVENTS = 25.0
"""Effective events below which sigma comes from replicas: too few for the delta method."""

Chosen = tuple[Metric, Options]
"""A line of the registry with complete options, as `Metric.settings` gives them."""


class Events(Protocol):
    """The events of one split with a prediction for each."""

    @property
    def n(self) -> int:
        """Number of events."""

    @property
    def group(self) -> NDArray[np.int64] | None:
        """Shape (n,), equal for rows of one physical event; None where each row stands alone."""


@dataclass(frozen=True)
class EventInfluence:
    """phi_i of every event, shape (n,), as they stand."""

    phi: NDArray[np.float64]

    def per_event(self, _sample: Any) -> NDArray[np.float64]:
        """phi_i of every event, shape (n,)."""
        return self.phi

    def variance(self, sample: Events) -> float:
        """Sum of phi_i squared, over groups of events where the sample has groups."""
        phi = summed_by_group(self.phi, sample)
        return dot(phi, phi)


def effective_number(weight: float, square: float) -> float:
    """n_eff = (sum of w)^2 / (sum of w^2) of independent units, 0 without any."""
    return weight * weight / square if square > 0 else 0.0


def summed_by_group(phi: NDArray[np.float64], sample: Events) -> NDArray[np.float64]:
    """Effects of independent units, shape (n,) or (groups,)."""
    if sample.group is None:
        return phi
    return np.bincount(sample.group, phi).astype(np.float64)


def estimates(sample: Events, metrics: Sequence[Chosen]) -> list[Estimate]:
    """Each metric on `sample` with one standard deviation; replicas are drawn once for all."""
    values = [_by_influence(sample, metric, options) for metric, options in metrics]
    rough = [at for at, one in enumerate(values) if one.bootstrap]
    spreads = _spreads(sample, [metrics[at] for at in rough])
    for at, sigma in zip(rough, spreads, strict=True):
        values[at] = Estimate(values[at].value, sigma, sample.n, bootstrap=True)
    return values


def _by_influence(sample: Events, metric: Metric, options: Options) -> Estimate:
    """An estimate whose sigma is missing where it has to come from replicas."""
    value = metric.function(sample, options)
    if metric.is_bound(sample):
        return Estimate(value, None, sample.n, lower_bound=True)
    if metric.is_rough(sample, options) or metric.influence is None:
        return Estimate(value, None, sample.n, bootstrap=True)
    variance = metric.influence(sample, options).variance(sample)
    return Estimate(value, math.sqrt(variance), sample.n)


def _spreads(sample: Events, metrics: Sequence[Chosen]) -> list[float | None]:
    if not metrics:
        return []
    return [spread(values) for values in _recounts([sample], metrics)[0]]


def _recounts(samples: Sequence[Events], metrics: Sequence[Chosen]) -> NDArray[np.float64]:
    """Values of the replicas, shape (samples, metrics, REPLICAS), on the same events."""
    functions = [
        [recount_of(metric)(sample, options) for metric, options in metrics] for sample in samples
    ]
    values = [
        [[function(draws) for function in row] for row in functions]
        for draws in row_draws(samples[0])
    ]
    return np.moveaxis(np.array(values), 0, -1)


def recount_of(metric: Metric) -> Callable[[Any, Options], Recount]:
    """How a metric is computed on replicas; `ValueError` where it says nothing about them."""
    if metric.recount is None:
        raise ValueError(f"{metric.name} cannot be computed on replicas.")
    return metric.recount


def row_draws(sample: Events) -> Iterator[NDArray[np.int64]]:
    """How often each event (or group) counts, Poisson(1), int (n,), for each replica, seeded.

    As many events as Poisson(n) says, each drawn at random: the counts are then independent.
    """
    random = np.random.RandomState(np.random.MT19937(SEED))
    n = sample.n if sample.group is None else int(sample.group.max()) + 1
    for _ in range(REPLICAS):
        draws = np.bincount(random.randint(n, size=random.poisson(n)), minlength=n)
        yield draws if sample.group is None else draws[sample.group]


def spread(values: NDArray[np.float64]) -> float | None:
    """Standard deviation over the replicas that have a value; None where hardly any has."""
    known = values[np.isfinite(values)]
    return float(np.std(known, ddof=1)) if known.size > 1 else None


def compare_samples(metric: Metric, first: Events, second: Events, options: Options) -> Comparison:
    """Difference of two predictions on the same events, with the error of the difference.

    Both samples hold the same events with the same groups, shape (n,).
    """
    if metric.is_bound(first) or metric.is_bound(second):
        difference = metric.function(first, options) - metric.function(second, options)
        return Comparison(difference, None, None)
    if any(metric.is_rough(sample, options) for sample in (first, second)):
        values = _recounts([first, second], [(metric, options)])[:, 0]
        return comparison(metric, first, second, options, spread(values[0] - values[1]))
    return comparison(metric, first, second, options, _paired(metric, first, second, options))


def comparison(
    metric: Metric, first: Any, second: Any, options: Options, sigma: float | None
) -> Comparison:
    """The difference with its p-value; `sigma` is that of the difference."""
    difference = metric.function(first, options) - metric.function(second, options)
    return Comparison(difference, sigma, None if sigma is None else p_value(difference, sigma))


def _paired(metric: Metric, first: Events, second: Events, options: Options) -> float:
    if metric.influence is None:
        raise ValueError(f"{metric.name} has no influence function, its sigma is from replicas.")
    phi: NDArray[np.float64] = metric.influence(first, options).per_event(first)
    phi = summed_by_group(phi - metric.influence(second, options).per_event(second), first)
    return math.sqrt(dot(phi, phi))


def p_value(difference: float, sigma: float) -> float:
    """Two-sided Gaussian probability of at least this difference."""
    if sigma == 0:
        return 1.0 if difference == 0 else 0.0
    return math.erfc(abs(difference) / sigma / math.sqrt(2))
