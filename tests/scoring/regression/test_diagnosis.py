"""Inverted, shuffled and scaled regressions are told; nothing is said of those that are weak."""

import csv
from pathlib import Path

import numpy as np
import pytest
from fivesigma_scoring import PredictionFormat
from fivesigma_scoring.regression.diagnosis import diagnose, scale
from fivesigma_scoring.regression.sample import Sample
from numpy.typing import NDArray

HIGGS = Path(__file__).parents[4] / "shared/data/higgsml-real-9998/contiguous_7521.csv"
N = 5000

Floats = NDArray[np.float64]


def found(truth: Floats, prediction: Floats, group: NDArray[np.int64] | None = None) -> list[str]:
    """Codes of what is said of one target."""
    form = PredictionFormat(rows=0, id_column="id", kind="regression", targets=("mass",))
    sample = Sample.of(truth, prediction, np.ones(truth.size), group)
    findings = diagnose(sample, form)
    assert all(one.severity == "warning" and one.column == "mass" for one in findings)
    return [one.code for one in findings]


def masses(seed: int = 1, n: int = N) -> tuple[np.random.Generator, Floats]:
    random = np.random.default_rng(seed)
    return random, random.uniform(85, 500, n)


def weak(truth: Floats, r: float, random: np.random.Generator, *, shrunk: bool) -> Floats:
    """A prediction of correlation r; a shrunk one has the least squared error."""
    noise = random.normal(size=truth.size) * truth.std()
    centred = r * (truth - truth.mean()) + np.sqrt(1 - r**2) * noise
    return np.asarray(truth.mean() + centred * (r if shrunk else 1.0))


def test_good_files_are_left_alone() -> None:
    random, truth = masses()
    assert found(truth, truth) == []
    assert found(truth, truth * random.normal(1, 0.1, N)) == []
    assert found(truth, truth + 60) == []
    assert found(truth, truth * 1.3) == []
    assert found(truth, truth / 1.3) == []


@pytest.mark.parametrize("n", [200, 1500, N])
@pytest.mark.parametrize("r", [0.15, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("shrunk", [True, False])
@pytest.mark.parametrize("centre", [0.0, 300.0])
def test_weak_files_are_left_alone(n: int, r: float, shrunk: bool, centre: float) -> None:
    alarms = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        truth = random.normal(centre, 50, n)
        alarms += bool(found(truth, weak(truth, r, random, shrunk=shrunk)))
    assert alarms == 0


def test_inverted_files() -> None:
    random, truth = masses()
    noisy = truth * random.normal(1, 0.3, N)
    assert found(truth, -noisy) == ["looks_inverted"]
    assert found(truth, 585 - noisy) == ["looks_inverted"]
    assert found(truth, 1e4 / np.abs(noisy)) == ["looks_inverted"]
    assert found(truth, -1000 * noisy) == ["looks_inverted"]


def test_useless_files_are_not_called_inverted() -> None:
    """Some correlate negatively, by chance or a little."""
    for seed in range(60):
        random, truth = masses(seed, 150)
        assert found(truth, weak(truth, -0.3, random, shrunk=False)) == []
    random, truth = masses()
    assert found(truth, weak(truth, -0.2, random, shrunk=False)) == []


def test_who_is_wrong_in_the_bulk_or_in_the_tail_only_has_not_inverted() -> None:
    random = np.random.default_rng(3)
    truth = random.exponential(1, N)
    prediction = -truth
    prediction[truth > 4] = 100 * truth[truth > 4]
    assert found(truth, prediction) == []
    assert found(truth, np.where(truth > 4, -100 * truth, truth)) == []


def test_shuffled_files() -> None:
    random, truth = masses()
    noisy = truth * random.normal(1, 0.3, N)
    assert found(truth, random.permutation(noisy)) == ["looks_shuffled"]
    assert found(truth, np.roll(truth, 1)) == ["looks_shuffled"]
    told = sum(bool(found(truth, random.permutation(noisy))) for _ in range(60))
    assert told >= 55
    assert found(truth[:500], random.permutation(truth[:500])) == []  # too few to tell


def test_who_knows_nothing_and_says_so_has_not_shuffled() -> None:
    random, truth = masses()
    for width in (0, 1e-9, 1, 30):
        assert found(truth, truth.mean() + random.normal(0, 1, N) * width) == []


def test_wild_values_hide_nothing() -> None:
    random, truth = masses()
    noisy = truth * random.normal(1, 0.1, N)
    noisy[:3] = [1e50, -1e50, 1e9]
    assert found(truth, noisy) == []
    assert found(truth, 1000 * np.clip(noisy, -1e6, 1e6)) == ["looks_scaled"]
    mixed = random.permutation(noisy)
    assert found(truth, mixed) == ["looks_shuffled"]


def test_who_knows_the_tail_only_has_not_shuffled() -> None:
    random = np.random.default_rng(3)
    truth = random.exponential(1, N)
    prediction = random.exponential(1, N)
    prediction[truth > 3] = truth[truth > 3]
    assert found(truth, prediction) == []


def test_who_knows_the_bulk_only_has_not_shuffled() -> None:
    """Pearson's coefficient sees nothing but these few events."""
    random, truth = masses()
    prediction = truth * random.normal(1, 0.1, N)
    prediction[:50] = random.normal(0, 1e6, 50)
    assert found(truth, prediction) == []


@pytest.mark.parametrize(
    ("times", "factor"),
    [
        (1000, 1000),
        (1e-3, 1e-3),
        (1e6, 1e6),
        (0.97e-6, 1e-6),
        (2, 2),
        (1.55, 2),
        (0.52, 1 / 2),
        (57.3, 60),
        (1e40, 1e40),
    ],
)
def test_scaled_files(times: float, factor: float) -> None:
    random, truth = masses()
    prediction = truth * random.normal(1, 0.1, N)
    assert scale(truth, times * prediction) == pytest.approx(factor)
    assert found(truth, times * prediction) == ["looks_scaled"]


def test_hardly_related_files_have_no_scale() -> None:
    random, truth = masses()
    assert found(truth, 1000 * weak(truth, 0.3, random, shrunk=False)) == []
    assert found(truth, 1000 * weak(truth, 0.6, random, shrunk=False)) == ["looks_scaled"]


def test_no_scale() -> None:
    random, truth = masses()
    prediction = truth * random.normal(1, 0.1, N)
    for times in (1, 1.4, 0.7, -1000):
        assert scale(truth, times * prediction) is None
    assert scale(truth, np.zeros(N)) is None


def test_a_truth_of_zeros_has_no_scale() -> None:
    random = np.random.default_rng(3)
    truth = np.where(random.random(N) < 0.4, 0, random.exponential(1, N))
    assert found(truth, truth * 1000) == ["looks_scaled"]
    assert found(truth, truth * random.normal(1, 0.1, N)) == []
    assert found(np.zeros(N), random.normal(size=N)) == []


def test_an_offset_is_no_scale() -> None:
    random, truth = masses()
    noisy = truth * random.normal(1, 0.05, N)
    assert found(truth - 300, noisy + 200) == []


def test_counts_and_other_discrete_truths() -> None:
    random = np.random.default_rng(3)
    truth = random.poisson(2, N).astype(float)
    assert found(truth, truth + random.normal(0, 1, N)) == []
    assert found(truth, random.permutation(truth)) == ["looks_shuffled"]
    assert found(truth, 5 - truth) == ["looks_inverted"]


def test_tiny_samples_say_nothing() -> None:
    for seed in range(50):
        random, truth = masses(seed, 60)
        for prediction in (-truth, 1000 * truth, random.permutation(truth)):
            assert found(truth, prediction) == []


def test_events_without_weight_do_not_count() -> None:
    """One heavy event among thousands: nobody knows anything."""
    _, truth = masses()
    form = PredictionFormat(rows=0, id_column="id", kind="regression", targets=("mass",))
    weight = np.where(np.arange(N) == 0, 1e9, 1.0)
    assert diagnose(Sample.of(truth, -truth, weight), form) == []


def test_rows_of_one_event_count_once() -> None:
    random, truth = masses()
    group = np.arange(N) // 100
    assert found(truth, random.permutation(truth)) == ["looks_shuffled"]
    assert found(truth, random.permutation(truth), group) == []
    assert found(truth, -truth, group) == []


def test_large_samples_are_thinned_evenly() -> None:
    """The half of the events that is wrong is seen, wherever it stands."""
    random, truth = masses(n=250_000)
    assert found(truth, random.permutation(truth)) == ["looks_shuffled"]
    half = truth.copy()
    half[:125_000] = random.permutation(half[:125_000])
    assert found(truth, half) == found(truth[::-1].copy(), half[::-1].copy()) == []


def test_each_target_is_judged_for_itself() -> None:
    random, truth = masses()
    form = PredictionFormat(
        rows=0, id_column="id", kind="regression", targets=("good", "flat", "minus", "mixed", "MeV")
    )
    true = np.stack([truth] * 5, axis=1)
    columns = [truth, truth * 0, -truth, random.permutation(truth), 1000 * truth]
    told = diagnose(Sample.of(true, np.stack(columns, axis=1), np.ones(N)), form)
    assert [(one.column, one.code) for one in told] == [
        ("minus", "looks_inverted"),
        ("mixed", "looks_shuffled"),
        ("MeV", "looks_scaled"),
    ]


@pytest.mark.skipif(not HIGGS.exists(), reason="the real events are not here")
def test_real_events() -> None:
    """The visible mass tells the full one, if too small; a momentum tells it badly."""
    with HIGGS.open() as stream:
        rows = [row for row in csv.DictReader(stream) if float(row["DER_mass_MMC"]) > 0]
    truth, visible, momentum = (
        np.array([float(row[name]) for row in rows])
        for name in ("DER_mass_MMC", "DER_mass_vis", "PRI_tau_pt")
    )
    slope, offset = np.polyfit(momentum[::2], truth[::2], 1)
    assert found(truth, visible * np.median(truth) / np.median(visible)) == []
    assert found(truth, offset + slope * momentum) == []
    assert found(truth, np.full(truth.size, np.median(truth))) == []
    assert found(truth, 1000 * visible) == ["looks_scaled"]
    assert found(truth, -visible) == ["looks_inverted"]
    assert found(truth, np.random.default_rng(1).permutation(visible)) == ["looks_shuffled"]
