"""Segmentations: pixels of a true class above 0 are scored, and predicting 0 there is wrong.

Each metric but the percentiles is a mean of ratios whose numerators and denominators are sums over
events, so that one class, `Ratios`, gives their values, their influence functions and replicas.
The unit is always the event: contributions of its pixels are summed first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.metric import Options, Recount
from fivesigma_scoring.segmentation.counts import Sample
from fivesigma_scoring.sums import dot, dot_columns
from fivesigma_scoring.uncertainty import (
    FEW_EVENTS,
    EventInfluence,
    effective_number,
    summed_by_group,
)

CLASS_RECALL = re.compile(r"class_recall_([1-9][0-9]{0,2})")
"""Names of recalls; the group is the class."""


def class_of(name: str) -> int | None:
    """The class k of ``class_recall_<k>``, None for the name of another metric."""
    found = CLASS_RECALL.fullmatch(name)
    return int(found[1]) if found else None


@dataclass(frozen=True)
class Ratios:
    """The mean over c columns of (sum of `part`) / (sum of `whole`).

    Attributes
    ----------
    part, whole
        What each event adds to numerators and denominators, shape (n, c).
    truth
        What each event adds to the truth, shape (n, c); a column that sums to 0 does not exist.

    """

    part: NDArray[np.float64]
    whole: NDArray[np.float64]
    truth: NDArray[np.float64]

    @cached_property
    def totals(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Sums over the events of part, whole and truth, each (c,)."""
        part, whole, truth = (one.sum(axis=0) for one in (self.part, self.whole, self.truth))
        return part, whole, truth

    def value(self) -> float:
        """The mean over the columns that exist; NaN without any."""
        return _mean_ratio(*self.totals)

    def recount(self, draws: NDArray[np.int64]) -> float:
        """The value where event i counts `draws[i]` times, shape (n,)."""
        times = draws.astype(np.float64)
        return _mean_ratio(
            *(dot_columns(times, one) for one in (self.part, self.whole, self.truth))
        )

    def influence(self) -> NDArray[np.float64]:
        """phi_i by the delta method: the mean of (part_i - ratio whole_i) / sum(whole), (n,)."""
        part, whole, truth = self.totals
        exists = truth > 0
        total = whole[exists]
        ratio = part[exists] / total
        effect = (self.part[:, exists] - self.whole[:, exists] * ratio) / total
        return np.asarray(effect.mean(axis=1))

    def is_rough(self, sample: Sample) -> bool:
        """Whether n_eff of the events is below 25 in the truth or denominator of a column.

        Below that the delta method falls short of the replicas: by 5 % at 15, by 20 % at 5.
        """
        exists = np.flatnonzero(self.totals[-1] > 0)
        columns = (side[:, at] for at in exists for side in (self.truth, self.whole))
        return any(_is_few(summed_by_group(one, sample)) for one in columns)


def _kept(find: Callable[[Sample], Ratios]) -> Callable[[Sample], Ratios]:
    """What `find` finds, kept with the events: value, roughness and influence need the same."""

    def kept(sample: Sample) -> Ratios:
        if find not in sample.derived:
            sample.derived[find] = find(sample)
        ratios: Ratios = sample.derived[find]
        return ratios

    return kept


def _mean_ratio(
    part: NDArray[np.float64], whole: NDArray[np.float64], truth: NDArray[np.float64]
) -> float:
    exists = truth > 0
    return float((part[exists] / whole[exists]).mean()) if exists.any() else float("nan")


def _is_few(weight: NDArray[np.float64]) -> bool:
    return effective_number(float(weight.sum()), dot(weight, weight)) < FEW_EVENTS


def _together(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """What is summed over classes, as one column, shape (n, 1)."""
    return np.asarray(counts.sum(axis=1, keepdims=True), np.float64)


@_kept
def _pixels(sample: Sample) -> Ratios:
    scored = _together(sample.truths)
    return Ratios(_together(sample.hits), scored, scored)


def voxel_accuracy(sample: Sample, _options: Options) -> float:
    """Share of all scored pixels of the split that is right; big events dominate.

    Metric: (sum of right pixels) / (sum of scored pixels), both over all events.
    """
    return _pixels(sample).value()


@_kept
def _events(sample: Sample) -> Ratios:
    ones = np.ones((sample.n, 1))
    return Ratios(sample.accuracies[:, np.newaxis], ones, ones)


def event_accuracy_mean(sample: Sample, _options: Options) -> float:
    """Mean over events of the share of their scored pixels that is right.

    Metric: (1/n) sum of a_e, a_e = right pixels of event e / scored pixels of event e.
    """
    return _events(sample).value()


@_kept
def _overlap(sample: Sample) -> Ratios:
    hits, truths, predictions = _by_class(sample)
    return Ratios(hits, truths + predictions - hits, truths)


def mean_iou(sample: Sample, _options: Options) -> float:
    """Mean intersection over union (Jaccard index) of the classes above 0.

    Metric: mean over the classes k of the split's truth of H_k / (T_k + P_k - H_k), where over all
    scored pixels T_k are of class k, P_k are predicted as k, and H_k are both.
    """
    return _overlap(sample).value()


@_kept
def _agreement(sample: Sample) -> Ratios:
    hits, truths, predictions = _by_class(sample)
    return Ratios(2 * hits, truths + predictions, truths)


def macro_f1(sample: Sample, _options: Options) -> float:
    """Mean F1 (harmonic mean of precision and recall, Dice coefficient) of the classes above 0.

    Metric: mean over the classes k of the split's truth of 2 H_k / (T_k + P_k), as in `mean_iou`.
    """
    return _agreement(sample).value()


def _by_class(
    sample: Sample,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Hits, truths and predictions, each (n, K); no scored pixel is truly of class 0."""
    sides = (sample.hits, sample.truths, sample.predictions)
    hits, truths, predictions = (side.astype(np.float64) for side in sides)
    return hits, truths, predictions


@dataclass(frozen=True)
class ClassRecall:
    """Share of the scored pixels of class k that is predicted as k."""

    k: int

    def ratios(self, sample: Sample) -> Ratios:
        """H_k / T_k of each event.

        Raises
        ------
        ValueError
            No scored pixel is of class k.

        """
        k = self.k
        if k >= sample.truths.shape[1] or not sample.truths[:, k].any():
            raise ValueError(f"No pixel of the truth is of class {k}, so its recall has no value.")
        truth = sample.truths[:, k : k + 1].astype(np.float64)
        return Ratios(sample.hits[:, k : k + 1].astype(np.float64), truth, truth)

    def value(self, sample: Sample, _options: Options) -> float:
        """Recall of class k, pooled over all events.

        Metric: H_k / T_k, where T_k scored pixels are of class k and H_k of them predicted as k.

        Raises
        ------
        ValueError
            No scored pixel is of class k.

        """
        return self.ratios(sample).value()


@dataclass(frozen=True)
class Uncertainty:
    """Influence function, roughness and replicas of a metric that is a mean of ratios."""

    ratios: Callable[[Sample], Ratios]

    def influence(self, sample: Sample, _options: Options) -> EventInfluence:
        """Effect of each event on the metric."""
        return EventInfluence(self.ratios(sample).influence())

    def is_rough(self, sample: Sample, _options: Options) -> bool:
        """Whether too few effective events stand behind a ratio for the delta method."""
        return self.ratios(sample).is_rough(sample)

    def recount(self, sample: Sample, _options: Options) -> Recount:
        """The metric of replicas; NaN for one that lost every class."""
        return self.ratios(sample).recount


of_pixels, of_events = Uncertainty(_pixels), Uncertainty(_events)
of_overlap, of_agreement = Uncertainty(_overlap), Uncertainty(_agreement)


@dataclass(frozen=True)
class EventPercentile:
    """A percentile of the per-event accuracies: `percent` of the events lie below it."""

    percent: int

    def value(self, sample: Sample, _options: Options) -> float:
        """Percentile of the accuracies a_e of `event_accuracy_mean`, linear between two events.

        Metric: the sorted a_e at position (n - 1) percent / 100, counted from 0 (NumPy's default).
        Source: definition 7 of Hyndman and Fan, Am. Stat. 50 (1996) 361.
        """
        return float(np.percentile(sample.accuracies, self.percent))

    def recount(self, sample: Sample, _options: Options) -> Recount:
        """The same for replicas, as if each event stood there as often as it is drawn."""
        order = np.argsort(sample.accuracies)
        ordered = sample.accuracies[order]

        def replica(draws: NDArray[np.int64]) -> float:
            upto = np.cumsum(draws[order])
            if upto[-1] == 0:
                return float("nan")
            place = (upto[-1] - 1) * (self.percent / 100)
            around = (np.floor(place), min(np.floor(place) + 1, upto[-1] - 1))
            low, high = ordered[np.searchsorted(upto, around, "right")]
            return _between(low, high, place % 1)

        return replica


def _between(low: float, high: float, share: float) -> float:
    """Linear between two values, from the nearer one as NumPy does, so that no bit differs."""
    step = high - low
    return float(low + step * share if share < 1 / 2 else high - step * (1 - share))
