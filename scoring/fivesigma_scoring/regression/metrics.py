"""Every metric of regressions, on the residuals r = prediction - truth in physical units.

With several target columns a metric is the mean over columns of the metric of each column
(scikit-learn's ``uniform_average``). Means are weighted by the event weights; quantiles are those
of `SortedValues`.
"""

from collections.abc import Callable
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.metric import Influence, Options, Recount
from fivesigma_scoring.regression.quantiles import SortedValues
from fivesigma_scoring.regression.sample import LARGEST, ROUNDING, Sample
from fivesigma_scoring.sums import dot, dot_columns
from fivesigma_scoring.uncertainty import FEW_EVENTS, EventInfluence

CENTRAL_68 = (0.1587, 0.8413)

PerEvent = Callable[[Sample], NDArray[np.float64]]
"""One number per event, float64 (n,), of which the metric is the weighted mean."""


def over_targets(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over target columns, (n, t) to (n,); NumPy takes milliseconds over a single one."""
    return values[:, 0] if values.shape[1] == 1 else np.asarray(values.mean(axis=1))


def absolute_error(sample: Sample) -> NDArray[np.float64]:
    """|r|, mean over target columns, shape (n,)."""
    return over_targets(np.abs(sample.residual))


def relative_error(sample: Sample) -> NDArray[np.float64]:
    """|r| / |truth|, mean over target columns, shape (n,).

    Raises
    ------
    ValueError
        A true value is 0 or below 1e-50: nothing is relative to that, whatever its weight.

    """
    size = np.abs(sample.truth)
    if size.min() < 1 / LARGEST:
        raise ValueError(
            "A true value is 0, to which no error is relative; use mae, or leave such events out."
        )
    return over_targets(np.abs(sample.residual) / size)


def error(sample: Sample) -> NDArray[np.float64]:
    """r, mean over target columns, shape (n,)."""
    return over_targets(sample.residual)


def mae(sample: Sample, _options: Options) -> float:
    """Mean absolute error, sum w |r| / sum w, in the unit of the target.

    Source: scikit-learn's ``mean_absolute_error``.
    """
    return dot(sample.share, absolute_error(sample))


def mre(sample: Sample, _options: Options) -> float:
    """Mean relative error, sum w |r|/|truth| / sum w, a fraction.

    Source: scikit-learn's ``mean_absolute_percentage_error``; but truth = 0 is refused.

    Raises
    ------
    ValueError
        As for `relative_error`.

    """
    return dot(sample.share, relative_error(sample))


def bias(sample: Sample, _options: Options) -> float:
    """Mean of r with its sign, sum w r / sum w, in the unit of the target.

    Opposite biases of two target columns cancel, as those of two events do.
    """
    return dot(sample.share, error(sample))


def rmse(sample: Sample, _options: Options) -> float:
    """Root of the mean squared error, sqrt(sum w r^2 / sum w), in the unit of the target.

    Where negative weights make the mean negative it is 0.

    Source: scikit-learn's ``root_mean_squared_error``: the root is taken for each target column.
    """
    return _root_mean(sample.mean_squares)


def median_absolute_error(sample: Sample, _options: Options) -> float:
    """Median of |r|, in the unit of the target.

    Source: scikit-learn's ``median_absolute_error`` (without weights; its weighted median does
    not count an event of weight two twice).

    Raises
    ------
    ValueError
        A weight is negative.

    """
    return _median(sample.sorted_errors)


def resolution_68(sample: Sample, _options: Options) -> float:
    """Half the width of the central 68.26 % of r, (q84.13 - q15.87)/2, in the unit of the target.

    One standard deviation where r is Gaussian, whatever its bias.

    Raises
    ------
    ValueError
        A weight is negative.

    """
    return _half_width(sample.sorted_residuals)


def _root_mean(squares: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.maximum(squares, 0.0)).mean())


def _median(columns: tuple[SortedValues, ...], draws: NDArray[np.int64] | None = None) -> float:
    return fmean(column.quantiles([0.5], draws)[0] for column in columns)


def _half_width(columns: tuple[SortedValues, ...], draws: NDArray[np.int64] | None = None) -> float:
    ends = [column.quantiles(CENTRAL_68, draws) for column in columns]
    return fmean((high - low) / 2 for low, high in ends)


def mean_influence(each: PerEvent) -> Callable[[Sample, Options], Influence]:
    """phi_i = w_i (x_i - mean) / sum w for the weighted mean of x = `each`."""

    def influence(sample: Sample, _options: Options) -> EventInfluence:
        values = each(sample)
        return EventInfluence(sample.share * (values - dot(sample.share, values)))

    return influence


def rmse_influence(sample: Sample, _options: Options) -> EventInfluence:
    """phi_i = w_i (r_i^2 - rmse^2) / (2 rmse sum w), mean over target columns.

    A column whose residuals are all 0 stays so whatever is drawn: its effect is 0.
    """
    squares = sample.mean_squares
    root = np.sqrt(np.maximum(squares, 0.0))
    slope = np.divide(0.5, root, out=np.zeros_like(root), where=root > 0)
    per_event = (sample.residual**2 - squares) * slope
    return EventInfluence(sample.share * over_targets(per_event))


def mean_recount(each: PerEvent) -> Callable[[Sample, Options], Recount]:
    """The weighted mean of x = `each` in replicas."""

    def recount(sample: Sample, _options: Options) -> Recount:
        values = each(sample)
        return lambda draws: dot(_drawn_share(sample, draws), values)

    return recount


def rmse_recount(sample: Sample, _options: Options) -> Recount:
    """The RMSE of replicas."""
    squares = sample.residual**2
    return lambda draws: _root_mean(dot_columns(_drawn_share(sample, draws), squares))


def median_recount(sample: Sample, _options: Options) -> Recount:
    """The median of |r| in replicas; an event that is drawn twice is there twice."""
    columns = sample.sorted_errors
    return lambda draws: _median(columns, draws)


def resolution_recount(sample: Sample, _options: Options) -> Recount:
    """The resolution in replicas; an event that is drawn twice is there twice."""
    columns = sample.sorted_residuals
    return lambda draws: _half_width(columns, draws)


def _drawn_share(sample: Sample, draws: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares of the weight in a replica; NaN where the weights drawn have no positive sum."""
    drawn = sample.share * draws
    total = float(drawn.sum())
    if not total > ROUNDING * float(np.abs(drawn).sum()):
        return np.full_like(drawn, np.nan)
    return np.asarray(drawn / total)


def few_events(sample: Sample, _options: Options) -> bool:
    """Whether n_eff of the events is below 25: too few for the delta method."""
    return sample.effective_number < FEW_EVENTS * (1 - ROUNDING)


def rmse_is_rough(sample: Sample, options: Options) -> bool:
    """The same, or negative weights outweigh the others: the root then has no slope."""
    squares = sample.mean_squares
    return few_events(sample, options) or bool(((squares <= 0) & sample.residual.any(axis=0)).any())
