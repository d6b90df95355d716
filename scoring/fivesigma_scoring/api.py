"""Scoring arrays at hand: `score` and `compare`."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from fivesigma_scoring.kinds import KINDS
from fivesigma_scoring.metric import Comparison, Estimate, Metric
from fivesigma_scoring.registry import METRICS, names_of


def score(
    metric: str,
    truth: ArrayLike,
    prediction: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    normalise: Mapping[str, float] | None = None,
    **options: Any,
) -> Estimate:
    """A metric with its sampling error.

    Parameters
    ----------
    metric
        Name in `METRICS`.
    truth, prediction
        Selection: labels and decisions, shape (n,), as booleans, 1/0 or s/b; metrics with
        `needs_score` take scores as prediction: numbers, larger meaning more signal-like.
        Segmentation: class numbers, shape (events, pixels…). Regression: values in physical units,
        shape (n,) or (n, targets).
    weight
        Event weights, shape (n,); ones by default; masks have none.
    normalise
        Selection: class (``s``, ``b``) to the total its weights are scaled to.
    **options
        As the metric's `options` says, such as ``regularisation=10``.

    Raises
    ------
    ValueError
        Unknown metric or option, a class without events or weight, or arrays that do not fit
        (`InputRefusedError`).

    Examples
    --------
    >>> round(score("purity", ["s", "b", "b"], ["s", "s", "b"]).value, 2)
    0.5

    """
    chosen, settings = _metric(metric, options)
    kind = KINDS[chosen.kind]
    sample = kind.sample_of(chosen, truth, prediction, weight, normalise)
    return kind.estimates(sample, [(chosen, settings)])[0]


def compare(
    metric: str,
    truth: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    normalise: Mapping[str, float] | None = None,
    **options: Any,
) -> Comparison:
    """Metric of `a` minus metric of `b` on the same events, with the error of the difference.

    Parameters
    ----------
    metric, truth, weight, normalise, **options
        As for `score`.
    a, b
        Two predictions, shape (n,).

    Raises
    ------
    ValueError
        As for `score`.

    """
    chosen, settings = _metric(metric, options)
    kind = KINDS[chosen.kind]
    first = kind.sample_of(chosen, truth, a, weight, normalise)
    second = kind.sample_of(chosen, truth, b, weight, normalise)
    return kind.compare(chosen, first, second, settings)


def _metric(name: str, options: Mapping[str, Any]) -> tuple[Metric, dict[str, Any]]:
    if name not in METRICS:
        raise ValueError(f"Unknown metric {name!r}; there are: {', '.join(names_of())}.")
    return METRICS[name], METRICS[name].settings(options)
