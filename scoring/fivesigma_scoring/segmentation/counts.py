"""Pixels of each event, counted by true and predicted class: all that the metrics need."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fivesigma_scoring.report import Finding, InputRefusedError
from fivesigma_scoring.slices import numbered

CLASSES = 256
"""Class numbers are 8-bit."""
PIXELS_AT_ONCE = 1 << 16
"""Counted together: their codes stay in the processor's cache, and small events share a pass."""
MOST_CELLS = 1 << 27
"""Counts of one gibibyte; only many events with very many classes have more."""


@dataclass(frozen=True)
class Sample:
    """The events of one split that have scored pixels (truth class above 0).

    Attributes
    ----------
    counts
        int64 (n, K, K): ``counts[e, t, p]`` pixels of event e are of class t and predicted as p.
        Row t = 0 is kept so that classes index directly; it is always zero.
    group
        int64 (n,) from 0 without gaps, equal for events that fluctuate together; None where each
        event stands alone.
    skipped
        Number of events left out, because no pixel of theirs is scored.
    derived
        What several steps need of these events, by the function that finds it.

    """

    counts: NDArray[np.int64]
    group: NDArray[np.int64] | None = None
    skipped: int = 0
    derived: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def take(self, places: NDArray[np.intp]) -> Self:
        """Some of the events, at (m,) increasing places.

        Raises
        ------
        ValueError
            There is none of them.

        """
        if not places.size:
            raise ValueError("There is no event to score.")
        return type(self)(self.counts[places], numbered(self.group, places))

    @property
    def n(self) -> int:
        """Number of events with scored pixels."""
        return int(self.counts.shape[0])

    @cached_property
    def hits(self) -> NDArray[np.int64]:
        """Pixels of each event rightly predicted as class k, shape (n, K)."""
        return np.ascontiguousarray(self.counts.diagonal(axis1=1, axis2=2))

    @cached_property
    def truths(self) -> NDArray[np.int64]:
        """Pixels of each event that are of class k, shape (n, K)."""
        return np.asarray(np.einsum("etp->et", self.counts))

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """Scored pixels of each event predicted as class k, shape (n, K)."""
        return np.asarray(np.einsum("etp->ep", self.counts))

    @cached_property
    def accuracies(self) -> NDArray[np.float64]:
        """Share of each event's scored pixels that is right, shape (n,)."""
        return np.asarray(self.hits.sum(axis=1) / self.truths.sum(axis=1))

    @classmethod
    def of(
        cls,
        truth: NDArray[np.uint8],
        predicted: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        classes: int,
        group: ArrayLike | None = None,
    ) -> Self:
        """Count pixels that are ordered by event.

        Parameters
        ----------
        truth, predicted
            Class numbers, uint8 (m,). Pixels of truth 0 are not scored; leave them out or not.
        offsets
            int64 (events + 1,): event e has the pixels ``offsets[e]`` to ``offsets[e + 1] - 1``
            (``numpy.searchsorted(event, numpy.arange(events + 1))`` where `event` is ascending).
        classes
            K, the number of classes with class 0.
        group
            Shape (events,), equal for events that fluctuate together.

        Raises
        ------
        ValueError
            No pixel is scored, a class number is not below `classes`, or shapes do not fit.

        """
        _check(truth, predicted, offsets, classes)
        counts = count_pixels(truth, predicted, offsets, classes)
        counts[:, 0] = 0
        scored = counts.any(axis=(1, 2))
        if not scored.any():
            raise ValueError("No event has a pixel of truth above 0; there is nothing to score.")
        codes = None if group is None else _renumbered(np.asarray(group)[scored])
        kept = counts if scored.all() else counts[scored]
        return cls(kept, codes, int(scored.size - kept.shape[0]))


def _renumbered(group: NDArray[Any]) -> NDArray[np.int64]:
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def _check(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], offsets: NDArray[np.int64], classes: int
) -> None:
    if truth.ndim != 1 or truth.shape != predicted.shape:
        raise ValueError(f"Truth {truth.shape} and prediction {predicted.shape} must be (m,).")
    if offsets[0] != 0 or offsets[-1] != truth.size or (np.diff(offsets) < 0).any():
        raise ValueError(f"Offsets must ascend from 0 to the number of pixels, {truth.size:,}.")
    if classes > CLASSES or max(truth.max(initial=0), predicted.max(initial=0)) >= classes:
        raise ValueError(f"Class numbers must be below {classes}, and that at most {CLASSES}.")
    if (offsets.size - 1) * classes**2 > MOST_CELLS:
        raise ValueError(
            f"{offsets.size - 1:,} events with {classes} classes are too many to count apart; "
            "number the classes from 0 without gaps, or score fewer events at once."
        )


def count_pixels(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], offsets: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Pixels by event, true and predicted class, int64 (events, K, K); arguments as `Sample.of`."""
    cells, code = classes**2, np.uint8 if classes**2 <= CLASSES else np.uint16
    counts = np.zeros((offsets.size - 1, cells), np.int64)
    for start in range(0, truth.size, PIXELS_AT_ONCE):
        stop = min(start + PIXELS_AT_ONCE, truth.size)
        pairs = np.multiply(truth[start:stop], code(classes), dtype=code)
        pairs += predicted[start:stop]
        first = int(np.searchsorted(offsets, start, "right")) - 1
        last = int(np.searchsorted(offsets, stop, "left"))
        bounds = np.clip(offsets[first : last + 1], start, stop)
        lengths = bounds[1:] - bounds[:-1]
        counts[first:last] += _pairs_by_event(pairs, lengths, cells)
    return counts.reshape(-1, classes, classes)


def _pairs_by_event(
    pairs: NDArray[Any], lengths: NDArray[np.int64], cells: int
) -> NDArray[np.int64]:
    """How often each pair of classes occurs, int64 (events, cells)."""
    if lengths.size > 1:
        shift = np.arange(lengths.size, dtype=np.int32) * np.int32(cells)
        pairs = np.repeat(shift, lengths) + pairs
    return np.bincount(pairs, minlength=lengths.size * cells).reshape(lengths.size, cells)


def sample_of_masks(
    truth: ArrayLike, prediction: ArrayLike, group: ArrayLike | None = None
) -> Sample:
    """A sample from dense masks.

    A predicted class above every class of the truth is counted as 0, which is as wrong.

    Parameters
    ----------
    truth, prediction
        Class numbers, integers from 0 to 255 of the same shape (events, ...).
    group
        Shape (events,), equal for events that fluctuate together.

    Raises
    ------
    InputRefusedError
        Another shape (``wrong_shape``), type (``wrong_dtype``) or value (``out_of_range``).
    ValueError
        No pixel of the truth is above 0.

    """
    true, predicted = _mask(truth, "truth"), _mask(prediction, "prediction")
    if true.shape != predicted.shape:
        text = f"prediction has the shape {predicted.shape}, truth has {true.shape}."
        raise _refusal("wrong_shape", text)
    if group is not None and np.shape(group) != true.shape[:1]:
        text = f"group has the shape {np.shape(group)}, the masks have {true.shape[0]:,} events."
        raise _refusal("wrong_shape", text)
    classes = int(true.max(initial=0)) + 1
    if predicted.max(initial=0) >= classes:
        predicted = np.where(predicted < classes, predicted, np.uint8(0))
    offsets = np.arange(true.shape[0] + 1) * math.prod(true.shape[1:])
    return Sample.of(true.ravel(), predicted.ravel(), offsets, classes, group)


def _mask(values: ArrayLike, name: str) -> NDArray[np.uint8]:
    try:
        mask = np.asarray(values)
    except ValueError as error:
        text = f"{name} is ragged; give every event a mask of the same shape."
        raise _refusal("wrong_shape", text) from error
    if mask.ndim < 2:
        text = f"{name} has the shape {mask.shape}; masks have the shape (events, ...)."
        raise _refusal("wrong_shape", text)
    if mask.dtype.kind not in "iu":
        text = f"{name} is of type {mask.dtype}; give class numbers as integers, such as uint8."
        raise _refusal("wrong_dtype", text)
    low, high = (int(mask.min()), int(mask.max())) if mask.size else (0, 0)
    if low < 0 or high >= CLASSES:
        value = low if low < 0 else high
        text = f"{name} holds the class {value}; class numbers lie between 0 and {CLASSES - 1}."
        raise _refusal("out_of_range", text)
    return mask.astype(np.uint8, copy=False)


def _refusal(code: str, text: str) -> InputRefusedError:
    return InputRefusedError(Finding(code, "error", text))
