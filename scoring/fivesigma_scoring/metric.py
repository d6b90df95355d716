"""What a metric is, and what comes out of one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Options = Mapping[str, Any]
Recount = Callable[[NDArray[np.int64]], float]
"""The metric where each event counts a number of times, int (n,); NaN where it has no value."""


@dataclass(frozen=True)
class Estimate:
    """A metric with its sampling error.

    Attributes
    ----------
    value
        The metric, always finite.
    sigma
        One standard deviation from the finite test set; None where it is not defined: for lower
        bounds, and where hardly a replica keeps both classes.
    n
        Number of events of the split.
    lower_bound
        The value is only known to be at least this (shown with "≥").
    bootstrap
        sigma comes from Poisson replicas: fewer than 25 effective background events passed (for the
        AUC: a class has fewer), or the metric is a maximum.

    """

    value: float
    sigma: float | None
    n: int
    lower_bound: bool = False
    bootstrap: bool = False

    def as_json(self) -> dict[str, Any]:
        """The estimate as a plain dict that ``json`` can write."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(**value)


@dataclass(frozen=True)
class Comparison:
    """Two predictions on the same events; the luck they share cancels.

    Attributes
    ----------
    difference
        Metric of the first minus metric of the second.
    sigma
        Standard deviation of the difference; None where one of the two is a lower bound.
    p_value
        Two-sided probability of a difference at least this large by chance (Gaussian).

    """

    difference: float
    sigma: float | None
    p_value: float | None


class Influence(Protocol):
    """The effect of each event on a metric."""

    def per_event(self, sample: Any) -> NDArray[np.float64]:
        """phi_i of every event, shape (n,), in units of the metric."""

    def variance(self, sample: Any) -> float:
        """Sum of phi_i squared, over groups of events where the sample has groups."""


def never(_sample: Any, _options: Any = None) -> bool:
    """For metrics that always have a value of their own, and a sigma from their influence."""
    return False


def always(_sample: Any, _options: Any = None) -> bool:
    """For metrics without a useful derivative: sigma always comes from replicas."""
    return True


@dataclass(frozen=True)
class Metric:
    """One line of the registry.

    Attributes
    ----------
    name, title, kind
        Fixed name, name for people, metric family.
    higher_is_better
        Direction of the ranking.
    best, worst
        Bounds; None where the bound depends on the data or does not exist.
    digits
        Decimals shown to participants while a phase is blind.
    needs_score
        Whether the prediction must have a score column.
    options
        Names and default values of what a phase may set.
    formula
        The definition, as text for cards and help.
    function
        ``function(sample, options)`` gives the value.
    influence
        ``influence(sample, options)`` gives the effect of each event; None where sigma always comes
        from replicas.
    is_bound
        ``is_bound(sample)`` says whether the value is only a lower bound.
    is_rough
        ``is_rough(sample, options)`` says whether sigma must come from replicas.
    recount
        ``recount(sample, options)`` gives the metric of replicas; None where it needs none, or
        where its kind draws replicas of something smaller than the events.
    by_magnitude
        Whether the absolute value is what ranks.
    percent
        Whether people are shown the value times one hundred.

    """

    name: str
    title: str
    kind: str
    higher_is_better: bool
    best: float | None
    worst: float | None
    digits: int
    formula: str
    function: Callable[[Any, Options], float]
    influence: Callable[[Any, Options], Influence] | None
    needs_score: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    is_bound: Callable[[Any], bool] = never
    is_rough: Callable[[Any, Options], bool] = never
    recount: Callable[[Any, Options], Recount] | None = None
    by_magnitude: bool = False
    percent: bool = False

    @property
    def direction(self) -> str:
        """What ranks first, for people: "higher is better"."""
        if self.by_magnitude:
            return (
                "the farther from 0 the better" if self.higher_is_better else "closest to 0 is best"
            )
        return "higher is better" if self.higher_is_better else "lower is better"

    def rank_key(self, value: float) -> float:
        """A number that is larger for the better of two values."""
        size = abs(value) if self.by_magnitude else value
        return size if self.higher_is_better else -size

    def settings(self, options: Options) -> dict[str, Any]:
        """Defaults overridden by `options`.

        Raises
        ------
        ValueError
            An option is unknown, of another type than its default, or a negative number.

        """
        for name, value in options.items():
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise ValueError(f"{self.name} has no option {name!r}; it knows: {known}.")
            _check_option(self.name, name, value, self.options[name])
        return {**self.options, **options}


def _check_option(metric: str, name: str, value: Any, default: Any) -> None:
    if isinstance(default, bool) != isinstance(value, bool):
        wanted = "true or false" if isinstance(default, bool) else "a number"
        raise ValueError(f"Option {name} of {metric} must be {wanted}, not {value!r}.")
    if not isinstance(default, bool) and not _is_amount(value):
        raise ValueError(
            f"Option {name} of {metric} must be a number of at least 0, not {value!r}."
        )


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value)) and value >= 0
