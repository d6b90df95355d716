"""Counting by bits: a histogram counts the same, wherever blocks, words and threads meet."""

from typing import Any

import numpy as np
import pytest
from fivesigma_scoring.segmentation import tally as counting
from fivesigma_scoring.segmentation.counts import count_pixels
from fivesigma_scoring.segmentation.tally import tally
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray


def above_zero(counts: NDArray[Any]) -> NDArray[Any]:
    """What `tally` counts; row 0 and column 0 are for whoever knows the truth."""
    counts = counts.copy()
    counts[:, 0] = counts[:, :, 0] = 0
    return counts


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=12),
    st.sampled_from([1, 2, 3, 6, 7, 256]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 63, 64, 100, 1 << 18]),
    st.booleans(),
)
def test_a_histogram_counts_the_same(
    lengths: list[int], classes: int, seed: int, block: int, threads: bool
) -> None:
    random = np.random.default_rng(seed)
    truth, predicted = random.integers(0, classes, (2, sum(lengths)), np.uint8)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "BLOCK", block)
        patch.setattr(counting, "PIXELS_OF_TWO", 0 if threads else 1 << 60)
        found = tally(truth, predicted, offsets, classes)
    assert found.dtype == np.int64
    assert np.array_equal(found, above_zero(count_pixels(truth, predicted, offsets, classes)))


@pytest.mark.parametrize("classes", [3, 9])
def test_classes_that_the_truth_has_not_count_as_nothing(classes: int) -> None:
    truth = np.array([1, 2, 2, 0], np.uint8)
    predicted = np.array([classes, 255, 2, 1], np.uint8)
    found = tally(truth, predicted, np.array([0, 2, 4]), classes)
    expected = np.zeros((2, classes, classes), np.int64)
    expected[1, 2, 2] = 1
    assert np.array_equal(found, expected)
