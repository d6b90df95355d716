"""Events of one split with true and predicted values, and the checks for arrays of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fivesigma_scoring.arrays import as_weights
from fivesigma_scoring.regression.quantiles import SortedValues
from fivesigma_scoring.report import Finding, InputRefusedError
from fivesigma_scoring.slices import numbered
from fivesigma_scoring.sums import dot, dot_columns
from fivesigma_scoring.uncertainty import effective_number, summed_by_group

LARGEST = 1e50
"""Values and weights beyond this are refused: their squares would not stay finite."""
ROUNDING = 1e-9
"""Weights whose sum is below this share of the sum of their sizes cancel within rounding."""


@dataclass(frozen=True)
class Sample:
    """The events of one split with a prediction for each.

    Attributes
    ----------
    truth, prediction
        float64 (n, t) for t target columns, in physical units, sizes at most `LARGEST`.
    weight
        float64 (n,), sum above 0.
    group
        int (n,), equal for rows of one physical event; None where every row stands alone.

    """

    truth: NDArray[np.float64]
    prediction: NDArray[np.float64]
    weight: NDArray[np.float64]
    group: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        truth: NDArray[np.float64],
        prediction: NDArray[np.float64],
        weight: NDArray[np.float64],
        group: NDArray[np.int64] | None = None,
    ) -> Self:
        """A sample of checked values, shape (n,) for one target or (n, t).

        Raises
        ------
        ValueError
            There is no event, or the weights do not sum to something above 0.

        """
        check_weights(weight)
        return cls(
            truth.reshape(weight.size, -1), prediction.reshape(weight.size, -1), weight, group
        )

    def take(self, places: NDArray[np.intp]) -> Self:
        """Some of the events, at (m,) increasing places; errors as for `of`."""
        weight, group = self.weight[places], numbered(self.group, places)
        return type(self).of(self.truth[places], self.prediction[places], weight, group)

    @property
    def n(self) -> int:
        """Number of events."""
        return int(self.weight.size)

    @cached_property
    def residual(self) -> NDArray[np.float64]:
        """Prediction - truth, called r, float64 (n, t)."""
        return self.prediction - self.truth

    @cached_property
    def mean_squares(self) -> NDArray[np.float64]:
        """Weighted mean of r^2, sum w r^2 / sum w, of each target column, float64 (t,)."""
        return dot_columns(self.share, self.residual**2)

    @cached_property
    def share(self) -> NDArray[np.float64]:
        """w_i / sum w, float64 (n,)."""
        return np.asarray(self.weight / self.weight.sum())

    @cached_property
    def effective_number(self) -> float:
        """n_eff = (sum w)^2 / sum w^2 of the independent events (groups where there are any)."""
        share = summed_by_group(self.share, self)
        return effective_number(1.0, dot(share, share))

    @cached_property
    def sorted_residuals(self) -> tuple[SortedValues, ...]:
        """The residuals of each target column in ascending order, once for all metrics."""
        return tuple(SortedValues.of(column, self.weight) for column in self.residual.T)

    @cached_property
    def sorted_errors(self) -> tuple[SortedValues, ...]:
        """The same for their absolute values."""
        return tuple(SortedValues.of(np.abs(column), self.weight) for column in self.residual.T)


def sample_of_arrays(
    truth: ArrayLike,
    prediction: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    group: ArrayLike | None = None,
) -> Sample:
    """A sample of arrays as people have them at hand.

    Parameters
    ----------
    truth, prediction
        Finite numbers in physical units, shape (n,) or (n, t) for t target columns.
    weight
        Event weights, shape (n,); ones by default. Negative weights are accepted by the metrics
        that are means.
    group
        Shape (n,), equal for rows of one physical event.

    Raises
    ------
    InputRefusedError
        Arrays of another shape or type, of different lengths, or with values that are not finite
        or beyond 1e50.
    ValueError
        There is no event, or the weights do not sum to something above 0.

    """
    true, predicted = as_values(truth, "truth"), as_values(prediction, "prediction")
    if true.shape != predicted.shape:
        raise InputRefusedError(_unequal(true, predicted))
    weights = as_weights(weight, len(true))
    codes = None if group is None else _codes(group, len(true))
    return Sample.of(true, predicted, weights, codes)


def as_values(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Numbers in physical units as float64 (n, t); shape (n,) is one target column.

    Parameters
    ----------
    values
        Finite numbers, shape (n,) or (n, t).
    name
        Used in error texts.

    Raises
    ------
    InputRefusedError
        Another shape or type, or values that are not finite or beyond 1e50.

    """
    array = _as_floats(values, name)
    if array.ndim not in (1, 2) or array.shape[1:] == (0,):
        text = f"{name} has the shape {array.shape}; give one value per event, (n,) or (n, t)."
        raise InputRefusedError(_problem("wrong_shape", text))
    if not np.isfinite(array).all():
        text = f"{name} has NaN or infinite values; give every event a number."
        raise InputRefusedError(_problem("not_finite", text))
    if np.abs(array).max(initial=0.0) > LARGEST:
        raise InputRefusedError(_beyond(name))
    return array.reshape(len(array), -1) if array.size else array.reshape(0, 1)


def _as_floats(values: ArrayLike, name: str) -> NDArray[np.float64]:
    wrong = _problem("wrong_dtype", f"{name} must hold numbers, one per event and target column.")
    try:
        array = np.asarray(values)
        with np.errstate(over="ignore"):
            floats = array.astype(np.float64) if array.dtype.kind in "iufO" else None
    except OverflowError as error:
        raise InputRefusedError(_beyond(name)) from error
    except (TypeError, ValueError) as error:
        raise InputRefusedError(wrong) from error
    if floats is None:
        raise InputRefusedError(wrong)
    return floats


def _beyond(name: str) -> Finding:
    return _problem("out_of_range", f"{name} has values beyond {LARGEST:g}; look at its units.")


def _codes(group: ArrayLike, n: int) -> NDArray[np.int64]:
    """Groups as numbers 0, 1, …, shape (n,)."""
    labels = np.asarray(group)
    if labels.shape != (n,):
        text = f"group has the shape {labels.shape}, the truth has {n:,} events."
        raise InputRefusedError(_problem("wrong_shape", text))
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def check_weights(weight: NDArray[np.float64]) -> None:
    """Accept finite weights, shape (n,), that a mean can be taken with.

    Raises
    ------
    ValueError
        There is no event, or the weights do not sum to something above 0.

    """
    if not weight.size:
        raise ValueError("There is no event to score.")
    largest = float(np.abs(weight).max())
    if largest > LARGEST:
        raise ValueError(f"A weight is beyond {LARGEST:g}; scale the weights.")
    total = float(weight.sum())
    if not total > ROUNDING * float(np.abs(weight).sum()):
        raise ValueError(f"The weights sum to {total:g}, not above 0; a mean needs that.")
    if total < 1 / LARGEST:
        raise ValueError(f"The weights sum to less than {1 / LARGEST:g}; scale them.")


def _unequal(truth: NDArray[np.float64], prediction: NDArray[np.float64]) -> Finding:
    if len(truth) != len(prediction):
        text = f"prediction has {len(prediction):,} entries, truth has {len(truth):,}."
        return _problem("wrong_row_count", text)
    columns = f"prediction has {prediction.shape[1]} target columns, truth has {truth.shape[1]}."
    return _problem("wrong_shape", columns)


def _problem(code: str, text: str) -> Finding:
    return Finding(code, "error", text)
