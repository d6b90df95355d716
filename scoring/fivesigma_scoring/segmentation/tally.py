"""Counting true against predicted classes event by event, faster than a histogram.

For each class one bit a pixel says whether it is there. The bits that truth and prediction share
are the pixels of a pair of classes; differences of their running sums are those of the events.
"""

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.segmentation.counts import count_pixels
from fivesigma_scoring.segmentation.pieces import BLOCK

WORD = 64
MOST_CLASSES = 6
"""Each pair costs a pass over words; for more classes a histogram is faster."""


def tally(
    truth: NDArray[np.uint8],
    predicted: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: int,
) -> NDArray[np.int64]:
    """Pixels by event, true and predicted class above 0, int64 (events, K, K).

    Row 0 and column 0 are left at 0: whoever knows the pixels of each true class knows these, too.

    Parameters
    ----------
    truth, predicted
        Class numbers, (m,). Those of `predicted` that are not below K count as 0.
    offsets
        int64 (events + 1,): event e has the pixels ``offsets[e]`` to ``offsets[e + 1] - 1``.
    classes
        K, the number of classes with class 0; those of `truth` are below it.

    """
    if classes > MOST_CLASSES:
        counts = count_pixels(truth, known(predicted, classes), offsets, classes)
        counts[:, 0] = counts[:, :, 0] = 0
        return counts
    counts = np.zeros((offsets.size - 1, classes, classes), np.int64)
    true, mine = _bits(truth, classes), _bits(predicted, classes)
    for one in range(1, classes):
        for other in range(1, classes):
            counts[:, one, other] = np.diff(_running(true[one] & mine[other], offsets))
    return counts


def known(classes: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Class numbers (m,), 0 for those that the truth has not, which only one's own lets pass."""
    if classes.max(initial=0) < number:
        return classes
    return np.where(classes < number, classes, np.uint8(0))


def _bits(values: NDArray[np.uint8], classes: int) -> NDArray[np.uint64]:
    """For each class above 0, one bit a pixel, in 64-bit words, (K, words)."""
    words = np.zeros((classes, values.size // WORD + 1), "<u8")
    rows = words.view(np.uint8)
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        for number in range(1, classes):
            packed = np.packbits(block == number, bitorder="little")
            rows[number, start // 8 : start // 8 + packed.size] = packed
    return words


def _running(words: NDArray[np.uint64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of bits before each offset, int64 (events + 1,)."""
    before = np.zeros(words.size + 1, np.int64)
    np.cumsum(np.bitwise_count(words), out=before[1:])
    word, rest = np.divmod(offsets, WORD)
    below = (np.uint64(1) << rest.astype(np.uint64)) - np.uint64(1)
    return np.asarray(before[word] + np.bitwise_count(words[word] & below))
