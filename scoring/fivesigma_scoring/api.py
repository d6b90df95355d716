"""Scoring arrays at hand: `score` and `compare`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fivesigma_scoring.arrays import as_classes, as_scores, as_weights
from fivesigma_scoring.compiled import scale
from fivesigma_scoring.files.npy import THRESHOLD
from fivesigma_scoring.metric import Comparison, Estimate, Metric
from fivesigma_scoring.registry import METRICS
from fivesigma_scoring.report import Finding, InputRefusedError
from fivesigma_scoring.selection.bootstrap import compare_samples, estimates
from fivesigma_scoring.selection.cells import Sample


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
        Labels and decisions, shape (n,): booleans, 1/0 or s/b. Metrics with `needs_score` take
        scores as prediction: numbers, larger meaning more signal-like.
    weight
        Event weights, shape (n,); ones by default.
    normalise
        Class (``s``, ``b``) to the total its weights are scaled to.
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
    sample = _sample(chosen, truth, prediction, weight, normalise)
    return estimates(sample, [(chosen, settings)])[0]


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
    first = _sample(chosen, truth, a, weight, normalise)
    second = _sample(chosen, truth, b, weight, normalise)
    return compare_samples(chosen, first, second, settings)


def _metric(name: str, options: Mapping[str, Any]) -> tuple[Metric, dict[str, Any]]:
    if name not in METRICS:
        raise ValueError(f"Unknown metric {name!r}; there are: {', '.join(METRICS)}.")
    return METRICS[name], METRICS[name].settings(options)


def _sample(
    metric: Metric,
    truth: ArrayLike,
    prediction: ArrayLike,
    weight: ArrayLike | None,
    normalise: Mapping[str, float] | None,
) -> Sample:
    label: NDArray[np.bool_] = as_classes(truth, "truth")
    score = as_scores(prediction, "prediction") if metric.needs_score else None
    selected = as_classes(prediction, "prediction") if score is None else score >= THRESHOLD
    if label.shape != selected.shape:
        text = f"prediction has {selected.size:,} entries, truth has {label.size:,}."
        raise InputRefusedError(Finding("wrong_row_count", "error", text))
    weights = as_weights(weight, label.size)
    fixed = ("b" in (normalise or {}), "s" in (normalise or {}))
    scaled = scale(label, weights, normalise)[0]
    return Sample.of(label, selected, scaled, fixed, score=score)
