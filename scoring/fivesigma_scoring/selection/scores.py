"""Metrics of the score column: AUC, background rejection at a signal efficiency, maximal SIC.

All of them depend on the order of the scores alone, through what passes at each threshold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.metric import Options, Recount
from fivesigma_scoring.selection.cells import TINY, Sample
from fivesigma_scoring.selection.metrics import VANISHING
from fivesigma_scoring.selection.ranking import Passing
from fivesigma_scoring.sums import dot
from fivesigma_scoring.uncertainty import FEW_EVENTS, EventInfluence, effective_number

ROUNDING = 1e-9
"""Relative error that running sums of weights may have."""
DEVIATIONS = np.linspace(-4, 4, 161)


def auc(sample: Sample, options: Options) -> float:
    """Area under the ROC curve: P(score of signal > score of background), ties count one half.

    Source: Mann and Whitney, Ann. Math. Statist. 18 (1947) 50; by weight with the option
    `weighted`.
    """
    return _auc(sample.ranking.passing, weighted=options["weighted"])


def _auc(passing: Passing, *, weighted: bool) -> float:
    signal, background = _sums(passing, weighted=weighted)
    beaten = background[-1] - _middle(background)
    return dot(np.diff(signal, prepend=0.0), beaten) / float(signal[-1] * background[-1])


def _sums(passing: Passing, *, weighted: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if weighted:
        return passing.signal, passing.background
    return passing.signal_count, passing.background_count


def _middle(passed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over what scores higher, plus half of what scores the same, shape (m,)."""
    return passed - np.diff(passed, prepend=0.0) / 2


@dataclass(frozen=True)
class AucInfluence:
    """phi_i from a table over classes and thresholds, shape (2, m), times w_i where `weighted`."""

    table: NDArray[np.float64]
    weighted: bool

    def per_event(self, sample: Sample) -> NDArray[np.float64]:
        """phi_i of every event, shape (n,)."""
        phi: NDArray[np.float64] = self.table.ravel()[sample.ranking.cell]
        return phi * sample.weight if self.weighted else phi

    def variance(self, sample: Sample) -> float:
        """Sum of phi_i squared; from sums over thresholds unless rows are grouped."""
        if sample.group is not None:
            return EventInfluence(self.per_event(sample)).variance(sample)
        moments = sample.ranking.moments(weighted=self.weighted)
        return dot((self.table**2).ravel(), moments.ravel())


def auc_influence(sample: Sample, options: Options) -> AucInfluence:
    """phi_i = w_i (V_i - AUC) / (sum of w of its class).

    V_i is the share of the other class that event i is ordered rightly against.

    Source: DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988) 837.
    """
    passing, weighted = sample.ranking.passing, options["weighted"]
    signal, background = _sums(passing, weighted=weighted)
    area = _auc(passing, weighted=weighted)
    wins = 1 - _middle(background) / background[-1]
    loses = _middle(signal) / signal[-1]
    table = np.stack([(loses - area) / background[-1], (wins - area) / signal[-1]])
    return AucInfluence(table, weighted)


def auc_recount(sample: Sample, options: Options) -> Recount:
    """The AUC of replicas; NaN for one that lost a class."""
    area = partial(_auc, weighted=options["weighted"])
    return _unless_lost(sample.ranking.recounted, area)


def few_of_a_class(sample: Sample, options: Options) -> bool:
    """Whether n_eff of signal or background is below 25: too few for the delta method."""
    cells = sample.cells if options["weighted"] else sample.cells.unweighted()
    sums, squares = cells.weight.sum(axis=1), cells.square.sum(axis=1)
    return any(effective_number(*one) < FEW_EVENTS for one in zip(sums, squares, strict=True))


def _unless_lost(recounted: Callable[[Any], Passing], value: Callable[[Passing], float]) -> Recount:
    def replica(draws: NDArray[np.int64]) -> float:
        passing = recounted(draws)
        counts = (passing.signal_count[-1], passing.background_count[-1])
        weights = (passing.signal[-1], passing.background[-1])
        return value(passing) if min(counts) > 0 and min(weights) > TINY else float("nan")

    return replica


def _threshold(passing: Passing, percent: int) -> int:
    """Number of the threshold at the k-th highest signal score, k = ceil(percent n_S / 100)."""
    wanted = -(-percent * int(passing.signal_count[-1]) // 100)
    return int(np.searchsorted(passing.signal_count, wanted))


def _passes_nothing(passing: Passing, at: int) -> bool:
    return bool(passing.background[at] <= VANISHING * passing.background[-1])


def _rejection(passing: Passing, *, percent: int) -> float:
    at = _threshold(passing, percent)
    total = float(passing.background[-1])
    if _passes_nothing(passing, at):
        return effective_number(total, float(passing.square[-1]))
    return total / float(passing.background[at])


@dataclass(frozen=True)
class RejectionAt:
    """Background rejection 1/eps_B where `percent` of the signal passes.

    The threshold is the k-th highest signal score, k = ceil(percent n_S / 100), by number of
    events; what scores the same passes too, nothing is interpolated. eps_B is by weight.
    """

    percent: int

    def value(self, sample: Sample, _options: Options) -> float:
        """B / b; n_eff of all background where none passes."""
        return _rejection(sample.ranking.passing, percent=self.percent)

    def is_bound(self, sample: Sample) -> bool:
        """No background passes: the rejection is then only known to be at least n_eff."""
        passing = sample.ranking.passing
        return _passes_nothing(passing, _threshold(passing, self.percent))

    def is_rough(self, sample: Sample, _options: Options) -> bool:
        """Whether n_eff of the passing background is below 25."""
        passing = sample.ranking.passing
        at = _threshold(passing, self.percent)
        return effective_number(passing.background[at], passing.square[at]) < FEW_EVENTS

    def influence(self, sample: Sample, _options: Options) -> "RejectionInfluence":
        """phi_i of background through eps_B, of signal through the threshold it moves.

        With R = 1/eps_B: phi_i = -R^2 w_i (pass_i - eps_B) / B for background, and
        (dR / d eps_S) (pass_i - eps_S) / n_S for signal, by number of events.
        """
        passing = sample.ranking.passing
        at = _threshold(passing, self.percent)
        n, total = passing.signal_count[-1], passing.background[-1]
        share = passing.signal_count[at] / n
        accepted = passing.background[at] / total
        slope, steep = _slope(passing, self.percent) / n, -1 / total / accepted**2
        signal = (-slope * share, slope * (1 - share))
        background = (-steep * accepted, steep * (1 - accepted))
        return RejectionInfluence(at, np.array([background, signal]))

    def recount(self, sample: Sample, _options: Options) -> Recount:
        """The rejection of replicas, each with a threshold of its own; NaN without a class."""
        return _unless_lost(sample.ranking.recounted, partial(_rejection, percent=self.percent))


@dataclass(frozen=True)
class RejectionInfluence:
    """phi_i from whether an event passes the threshold `at`.

    `coefficients` (2, 2) are indexed [is signal][passes]; those of background are times w_i.
    """

    at: int
    coefficients: NDArray[np.float64]

    def per_event(self, sample: Sample) -> NDArray[np.float64]:
        """phi_i of every event, shape (n,)."""
        passes = (sample.ranking.code <= self.at).astype(np.intp)
        phi: NDArray[np.float64] = self.coefficients[sample.truth.astype(np.intp), passes]
        return phi * np.where(sample.truth, 1.0, sample.weight)

    def variance(self, sample: Sample) -> float:
        """Sum of phi_i squared; from what passes unless rows are grouped."""
        if sample.group is not None:
            return EventInfluence(self.per_event(sample)).variance(sample)
        passing = sample.ranking.passing
        moments = np.array([one[[-1, self.at]] for one in (passing.square, passing.signal_count)])
        moments[:, 0] -= moments[:, 1]
        return float((self.coefficients**2 * moments).sum())


def _slope(passing: Passing, percent: int) -> float:
    """By how much the rejection grows with the share of signal above a fixed threshold.

    The number of passing signal events fluctuates like a Gaussian of variance n_S eps_S (1 - eps_S)
    and moves the threshold along the ROC curve, a staircase. The slope is the one that gives the
    rejection the standard deviation it has along these steps; the outermost are kept finite.
    """
    n, chosen = passing.signal_count[-1], passing.background[_threshold(passing, percent)]
    width = np.sqrt(n * percent / 100 * (1 - percent / 100))
    rank = np.ceil(percent * n / 100) + width * DEVIATIONS
    at = np.searchsorted(passing.signal_count, np.clip(np.rint(rank), 1, n))
    rejection = passing.background[-1] / np.maximum(passing.background[at], chosen / 10)
    density = np.exp(-(DEVIATIONS**2) / 2)
    mean = np.average(rejection, weights=density)
    spread = np.sqrt(np.average((rejection - mean) ** 2, weights=density))
    return float(spread * n / width)


def max_sic(sample: Sample, _options: Options) -> float:
    """Maximal significance improvement, the maximum of eps_S / sqrt(eps_B) over thresholds.

    Thresholds count where n_eff of the passing background is at least 25; without any, everything
    is selected, which improves by the factor 1.
    """
    return _max_sic(sample.ranking.passing)


def _max_sic(passing: Passing) -> float:
    total = passing.background[-1]
    enough = passing.effective_background() >= FEW_EVENTS * (1 - ROUNDING)
    enough &= passing.background > VANISHING * total
    if not enough.any():
        return 1.0
    efficiency = passing.signal[enough] / passing.signal[-1]
    return float((efficiency / np.sqrt(passing.background[enough] / total)).max())


def separates_perfectly(sample: Sample) -> bool:
    """All signal passes where n_eff of the background is still below 25: only a bound is known."""
    passing = sample.ranking.passing
    at = int(np.searchsorted(passing.signal_count, passing.signal_count[-1]))
    return bool(passing.effective_background()[at] < FEW_EVENTS * (1 - ROUNDING))


def max_sic_recount(sample: Sample, _options: Options) -> Recount:
    """The maximum of replicas, over thresholds one per cent of n_eff apart."""
    return _unless_lost(sample.ranking.thinned().recounted, _max_sic)


rejection_at_30 = RejectionAt(30)
rejection_at_50 = RejectionAt(50)
