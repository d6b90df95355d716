"""Counting true against predicted classes event by event, faster than a histogram.

For each class one bit a pixel says whether it is there. The bits that truth and prediction share
are the pixels of a pair of classes; differences of their running sums are those of the events.
"""

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.files.pair import both
from fivesigma_scoring.segmentation.counts import count_pixels

WORD = 64
BLOCK = 1 << 18
"""Pixels counted at once: small enough for the cache, and for memory that is at hand already."""
PIXELS_OF_TWO = 1_000_000
"""From so many pixels on a second thread is worth its start."""
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

    def count(events: slice) -> None:
        bounds = offsets[events.start : events.stop + 1]
        _count(truth, predicted, bounds, counts[events, 1:, 1:])

    middle = int(np.searchsorted(offsets, truth.size // 2)) if truth.size > PIXELS_OF_TWO else 0
    if 0 < middle < len(counts):
        both(count, slice(0, middle), slice(middle, len(counts)))
    else:
        count(slice(0, len(counts)))
    return counts


def _count(
    truth: NDArray[np.uint8],
    predicted: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Add up the pixels of some events, (events, K - 1, K - 1), block by block."""
    end = int(offsets[-1])
    for start in range(int(offsets[0]), end, BLOCK):
        stop = min(start + BLOCK, end)
        first = int(np.searchsorted(offsets, start, "right")) - 1
        last = int(np.searchsorted(offsets, stop, "left"))
        bounds = offsets[first : last + 1].clip(start, stop) - start
        true, mine = (_bits(one[start:stop], counts.shape[1]) for one in (truth, predicted))
        shared = np.diff(_running(true[:, np.newaxis] & mine, bounds))
        counts[first:last] += np.moveaxis(shared, -1, 0)


def known(classes: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Class numbers (m,), 0 for those that the truth has not, which only one's own lets pass."""
    if classes.max(initial=0) < number:
        return classes
    return np.where(classes < number, classes, np.uint8(0))


def _bits(values: NDArray[np.uint8], most: int) -> NDArray[np.uint64]:
    """For each class from 1 to `most`, one bit a pixel, in 64-bit words, (classes, words)."""
    words = np.zeros((most, values.size // WORD + 1), "<u8")
    for number, row in enumerate(words.view(np.uint8), 1):
        packed = np.packbits(values == number, bitorder="little")
        row[: packed.size] = packed
    return words


def _running(words: NDArray[np.uint64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of bits (..., words) before each offset, int64 (..., offsets)."""
    before = np.zeros((*words.shape[:-1], words.shape[-1] + 1), np.int64)
    np.cumsum(np.bitwise_count(words), axis=-1, out=before[..., 1:])
    word, rest = np.divmod(offsets, WORD)
    below = (np.uint64(1) << rest.astype(np.uint64)) - np.uint64(1)
    return np.asarray(before[..., word] + np.bitwise_count(words[..., word] & below))
