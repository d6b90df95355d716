"""Counting of pixels: plain loops, events without scored pixels, and masks that are refused."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring import InputRefusedError
from fivesigma_scoring.segmentation import counts
from fivesigma_scoring.segmentation.counts import Sample, count_pixels, sample_of_masks
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

examples = settings(deadline=None, max_examples=60)
lengths = st.lists(st.integers(0, 12), min_size=1, max_size=12)
seeds = st.integers(0, 2**32 - 1)


def flat(
    lengths: list[int], classes: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Pixels of random classes, and where the events begin."""
    random = np.random.default_rng(seed)
    truth, predicted = random.integers(0, classes, (2, sum(lengths)), np.uint8)
    return truth, predicted, np.concatenate([[0], np.cumsum(lengths)])


def loop_counts(
    truth: NDArray[Any], predicted: NDArray[Any], offsets: NDArray[Any], classes: int
) -> NDArray[np.int64]:
    expected = np.zeros((offsets.size - 1, classes, classes), np.int64)
    for event in range(offsets.size - 1):
        for pixel in range(offsets[event], offsets[event + 1]):
            expected[event, truth[pixel], predicted[pixel]] += 1
    return expected


@examples
@given(
    lengths, st.sampled_from([1, 2, 4, 16, 17, 256]), seeds, st.sampled_from([1, 5, 64, 1 << 16])
)
def test_plain_loop_counts_the_same(
    lengths: list[int], classes: int, seed: int, at_once: int
) -> None:
    """Also where a block of pixels begins or ends in the middle of an event."""
    pixels = flat(lengths, classes, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "PIXELS_AT_ONCE", at_once)
        found = count_pixels(*pixels, classes)
    assert found.dtype == np.int64
    assert np.array_equal(found, loop_counts(*pixels, classes))


def test_events_larger_than_a_block() -> None:
    random = np.random.default_rng(2)
    truth, predicted = random.integers(0, 3, (2, 300_000), np.uint8)
    offsets = np.array([0, 0, 10, 200_000, 200_000, 300_000, 300_000])
    found = count_pixels(truth, predicted, offsets, 3)
    for event in range(6):
        pixels = slice(offsets[event], offsets[event + 1])
        for t, p in np.ndindex(3, 3):
            both = (truth[pixels] == t) & (predicted[pixels] == p)
            assert found[event, t, p] == np.count_nonzero(both)


@examples
@given(lengths, seeds)
def test_pixels_of_truth_0_may_be_left_out_or_not(lengths: list[int], seed: int) -> None:
    truth, predicted, offsets = flat(lengths, 4, seed)
    scored = truth > 0
    kept = np.concatenate([[0], np.cumsum(scored)])[offsets]
    if not scored.any():
        with pytest.raises(ValueError, match="nothing to score"):
            Sample.of(truth, predicted, offsets, 4)
        return
    whole = Sample.of(truth, predicted, offsets, 4)
    part = Sample.of(truth[scored], predicted[scored], kept, 4)
    assert np.array_equal(whole.counts, part.counts)
    assert (whole.n, whole.skipped) == (part.n, part.skipped)
    assert not whole.counts[:, 0].any()
    assert whole.counts.sum() == np.count_nonzero(scored)


def test_sums_of_a_sample() -> None:
    truth = [[1, 1, 2, 0], [0, 0, 0, 0], [3, 2, 2, 1]]
    prediction = [[1, 0, 2, 3], [1, 2, 3, 0], [3, 2, 1, 1]]
    sample = sample_of_masks(truth, prediction)
    assert (sample.n, sample.skipped) == (2, 1)
    assert sample.hits.tolist() == [[0, 1, 1, 0], [0, 1, 1, 1]]
    assert sample.truths.tolist() == [[0, 2, 1, 0], [0, 1, 2, 1]]
    assert sample.predictions.tolist() == [[1, 1, 1, 0], [0, 2, 1, 1]]
    assert sample.accuracies.tolist() == [2 / 3, 3 / 4]


def test_groups_are_numbered_without_the_skipped_events() -> None:
    truth = np.array([[1], [0], [1], [1]])
    sample = sample_of_masks(truth, truth, group=[9_000_000_000, -3, 7, 9_000_000_000])
    assert sample.group is not None
    assert sample.group.tolist() == [1, 0, 1]
    assert sample_of_masks(truth, truth, group=["b", "c", "a", "b"]).group.tolist() == [1, 0, 1]  # type: ignore[union-attr]  # None is what is being excluded


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint64, ">i2"])
def test_any_integers_and_any_layout(dtype: Any) -> None:
    random = np.random.default_rng(4)
    truth, prediction = random.integers(0, 5, (2, 6, 4, 3, 2))
    expected = sample_of_masks(truth, prediction).counts
    other = sample_of_masks(truth.astype(dtype), np.asfortranarray(prediction.astype(dtype)))
    assert np.array_equal(other.counts, expected)
    flat = sample_of_masks(truth.reshape(6, -1), prediction.reshape(6, -1).tolist())
    assert np.array_equal(flat.counts, expected)


def test_classes_above_the_truth_are_as_wrong_as_0() -> None:
    """One stray 255 must not make a matrix of 256 x 256 for every event."""
    sample = sample_of_masks([[1, 2, 2]], [[1, 255, 3]])
    assert sample.counts.tolist() == [[[0, 0, 0], [0, 1, 0], [2, 0, 0]]]


@pytest.mark.parametrize(
    ("truth", "prediction", "code", "text"),
    [
        ([[1, 2]], [[1, 2, 3]], "wrong_shape", "prediction has the shape (1, 3), truth has (1, 2)"),
        ([[1, 2]], [[1], [2]], "wrong_shape", "prediction has the shape (2, 1)"),
        ([1, 2], [1, 2], "wrong_shape", "masks have the shape (events, ...)"),
        (1, 1, "wrong_shape", "truth has the shape ()"),
        ([[1, 2], [1]], [[1, 2], [1]], "wrong_shape", "truth is ragged"),
        (
            [[1, 2]],
            [[1.0, 2.0]],
            "wrong_dtype",
            "prediction is of type float64; give class numbers",
        ),
        ([[1, 2]], [[1.0, np.nan]], "wrong_dtype", "prediction is of type float64"),
        ([[1, 0]], [[True, False]], "wrong_dtype", "prediction is of type bool"),
        ([["1", "2"]], [[1, 2]], "wrong_dtype", "truth is of type <U1"),
        ([[1, 2]], [[1, None]], "wrong_dtype", "prediction is of type object"),
        ([[1, 2]], [[1, 2**70]], "wrong_dtype", "prediction is of type object"),
        ([[1, 2]], [[-1, 2]], "out_of_range", "prediction holds the class -1; class numbers lie"),
        ([[1, 256]], [[1, 2]], "out_of_range", "truth holds the class 256; class numbers lie"),
        (
            [[1, 2]],
            np.array([[1, 2**64 - 1]], np.uint64),
            "out_of_range",
            "holds the class 18446744073709551615",
        ),
    ],
)
def test_refused_masks(truth: Any, prediction: Any, code: str, text: str) -> None:
    with pytest.raises(InputRefusedError) as refused:
        sample_of_masks(truth, prediction)
    (finding,) = refused.value.findings
    assert (finding.code, finding.severity) == (code, "error")
    assert text in finding.message


@pytest.mark.parametrize("group", [[1], [[1], [2]], 3])
def test_refused_groups(group: Any) -> None:
    with pytest.raises(InputRefusedError, match=r"masks have 2 events") as refused:
        sample_of_masks([[1], [2]], [[1], [2]], group)
    assert refused.value.findings[0].code == "wrong_shape"


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (3, 4)])
def test_nothing_to_score(shape: tuple[int, int]) -> None:
    empty = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match="No event has a pixel of truth above 0"):
        sample_of_masks(empty, np.ones(shape, np.uint8))


@pytest.mark.parametrize(
    ("predicted", "offsets", "classes", "text"),
    [
        ([1, 2], [0, 3], 3, r"Truth \(3,\) and prediction \(2,\)"),
        ([1, 2, 2], [0, 2], 3, "Offsets must ascend from 0 to the number of pixels, 3"),
        ([1, 2, 2], [1, 3], 3, "Offsets must ascend"),
        ([1, 2, 2], [0, 2, 1, 3], 3, "Offsets must ascend"),
        ([1, 3, 2], [0, 3], 3, "Class numbers must be below 3"),
        ([1, 2, 2], [0, 3], 300, "that at most 256"),
    ],
)
def test_pixels_that_do_not_fit(
    predicted: list[int], offsets: list[int], classes: int, text: str
) -> None:
    truth = np.array([1, 1, 2], np.uint8)
    with pytest.raises(ValueError, match=text):
        Sample.of(truth, np.array(predicted, np.uint8), np.array(offsets), classes)


def test_too_many_classes_for_so_many_events() -> None:
    mask = np.full((2049, 1), 255, np.uint8)
    with pytest.raises(ValueError, match="2,049 events with 256 classes are too many"):
        sample_of_masks(mask, mask)


@pytest.mark.parametrize("events", [1, 40, 4000])
def test_memory_stays_within_three_times_the_arrays(events: int) -> None:
    random = np.random.default_rng(5)
    truth, predicted = random.integers(0, 4, (2, 4_000_000), np.uint8)
    offsets = np.arange(events + 1) * (truth.size // events)
    tracemalloc.start()
    Sample.of(truth, predicted, offsets, 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * (truth.nbytes + predicted.nbytes)
