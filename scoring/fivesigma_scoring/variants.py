"""Robustness variants: nominal and shifted inputs of one test set, scored apart and together.

The weights of a shifted variant are scaled by factors that the nominal rows give, and rows of
different variants may be one physical event. So the effects of events on metrics are added up over
independent units that all variants of a split share, and replicas draw these units.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import Any, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.metric import Estimate, Metric, Options
from fivesigma_scoring.sums import dot
from fivesigma_scoring.uncertainty import REPLICAS, Chosen, recount_of, row_draws, spread

NOMINAL = "nominal"
MOST_VARIANTS = 100

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Recounts = Callable[[Codes, Codes], Sequence[float]]
"""Metrics where the variant's own (n,) and the nominal events (m,) count a number of times."""


@dataclass(frozen=True)
class Variants:
    """Which variant each event of a solution belongs to.

    Attributes
    ----------
    names
        ``nominal`` first, then the others in alphabetical order.
    code
        int64 (n,), index into `names`.

    """

    names: tuple[str, ...]
    code: Codes

    @classmethod
    def of(cls, text: pl.Series) -> Self:
        """Variants from a text column with the name of each event.

        Raises
        ------
        ValueError
            None is called ``nominal``, or there are more than `MOST_VARIANTS`.

        """
        found = text.unique()
        if len(found) > MOST_VARIANTS:
            raise ValueError(
                f"names {len(found):,} variants, more than {MOST_VARIANTS}; is it the right column?"
            )
        words = sorted(found.to_list())
        if NOMINAL not in words:
            raise ValueError(
                f"has no row of the variant {NOMINAL!r}, it has {', '.join(words)}; call the rows "
                "without a shift so."
            )
        names = (NOMINAL, *(word for word in words if word != NOMINAL))
        code = text.replace_strict(names, range(len(names)), return_dtype=pl.Int64)
        return cls(names, code.to_numpy())

    def __getitem__(self, order: NDArray[np.int64]) -> Self:
        """The same events in another order."""
        return replace(self, code=self.code[order])


def common_units(nominal: Codes, shifted: Sequence[Codes]) -> list[Codes]:
    """Groups of shifted variants, numbered so that they fit to those of the nominal rows.

    Parameters
    ----------
    nominal, shifted
        Group of each event, each (n,) with n of its own. The nominal groups are taken to be
        numbered in ascending order, from 0 without gaps; the others follow on them.

    """
    known = np.unique(nominal)
    others = np.setdiff1d(np.concatenate([known[:0], *shifted]), known)
    everything = np.concatenate([known, others])
    order = np.argsort(everything)
    return [order[np.searchsorted(everything[order], group)] for group in shifted]


class Linked(Protocol):
    """The events of a variant, and what their metrics owe to the nominal ones."""

    @property
    def sample(self) -> Any:
        """The events of the variant with a prediction, as their kind has them."""

    def effects(self, metric: Metric, options: Options) -> tuple[Floats, Floats | None]:
        """phi_i of the variant's own events (n,) and of the nominal ones (m,); None where 0."""

    def recounts(self, metrics: Sequence[Chosen]) -> Recounts:
        """The metrics of replicas; NaN where one has no value."""


@dataclass(frozen=True)
class Apart:
    """The events of a variant where nothing depends on the nominal ones."""

    sample: Any

    def effects(self, metric: Metric, options: Options) -> tuple[Floats, Floats | None]:
        """phi_i of the events (n,)."""
        assert metric.influence is not None
        return metric.influence(self.sample, options).per_event(self.sample), None

    def recounts(self, metrics: Sequence[Chosen]) -> Recounts:
        """The metrics of replicas, each as it says."""
        functions = [recount_of(metric)(self.sample, options) for metric, options in metrics]
        return lambda own, _nominal: [function(own) for function in functions]


def apart(sample: Any, _nominal: Any) -> Apart:
    """`Apart` as a kind's way to link its variants."""
    return Apart(sample)


@dataclass(frozen=True)
class Units:
    """Independent units, for replicas to draw."""

    n: int
    group: None = None


@dataclass(frozen=True)
class VariantEvents:
    """The events of all variants of one split.

    Attributes
    ----------
    linked
        Each variant, the nominal one first.
    units
        Number of the independent unit of each event, int64 (n,) for each variant.

    """

    linked: Sequence[Linked]
    units: Sequence[Codes]

    @classmethod
    def of(cls, linked: Sequence[Linked], groups: Sequence[Codes | None]) -> Self:
        """Groups as `common_units` numbers them, or None where each event stands alone."""
        ends = np.cumsum([one.sample.n for one in linked])
        units = [
            np.arange(end - one.sample.n, end) if group is None else group
            for one, group, end in zip(linked, groups, ends, strict=True)
        ]
        return cls(linked, units)

    @cached_property
    def count(self) -> int:
        """Number of units."""
        return 1 + max(int(unit.max()) for unit in self.units)

    def estimates(
        self, metrics: Sequence[Chosen], nominal: Sequence[Estimate], rank: str
    ) -> tuple[list[Estimate], list[list[Estimate]]]:
        """What stands in the columns of the board, and each variant for itself.

        Parameters
        ----------
        metrics
            What to compute.
        nominal
            The metrics on the nominal rows, as their kind gives them.
        rank
            What is shown: ``nominal``, the ``mean`` over all variants, or the ``worst`` of them.

        Returns
        -------
        tuple
            Estimates [metric], and estimates [metric][variant].

        """
        judged = [
            [first, *(_judged(one.sample, *chosen) for one in self.linked[1:])]
            for chosen, first in zip(metrics, nominal, strict=True)
        ]
        drawn = self._replicas(metrics, judged, first=0 if rank == "mean" else 1)
        columns = [
            [column[0], *(self._finished(at, column[at], *pair) for at in range(1, len(column)))]
            for column, pair in zip(judged, zip(metrics, drawn, strict=True), strict=True)
        ]
        shown = [
            self._shown(rank, column, *pair)
            for column, pair in zip(columns, zip(metrics, drawn, strict=True), strict=True)
        ]
        return shown, columns

    def _finished(self, at: int, one: Estimate, chosen: Chosen, drawn: Floats | None) -> Estimate:
        """The estimate of a shifted variant with its sigma."""
        if one.lower_bound:
            return one
        if one.bootstrap and drawn is not None:
            return replace(one, sigma=spread(drawn[at]))
        return replace(one, sigma=_length(self._effects(at, *chosen)))

    def _shown(
        self, rank: str, column: list[Estimate], chosen: Chosen, drawn: Floats | None
    ) -> Estimate:
        if rank == "nominal" or len(column) == 1:
            return column[0]
        if rank == "worst":
            return min(column, key=lambda one: chosen[0].rank_key(one.value))
        return self._mean(column, chosen, drawn)

    def _mean(self, column: list[Estimate], chosen: Chosen, drawn: Floats | None) -> Estimate:
        """The mean over variants; what they share fluctuates together."""
        mean = Estimate(fmean(one.value for one in column), None, sum(one.n for one in column))
        if any(one.lower_bound for one in column):
            return replace(mean, lower_bound=True)
        if drawn is not None:
            return replace(mean, sigma=spread(drawn.mean(axis=0)), bootstrap=True)
        effects = [self._effects(at, *chosen) for at in range(len(column))]
        return replace(mean, sigma=_length(np.add.reduce(effects) / len(column)))

    def _effects(self, at: int, metric: Metric, options: Options) -> Floats:
        """Effects of independent units on a metric of the variant `at`, shape (units,)."""
        own, nominal = self.linked[at].effects(metric, options)
        effects = np.bincount(self.units[at], own, self.count).astype(np.float64)
        if nominal is not None:
            effects += np.bincount(self.units[0], nominal, self.count)
        return effects

    def _replicas(
        self, metrics: Sequence[Chosen], judged: Sequence[Sequence[Estimate]], first: int
    ) -> list[Floats | None]:
        """For each metric that needs them values in replicas (variants, REPLICAS), else None.

        Those of the variants before `first` are not needed, and NaN.
        """
        rough = [
            at for at, column in enumerate(judged) if any(one.bootstrap for one in column[first:])
        ]
        if not rough:
            return [None] * len(metrics)
        functions = [one.recounts([metrics[at] for at in rough]) for one in self.linked[first:]]
        values = np.full((len(rough), len(self.linked), REPLICAS), np.nan)
        for replica, draws in enumerate(row_draws(Units(self.count))):
            nominal = draws[self.units[0]]
            for at, function in enumerate(functions, first):
                values[:, at, replica] = function(draws[self.units[at]], nominal)
        return [values[rough.index(at)] if at in rough else None for at in range(len(metrics))]


def _length(effects: Floats) -> float:
    """Standard deviation of a sum of independent effects."""
    return math.sqrt(dot(effects, effects))


def _judged(sample: Any, metric: Metric, options: Options) -> Estimate:
    """The value, and how its sigma, still missing, has to be found."""
    value = metric.function(sample, options)
    if metric.is_bound(sample):
        return Estimate(value, None, sample.n, lower_bound=True)
    rough = metric.influence is None or bool(metric.is_rough(sample, options))
    return Estimate(value, None, sample.n, bootstrap=rough)
