"""Counting true against predicted classes event by event, faster than a histogram.

For each pair of classes one bit a pixel says whether it is there; counting bits of words and
differences of their running sums give the pixels of each event.
"""

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.segmentation.counts import count_pixels
from fivesigma_scoring.segmentation.pieces import BLOCK

WORD = 64
MOST_PAIRS = 25
"""Each pair costs a pass; beyond so many a histogram is faster."""


def tally(
    truth: NDArray[np.uint8],
    predicted: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    truths: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Scored pixels by event, true and predicted class, int64 (events, K, K).

    Parameters
    ----------
    truth, predicted
        Class numbers below K, (m,); pixels of truth 0 are not counted.
    offsets
        int64 (events + 1,): event e has the pixels ``offsets[e]`` to ``offsets[e + 1] - 1``.
    truths
        int64 (events, K): pixels of each event that are of each class.

    """
    classes = truths.shape[1]
    if (classes - 1) ** 2 > MOST_PAIRS:
        counts = count_pixels(truth, predicted, offsets, classes)
        counts[:, 0] = 0
        return counts
    counts = np.zeros((offsets.size - 1, classes, classes), np.int64)
    pairs = [(true, one) for true in range(1, classes) for one in range(1, classes)]
    bits = _bits(truth, predicted, [classes * true + one for true, one in pairs], classes)
    for (true, one), row in zip(pairs, bits, strict=True):
        counts[:, true, one] = np.diff(_running(row, offsets))
    counts[:, 1:, 0] = truths[:, 1:] - counts[:, 1:, 1:].sum(axis=2)
    return counts


def _bits(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], codes: list[int], classes: int
) -> NDArray[np.uint64]:
    """For each code K t + p, one bit a pixel, in 64-bit words, (codes, words)."""
    words = np.zeros((len(codes), truth.size // WORD + 1), "<u8")
    rows = words.view(np.uint8)
    for start in range(0, truth.size, BLOCK):
        stop = start + BLOCK
        pairs = truth[start:stop] * np.uint8(classes) + predicted[start:stop]
        for row, code in zip(rows, codes, strict=True):
            packed = np.packbits(pairs == code, bitorder="little")
            row[start // 8 : start // 8 + packed.size] = packed
    return words


def _running(words: NDArray[np.uint64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of bits before each offset, int64 (events + 1,)."""
    before = np.zeros(words.size + 1, np.int64)
    np.cumsum(np.bitwise_count(words), out=before[1:])
    word, rest = np.divmod(offsets, WORD)
    below = (np.uint64(1) << rest.astype(np.uint64)) - np.uint64(1)
    return np.asarray(before[word] + np.bitwise_count(words[word] & below))
