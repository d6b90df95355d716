"""Exchanged and shuffled classes of masks are told; nothing is said of masks that are just weak."""

from pathlib import Path

import numpy as np
import pytest
from fivesigma_scoring import PredictionFormat
from fivesigma_scoring.segmentation.confusion import (
    agreement,
    association,
    cycles_of,
    diagnose,
)
from fivesigma_scoring.segmentation.counts import Sample, sample_of_masks
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

IMAGES = Path(__file__).parents[4] / "shared/data/lartpc-larcv-images/particles_256_3planes.npz"
NAMES = ("nothing", "shower", "track", "proton")
SHARES = (0.2, 0.5, 0.3)

Mask = NDArray[np.uint8]


def truth_of(events: int, random: np.random.Generator, pixels: int = 60) -> Mask:
    """Each event has a composition of its own, and none where its pixels are dark."""
    mixture = random.dirichlet(3 * np.array(SHARES), events)
    draws = random.random((events, pixels, 1))
    truth = 1 + (draws > np.cumsum(mixture, axis=1)[:, None, :-1]).sum(axis=2)
    return np.asarray(np.where(random.random((events, pixels)) < 0.1, 0, truth), np.uint8)


def guessed(truth: Mask, right: float, random: np.random.Generator) -> Mask:
    """The truth in a share of pixels; elsewhere classes as often as they are on the whole."""
    guess = random.choice([1, 2, 3], truth.shape, p=SHARES)
    return np.asarray(np.where(random.random(truth.shape) < right, truth, guess), np.uint8)


def renumbered(mask: Mask, *numbers: int) -> Mask:
    return np.array(numbers, np.uint8)[mask]


def found(
    truth: Mask,
    mask: Mask,
    group: NDArray[np.int64] | None = None,
    names: tuple[str, ...] = NAMES,
) -> list[tuple[str, str]]:
    form = PredictionFormat(rows=0, id_column="event", kind="segmentation", classes=names)
    findings = diagnose(sample_of_masks(truth, mask, group), form)
    assert all(one.severity == "warning" for one in findings)
    return [(one.code, one.message) for one in findings]


def codes(truth: Mask, mask: Mask, group: NDArray[np.int64] | None = None) -> list[str]:
    return [code for code, _ in found(truth, mask, group)]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(2018)


@pytest.fixture
def truth(random: np.random.Generator) -> Mask:
    return truth_of(2000, random)


@pytest.mark.parametrize("right", [1.0, 0.8, 0.3, 0.1])
@pytest.mark.parametrize("events", [30, 300, 2000])
def test_good_and_weak_masks_are_left_alone(
    right: float, events: int, random: np.random.Generator
) -> None:
    for _ in range(20 if events < 2000 else 3):
        truth = truth_of(events, random)
        assert found(truth, guessed(truth, right, random)) == []


def test_masks_of_one_class_are_left_alone(truth: Mask, random: np.random.Generator) -> None:
    for number in range(4):
        assert found(truth, np.full_like(truth, number)) == []
    hardly = np.where(random.random(truth.shape) < 0.04, 1, 2).astype(np.uint8)
    assert found(truth, hardly) == []


def test_masks_that_leave_out_a_class_are_left_alone(
    truth: Mask, random: np.random.Generator
) -> None:
    good = guessed(truth, 0.7, random)
    for numbers in ((0, 2, 2, 3), (0, 1, 2, 2), (0, 3, 3, 3), (0, 0, 2, 3), (0, 2, 2, 2)):
        assert found(truth, renumbered(good, *numbers)) == []


def test_a_class_that_is_taken_for_another_is_just_confused(
    truth: Mask, random: np.random.Generator
) -> None:
    """Nothing goes by the number of the class that is lost."""
    confused = np.where(
        (truth == 1) & (random.random(truth.shape) < 0.9), 2, guessed(truth, 0.8, random)
    )
    assert found(truth, confused.astype(np.uint8)) == []


def test_exchanged_classes(truth: Mask, random: np.random.Generator) -> None:
    exchanged = renumbered(guessed(truth, 0.7, random), 0, 2, 1, 3)
    text = (
        "The classes 1 (shower) and 2 (track) look exchanged. Swap these two numbers in your mask, "
        "and compare them with those of the sample."
    )
    assert found(truth, exchanged) == [("looks_inverted", text)]
    unnamed = text.replace(" (shower)", "").replace(" (track)", "")
    assert found(truth, exchanged, names=()) == [("looks_inverted", unnamed)]
    assert codes(truth, renumbered(truth, 0, 1, 3, 2)) == ["looks_inverted"]


def test_classes_in_a_circle(truth: Mask, random: np.random.Generator) -> None:
    turned = renumbered(guessed(truth, 0.7, random), 0, 2, 3, 1)
    text = (
        "The class numbers look mixed up: 2 should be 1 (shower), 3 should be 2 (track), 1 should "
        "be 3 (proton). Renumber your classes like that."
    )
    assert found(truth, turned) == [("looks_inverted", text)]


def test_two_pairs_are_told_apart(random: np.random.Generator) -> None:
    truth = random.integers(1, 6, (300, 50)).astype(np.uint8)
    names = ("nothing", "a", "b", "c", "d", "e")
    told = found(truth, renumbered(truth, 0, 4, 3, 2, 1, 5), names=names)
    assert [text[:46] for _, text in told] == [
        "The classes 1 (a) and 4 (d) look exchanged. Sw",
        "The classes 2 (b) and 3 (c) look exchanged. Sw",
    ]


def test_a_small_majority_for_the_wrong_class_is_no_exchange(
    truth: Mask, random: np.random.Generator
) -> None:
    exchanged = renumbered(truth, 0, 2, 1, 3)
    mixed = np.where(random.random(truth.shape) < 0.6, exchanged, truth).astype(np.uint8)
    assert found(truth, mixed) == []
    mixed = np.where(random.random(truth.shape) < 0.75, exchanged, truth).astype(np.uint8)
    assert codes(truth, mixed) == ["looks_inverted"]


def test_few_events_tell_nothing_however_many_pixels(random: np.random.Generator) -> None:
    truth = truth_of(20, random, pixels=5000)
    assert found(truth, renumbered(truth, 0, 2, 1, 3)) == []
    assert found(truth, random.permutation(truth.ravel()).reshape(truth.shape)) == []


def test_events_that_go_together_count_once(random: np.random.Generator) -> None:
    truth = truth_of(200, random)
    exchanged = renumbered(truth, 0, 2, 1, 3)
    assert codes(truth, exchanged, np.arange(200)) == ["looks_inverted"]
    assert codes(truth, exchanged, np.arange(200) // 10) == []


def test_shuffled_masks(truth: Mask, random: np.random.Generator) -> None:
    text = (
        "The classes of this mask have no relation to the true ones, as if its events were "
        "shuffled. Join your masks to the test file by the event instead of the order."
    )
    good = guessed(truth, 0.8, random)
    assert found(truth, random.permutation(good)) == [("looks_shuffled", text)]
    assert found(truth, np.roll(good, 1, axis=0)) == [("looks_shuffled", text)]
    assert codes(truth[:60], random.permutation(good[:60])) == []  # too few to tell


def test_events_of_one_class_each(random: np.random.Generator) -> None:
    """Their pixels tell no more than one."""
    truth = np.repeat(random.integers(1, 4, (3000, 1)), 40, axis=1).astype(np.uint8)
    assert codes(truth, random.permutation(truth)) == ["looks_shuffled"]
    assert codes(truth[:100], random.permutation(truth[:100])) == []


def test_shuffled_events_that_go_together(random: np.random.Generator) -> None:
    truth = truth_of(2000, random)
    mixed = random.permutation(truth)
    assert codes(truth, mixed, np.arange(2000) // 2) == ["looks_shuffled"]
    assert codes(truth, mixed, np.arange(2000) // 100) == []


def test_a_truth_of_one_class_cannot_be_shuffled(random: np.random.Generator) -> None:
    truth = (random.random((2000, 40)) < 0.5).astype(np.uint8)
    mask = (random.random((2000, 40)) < 0.5).astype(np.uint8)
    assert found(truth, mask, names=("nothing", "track")) == []
    assert found(truth, mask + np.uint8(1)) == []


def test_classes_that_are_related_but_never_agree_are_not_shuffled(
    random: np.random.Generator,
) -> None:
    """Of two classes each goes by the other as often as by its own; the third is told well."""
    truth = random.integers(1, 4, (2000, 60)).astype(np.uint8)
    wrong = renumbered(truth, 0, 2, 3, 1)
    mixed = np.where(random.random(truth.shape) < 1 / 3, truth, wrong).astype(np.uint8)
    assert found(truth, mixed) == []
    pooled = sample_of_masks(truth, mixed).counts.sum(axis=0)
    assert np.trace(pooled) / pooled.sum() == pytest.approx(1 / 3, abs=0.01)


def test_little_but_certain_agreement_is_no_shuffle(random: np.random.Generator) -> None:
    truth = truth_of(4000, random)
    assert found(truth, guessed(truth, 0.04, random)) == []
    less = np.where(random.random(truth.shape) < 0.04, renumbered(truth, 0, 2, 3, 1), 0)
    less = np.where(less > 0, less, guessed(truth, 0.0, random)).astype(np.uint8)
    assert found(truth, less) == []
    assert codes(truth, guessed(truth, 0.0, random)) == ["looks_shuffled"]


def test_agreement_and_its_deviation(random: np.random.Generator) -> None:
    """Against scikit-learn's kappa, and replicas of the whole of it in mixed-up events."""
    truth = truth_of(400, random)
    truth[:, 0] = np.where(truth[:, 0] == 0, 1, truth[:, 0])
    mask = random.permutation(truth)
    sample = sample_of_masks(truth, mask)
    kappa, sigma = agreement(sample, sample.counts.sum(axis=0))
    scored = truth > 0
    assert kappa == pytest.approx(cohen_kappa_score(truth[scored], mask[scored]), abs=1e-12)
    draws = [sample.counts[random.integers(400, size=400)] for _ in range(2000)]
    replicas = [agreement(Sample(one), one.sum(axis=0))[0] for one in draws]
    assert sigma == pytest.approx(np.std(replicas), rel=0.08)
    twice = Sample(np.repeat(sample.counts, 2, axis=0), np.repeat(np.arange(400), 2))
    assert agreement(twice, twice.counts.sum(axis=0)) == pytest.approx((kappa, sigma))


def test_association_by_hand() -> None:
    assert association(np.array([[0, 0, 0], [0, 6, 2], [0, 2, 6]])) == pytest.approx(0.5)
    assert association(np.array([[0, 0, 0], [0, 3, 3], [0, 5, 5]])) == pytest.approx(0)
    assert association(np.array([[0, 0, 0], [7, 0, 0], [0, 0, 9]])) == pytest.approx(1)


def test_circles() -> None:
    assert list(cycles_of({})) == []
    assert list(cycles_of({1: 2})) == []
    assert list(cycles_of({1: 2, 2: 1, 3: 1, 4: 3})) == [[1, 2]]
    assert list(cycles_of({1: 4, 4: 1, 2: 3, 3: 5, 5: 2, 7: 6})) == [[1, 4], [2, 3, 5]]


def test_many_classes(random: np.random.Generator) -> None:
    truth = random.integers(1, 256, (40, 9000)).astype(np.uint8)
    assert found(truth, truth) == []
    turned = np.where(truth == 255, 1, truth + 1).astype(np.uint8)
    (told,) = found(truth, turned, names=())
    assert told[0] == "looks_inverted"
    assert len(told[1]) < 500


def test_a_sample_without_pixels_of_a_class() -> None:
    counts = np.zeros((400, 4, 4), np.int64)
    counts[:, 1, 2] = counts[:, 2, 1] = 30
    form = PredictionFormat(rows=0, id_column="event", kind="segmentation")
    assert [one.code for one in diagnose(Sample(counts), form)] == ["looks_inverted"]


@pytest.mark.skipif(not IMAGES.exists(), reason="the real images are not here")
def test_real_images(random: np.random.Generator) -> None:
    """Electrons are showers, protons tracks; both are flipped and laid over each other."""
    arrays = np.load(IMAGES)
    lit, shower = arrays["image"] > 0, np.abs(arrays["pdg"]) == 11
    masks = np.where(lit, np.where(shower, 1, 2)[:, None, None, None], 0).reshape(-1, 256, 256)
    pairs = [(masks[a], masks[b, ::-1]) for a in range(60) for b in (59 - a, (a + 7) % 60)]
    truth = np.array([np.maximum(*pair) for pair in pairs], np.uint8)
    noisy = np.where(random.random(truth.shape) < 0.7, truth, np.minimum(truth, 1))
    assert found(truth, truth) == []
    assert found(truth, noisy.astype(np.uint8)) == []
    assert found(truth, np.minimum(truth, 1)) == []
    assert codes(truth, renumbered(truth, 0, 2, 1)) == ["looks_inverted"]
