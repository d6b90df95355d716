"""Inverted and shuffled selections are told, and nothing is said of files that are merely weak."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fivesigma_scoring import PredictionFormat
from fivesigma_scoring.selection.cells import Sample
from fivesigma_scoring.selection.diagnosis import INVERTED, SHUFFLED, diagnose
from numpy.typing import NDArray

DATA = Path(__file__).parents[4] / "shared" / "data"
TOPTAG = DATA / "toptag-reference" / "labels_pt_scores_4.npz"
HIGGS = DATA / "higgsml-real-9998" / "contiguous_7521.csv"

Floats = NDArray[np.float64]
CLASSES = [INVERTED["Class"].message]
SCORES = [INVERTED["Score"].message]
NEITHER = [SHUFFLED.message]
AUC = {0.55: 0.178, 0.6: 0.358, 0.7: 0.742, 0.9: 1.812}
"""Distance of two Gaussians of width one, for some areas under their ROC curve."""


class Events:
    """Labels, weights that differ by class, and scores of some quality."""

    def __init__(self, n: int, auc: float = 0.9, seed: int = 1, signal: float = 1 / 3) -> None:
        self.random = np.random.default_rng(seed)
        self.truth = np.arange(n) < signal * n
        self.random.shuffle(self.truth)
        self.score: Floats = self.random.normal(AUC[auc] * self.truth)
        self.weight: Floats = self.random.exponential(np.where(self.truth, 0.01, 1.0))

    def cut(self, share: float) -> NDArray[np.bool_]:
        """The share of events with the highest score."""
        return np.asarray(self.score > np.quantile(self.score, 1 - share))

    def shuffled(self) -> "Events":
        """The same scores for other events."""
        other = Events.__new__(Events)
        other.__dict__ |= self.__dict__
        other.score = self.random.permutation(self.score)
        return other

    def found(
        self,
        selected: NDArray[np.bool_],
        score: Floats | NDArray[np.bool_] | None = None,
        group: NDArray[np.int64] | None = None,
        *,
        ranked: bool = False,
    ) -> list[str]:
        """The messages on a file; `ranked` where a metric of the phase asks for the score."""
        form = PredictionFormat(rows=self.truth.size, id_column="id", needs_score=ranked)
        given = None if score is None else np.asarray(score, np.float64)
        sample = Sample.of(self.truth, selected, self.weight, group=group, score=given)
        found = diagnose(sample, form)
        assert all(one.severity == "warning" for one in found)
        return [one.message for one in found]


def test_good_files_are_left_alone() -> None:
    events = Events(20_000)
    for share in (0.01, 0.15, 0.5, 0.95):
        for ranked in (False, True):
            assert events.found(events.cut(share), events.score, ranked=ranked) == []
            assert events.found(events.cut(share), ranked=ranked) == []


def test_inverted_files() -> None:
    events = Events(20_000)
    good = events.cut(0.15)
    assert events.found(~good) == CLASSES
    assert events.found(~good, -events.score) == CLASSES + SCORES
    assert events.found(~good, events.score) == CLASSES
    assert events.found(good, 1 - events.score, ranked=True) == SCORES
    assert events.found(good & False, -events.score, ranked=True) == SCORES


def test_a_score_that_nothing_ranks_by_is_not_fetched() -> None:
    events = Events(20_000)

    def fetch() -> Floats:
        raise AssertionError

    form = PredictionFormat(rows=20_000, id_column="id")
    sample = Sample.of(events.truth, events.cut(0.15), events.weight, score=fetch)
    assert diagnose(sample, form) == []


def test_shuffled_files() -> None:
    events = Events(20_000).shuffled()
    for share in (0.15, 0.5):
        assert events.found(events.cut(share)) == NEITHER
        assert events.found(events.cut(share), events.score) == NEITHER
    assert events.found(events.cut(0.01)) == []  # 200 events tell nothing
    assert events.found(events.cut(0.01), events.score) == NEITHER
    assert events.found(events.cut(0.01) & False, events.score, ranked=True) == NEITHER


def test_useless_files_are_not_called_inverted() -> None:
    for seed in range(100):
        events = Events(1000, seed=seed).shuffled()
        told = events.found(events.cut(0.3), events.score, ranked=True)
        assert set(told) <= set(NEITHER)


def test_a_good_score_beside_unlucky_decisions_is_not_shuffled() -> None:
    events = Events(20_000)
    assert events.found(events.shuffled().cut(0.15), events.score) == []


@pytest.mark.parametrize("auc", [0.55, 0.6])
@pytest.mark.parametrize("n", [300, 3000, 30_000])
def test_mediocre_files_are_left_alone(auc: float, n: int) -> None:
    alarms = 0
    for seed in range(60):
        events = Events(n, auc, seed)
        for share in (0.01, 0.15, 0.5):
            alarms += bool(events.found(events.cut(share), events.score, ranked=True))
            alarms += bool(events.found(events.cut(share)))
    assert alarms <= (0 if auc == 0.6 else 3)


def test_shuffled_files_are_found_as_soon_as_events_can_tell() -> None:
    found = [
        bool(events.found(events.cut(0.5), events.score))
        for events in (Events(10_000, seed=seed).shuffled() for seed in range(60))
    ]
    assert sum(found) >= 50


def test_tiny_samples_say_nothing() -> None:
    for seed in range(100):
        events = Events(60, seed=seed)
        assert events.found(events.shuffled().cut(0.5), events.score) == []
        assert events.found(~events.cut(0.5), -events.score, ranked=True) == []


def test_one_rare_background_event_is_no_inversion() -> None:
    """A Gaussian would say thirty standard deviations of 1 in 100 beside 10 in a million."""
    events = Events(1_000_100, signal=1_000_000 / 1_000_100)
    selected = np.zeros(events.truth.size, bool)
    selected[np.flatnonzero(events.truth)[:10]] = True
    selected[np.flatnonzero(~events.truth)[0]] = True
    assert events.found(selected) == []


def test_constant_files() -> None:
    events = Events(20_000)
    none, flat = np.zeros(20_000, bool), np.ones(20_000)
    for selected in (none, ~none):
        assert events.found(selected, flat, ranked=True) == []
        assert events.found(selected) == []
    assert events.found(events.cut(0.15), flat, ranked=True) == []


def test_scores_with_few_values_are_cut_between_them() -> None:
    events = Events(20_000)
    good = events.cut(0.3)
    assert events.found(good, good, ranked=True) == []
    assert events.found(good, ~good, ranked=True) == SCORES
    assert events.found(~good, ~good, ranked=True) == CLASSES + SCORES


def test_most_scores_may_be_equal() -> None:
    """Three of five events share the highest, or the lowest score."""
    events = Events(20_000)
    good, capped = events.cut(0.3), np.minimum(events.score, np.quantile(events.score, 0.4))
    floored = np.maximum(events.score, np.quantile(events.score, 0.6))
    for score in (capped, floored):
        assert events.found(good, score, ranked=True) == []
        assert events.found(good, -score, ranked=True) == SCORES


def test_wild_scores_hide_nothing() -> None:
    """Of a mean over such scores nothing could be said."""
    events = Events(20_000)
    events.score[:5] = [1e300, -1e300, 1e200, -1e200, 1e100]
    assert events.found(events.cut(0.01), events.score, ranked=True) == []
    assert events.found(events.cut(0.15), -events.score, ranked=True) == SCORES


def test_signal_that_weighs_most_may_be_aimed_at() -> None:
    """Few but heavy signal events pass, with much light background."""
    events = Events(20_000)
    heavy = events.random.random(20_000) < np.where(events.truth, 0.1, 0.4)
    events.weight = np.where(events.truth == heavy, 10.0, 0.01)
    assert events.found(heavy) == []
    events.weight[:] = 1
    assert events.found(heavy) == CLASSES


def test_signal_that_weighs_most_is_a_relation() -> None:
    events = Events(20_000)
    chosen = events.random.random(20_000) < 0.3
    events.weight = np.where(events.truth & chosen, 5.0, 1.0)
    assert events.found(chosen) == []
    events.weight[:] = 1
    assert events.found(chosen) == NEITHER


def test_rows_of_one_event_count_once() -> None:
    """Forty events of a thousand rows each are no more than forty events."""
    random = np.random.default_rng(5)
    events = Events(40_000)
    group = np.repeat(np.arange(40), 1000)
    events.truth = (np.arange(40) < 20)[group]
    selected = (random.random(40) < np.where(np.arange(40) < 20, 0.3, 0.5))[group]
    events.weight[:] = 1
    assert events.found(selected) == CLASSES
    assert events.found(selected, group=group) == []
    none, score = np.zeros(40_000, bool), selected + 0.1 * random.random(40_000)
    assert events.found(none, score, ranked=True) == SCORES
    assert events.found(none, score, group=group, ranked=True) == []
    shuffled = random.random(40_000) < 0.3
    assert events.found(shuffled) == NEITHER
    assert events.found(shuffled, group=np.arange(40_000) // 4) == NEITHER


@pytest.mark.skipif(not TOPTAG.exists(), reason="the reference scores are not here")
@pytest.mark.parametrize("tagger", ["P-CNN_run0", "ParticleNet_run0", "TopoDNN_run0"])
def test_published_top_taggers(tagger: str) -> None:
    arrays = np.load(TOPTAG)
    events = Events(4)
    events.truth = arrays["label"].astype(bool)
    events.score, events.weight = arrays[tagger].astype(float), np.ones(events.truth.size)
    for share in (0.01, 0.3, 0.5):
        selected = events.cut(share)
        assert events.found(selected, events.score, ranked=True) == []
        assert events.found(~selected, 1 - events.score, ranked=True) == CLASSES + SCORES
    shuffled = events.shuffled()
    assert shuffled.found(shuffled.cut(0.3), shuffled.score, ranked=True) == NEITHER


def window(low: float, high: float) -> Callable[[dict[str, str]], bool]:
    return lambda row: low < float(row["DER_mass_MMC"]) < high


@pytest.mark.skipif(not HIGGS.exists(), reason="the real events are not here")
@pytest.mark.parametrize(
    "select",
    [
        window(100, 150),
        window(115, 130),
        lambda row: float(row["PRI_tau_pt"]) > 35,
        lambda row: float(row["DER_pt_h"]) > 100,
    ],
    ids=["window", "narrow", "tau", "boosted"],
)
def test_real_events_and_simple_cuts(select: Callable[[dict[str, str]], bool]) -> None:
    with HIGGS.open() as stream:
        rows = list(csv.DictReader(stream))
    events = Events(4)
    events.truth = np.array([row["Label"] == "s" for row in rows])
    events.weight = np.array([float(row["Weight"]) for row in rows])
    selected = np.array([select(row) for row in rows])
    assert events.found(selected) == []
    assert events.found(~selected) == CLASSES
