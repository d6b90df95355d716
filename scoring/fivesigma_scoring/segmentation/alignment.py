"""Bringing a mask to the lit pixels of its test set."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.files.table import row_numbers
from fivesigma_scoring.report import ROWS_SHOWN, Finding, InputRefusedError
from fivesigma_scoring.segmentation import findings as own
from fivesigma_scoring.segmentation.habits import habits
from fivesigma_scoring.segmentation.matching import stands_as_sample
from fivesigma_scoring.segmentation.ordering import CLASS_BITS, CLASS_MASK, pack
from fivesigma_scoring.segmentation.prediction import Aligned, DenseMask, Pixels, SparseMask
from fivesigma_scoring.segmentation.universe import MaskUniverse


@dataclass(frozen=True)
class AsLit:
    """Exactly the lit pixels have a class of their own, uint8 (m,)."""

    universe: MaskUniverse
    classes: NDArray[np.uint8]

    def at(self, keys: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Class of each pixel; only asked for those that are not lit."""
        return np.zeros(keys.size, np.uint8)

    def labelled(self, event: int) -> NDArray[np.int64]:
        """Pixels of an event with a class above 0."""
        first, last = self.universe.offsets[event : event + 2]
        return np.asarray(
            self.universe.lit[first:last][self.classes[first:last] > 0], dtype=np.int64
        )


@dataclass(frozen=True)
class Listed:
    """Some pixels have a class, as `ordering.pack` gives them."""

    size: int
    packed: NDArray[np.int64]

    def at(self, keys: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Class of each pixel, by ascending keys."""
        if not keys.size:
            return np.zeros(0, np.uint8)
        packed = self._between(int(keys[0]), int(keys[-1]) + 1)
        if not packed.size:
            return np.zeros(keys.size, np.uint8)
        if np.array_equal(packed >> CLASS_BITS, keys):
            return (packed & CLASS_MASK).astype(np.uint8)
        found = packed[np.searchsorted(packed, keys << CLASS_BITS).clip(max=packed.size - 1)]
        return np.where(found >> CLASS_BITS == keys, found & CLASS_MASK, 0).astype(np.uint8)

    def labelled(self, event: int) -> NDArray[np.int64]:
        """Pixels of an event with a class above 0."""
        packed = self._between(event * self.size, (event + 1) * self.size)
        return (packed[packed & CLASS_MASK > 0] >> CLASS_BITS) - event * self.size

    def _between(self, first: int, end: int) -> NDArray[np.int64]:
        bounds = np.array([first, end], np.int64) << CLASS_BITS
        start, stop = np.searchsorted(self.packed, bounds)
        return self.packed[start:stop]


@dataclass(frozen=True)
class Full:
    """Every pixel has a class, uint8 (events, pixels) in the order of the sample."""

    values: NDArray[np.uint8]

    def at(self, keys: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Class of each pixel."""
        return np.take(self.values.reshape(-1), keys)

    def labelled(self, event: int) -> NDArray[np.int64]:
        """Pixels of an event with a class above 0."""
        return np.flatnonzero(self.values[event]).astype(np.int64)


def align(prediction: SparseMask | DenseMask, universe: MaskUniverse) -> Aligned:
    """Bring a mask to the lit pixels of the universe, and look for what is odd.

    Raises
    ------
    InputRefusedError
        Events are unknown, repeated or missing, or pixels lie outside of their event or repeat.

    """
    pixels: Pixels
    warned = prediction.warnings
    if isinstance(prediction, DenseMask):
        pixels, every = _dense(prediction, universe)
        lit = on_lit(pixels, universe)
    elif stands_as_sample(prediction, universe):
        lit = every = prediction.classes
        pixels = AsLit(universe, lit)
    else:
        every = prediction.classes
        pixels = Listed(universe.size, pack(prediction, universe))
        del prediction  # as big as its file, and nobody else holds it
        lit = on_lit(pixels, universe)
    warnings = (*warned, *habits(every, lit, pixels, universe))
    return Aligned(lit, pixels, warnings, universe.offsets)


def on_lit(pixels: Pixels, universe: MaskUniverse) -> NDArray[np.uint8]:
    """Class of each lit pixel, uint8 (m,)."""
    lit = np.empty(universe.lit.size, np.uint8)
    for first, last in universe.stretches():
        start, stop = universe.offsets[first], universe.offsets[last]
        lit[start:stop] = pixels.at(universe.keys(first, last))
    return lit


def _dense(mask: DenseMask, universe: MaskUniverse) -> tuple[Full, NDArray[np.uint8]]:
    values: NDArray[Any] = mask.values.reshape(len(mask.values), -1)
    if mask.ids is not None:
        place = _places(mask.ids, universe)
        if not np.array_equal(place, np.arange(place.size)):
            ordered = np.empty(values.shape, np.uint8)
            ordered[place] = values
            values = ordered
    every = np.ascontiguousarray(values, np.uint8)
    return Full(every), every.reshape(-1)


def _places(ids: NDArray[np.int64], universe: MaskUniverse) -> NDArray[np.int64]:
    """Place in the sample's order of each event of a dense mask.

    Raises
    ------
    InputRefusedError
        They are not the events of the test set, each once.

    """
    at = universe.events.locate(ids)
    errors: list[Finding] = []
    unknown = np.flatnonzero(at < 0)
    if unknown.size:
        rows = row_numbers(unknown[:ROWS_SHOWN].tolist())
        errors.append(own.unknown_event(own.number(ids[unknown[0]]), rows, unknown.size))
    again = np.setdiff1d(np.arange(at.size), np.unique(at, return_index=True)[1])
    again = again[at[again] >= 0]
    if again.size:
        rows = row_numbers(again[:ROWS_SHOWN].tolist())
        errors.append(own.repeated_event(own.number(ids[again[0]]), rows, again.size))
    if errors:
        raise InputRefusedError(*errors)
    return universe.events.position[at]
