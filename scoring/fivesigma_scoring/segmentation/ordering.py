"""Lists of pixels in any order: looked up, sorted, and refused where they do not fit."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.files.pair import both
from fivesigma_scoring.report import ROWS_SHOWN, Finding, InputRefusedError
from fivesigma_scoring.segmentation import findings as own
from fivesigma_scoring.segmentation.matching import event_numbers, flat_index
from fivesigma_scoring.segmentation.pieces import BLOCK, blocks
from fivesigma_scoring.segmentation.prediction import SparseMask
from fivesigma_scoring.segmentation.universe import MaskUniverse

CLASS_BITS = 8
CLASS_MASK = 255
PARTS = 16
"""What a list of many pixels is sorted in."""
ROWS_OF_PARTS = 1_000_000
"""From so many rows on memory counts, and a second thread is worth its start."""
MOST_PIXELS = 2 ** (62 - CLASS_BITS)
"""Of all events together, so that a pixel and its class fit one 64-bit number."""


@dataclass
class Offenders:
    """Rows that do not fit: how many, and the first of them with a value."""

    count: int = 0
    rows: list[int] = field(default_factory=list)
    first: object = None

    def add(self, start: int, flags: NDArray[np.bool_], values: NDArray[Any]) -> None:
        """Note the flagged rows of a block that begins with row `start`."""
        bad = np.flatnonzero(flags)
        if bad.size and not self.count:
            self.first = values[bad[0]]
        self.count += int(bad.size)
        room = ROWS_SHOWN - len(self.rows)
        self.rows += (bad[:room] + start).tolist()


@dataclass
class Column:
    """What was seen of a column that says where a pixel is."""

    name: str
    size: int
    offenders: Offenders = field(default_factory=Offenders)
    lowest: int = np.iinfo(np.int64).max
    highest: int = np.iinfo(np.int64).min

    def look(self, start: int, values: NDArray[Any]) -> None:
        """Note what a block holds."""
        low, high = int(values.min()), int(values.max())
        self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)
        if low < 0 or high >= self.size:
            self.offenders.add(start, (values < 0) | (values >= self.size), values)

    def finding(self, mask: SparseMask, shape: Sequence[int]) -> Finding:
        """The error on values outside of the event."""
        bad = self.offenders
        one_based = self.lowest >= 1 and self.highest == self.size
        first, rows = own.number(bad.first), mask.places(bad.rows)
        return own.out_of_range(
            self.name, first, self.size - 1, shape, rows, bad.count, one_based=one_based
        )


def pack(mask: SparseMask, universe: MaskUniverse, *, whole: bool = True) -> NDArray[np.int64]:
    """The pixels of a list, sorted, each as (place x size + index) << 8 | class, int64 (n,).

    Parameters
    ----------
    mask, universe
        The list, and the test set it is for.
    whole
        Whether every event with lit pixels must occur.

    Raises
    ------
    InputRefusedError
        Events are unknown or missing, or pixels lie outside of their event or repeat.

    """
    packed, errors = _as_listed(mask, universe, whole=whole)
    if not errors and _has_repeats(packed := ascending(packed)):
        errors = [_repeated(mask, universe, _as_listed(mask, universe, whole=whole)[0])]
    if errors:
        raise InputRefusedError(*errors, *mask.warnings)
    return packed


def _as_listed(
    mask: SparseMask, universe: MaskUniverse, *, whole: bool
) -> tuple[NDArray[np.int64], list[Finding]]:
    """As `pack`, but in the order of the list; and errors on what does not fit."""
    numbers = event_numbers(mask.event, universe)
    shape, names = universe.format.shape, mask.names
    sizes = shape if len(names) > 1 else (math.prod(shape),)
    columns = [Column(name, size) for name, size in zip(names, sizes, strict=True)]
    seen, unknown = np.zeros(universe.format.rows, bool), Offenders()
    packed = np.empty(mask.classes.size, np.int64)
    for start, (number, *place) in blocks(numbers.pieces, *mask.place):
        stop = start + number.size
        at = numbers.places(number)
        unknown.add(start, at < 0, number)
        for column, values in zip(columns, place, strict=True):
            column.look(start, values)
        seen[at[at >= 0]] = True
        key = at * universe.size + flat_index(place, shape)
        packed[start:stop] = (key << CLASS_BITS) | mask.classes[start:stop]
    errors = _outside(mask, universe, unknown, columns)
    return packed, errors + (_missing(universe, seen) if whole else [])


def ascending(packed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted numbers (n,), in the same memory where there are many.

    Polars takes a third of NumPy's time for it, but needs a second array; NumPy parts the numbers
    in place, so that only few of them stand twice while two threads sort them part by part.
    """
    if all((part[1:] > part[:-1]).all() for part in _overlapping(packed)):
        return packed
    if packed.size < ROWS_OF_PARTS:
        return pl.Series(packed).sort(multithreaded=False).to_numpy()
    bounds = np.linspace(0, packed.size, PARTS + 1).astype(np.int64)
    packed.partition(bounds[1:-1])
    parts = [packed[start:stop] for start, stop in pairwise(bounds.tolist())]
    both(_sort_each, parts[: PARTS // 2], parts[PARTS // 2 :])
    return packed


def _sort_each(parts: Sequence[NDArray[np.int64]]) -> None:
    for part in parts:
        part[:] = pl.Series(part).sort(multithreaded=False).to_numpy()


def _overlapping(packed: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Blocks that share their edges."""
    for start in range(0, packed.size, BLOCK):
        yield packed[start : start + BLOCK + 1]


def _has_repeats(ordered: NDArray[np.int64]) -> bool:
    """Whether neighbours differ in nothing but the class."""
    return any((part[1:] ^ part[:-1] <= CLASS_MASK).any() for part in _overlapping(ordered))


def _outside(
    mask: SparseMask, universe: MaskUniverse, unknown: Offenders, columns: Sequence[Column]
) -> list[Finding]:
    errors = []
    if unknown.count:
        first, rows = mask.event[unknown.rows[0]], mask.places(unknown.rows)
        errors.append(own.unknown_event(own.number(first), rows, unknown.count))
    shape = universe.format.shape
    return errors + [one.finding(mask, shape) for one in columns if one.offenders.count]


def _missing(universe: MaskUniverse, seen: NDArray[np.bool_]) -> list[Finding]:
    """Events without lit pixels may be left out: what is not listed is class 0."""
    missing = universe.listed[~seen[universe.listed]]
    if not missing.size:
        return []
    some = [universe.name(place) for place in missing[:ROWS_SHOWN]]
    return [own.missing_event(some, missing.size)]


def _repeated(mask: SparseMask, universe: MaskUniverse, packed: NDArray[np.int64]) -> Finding:
    keys = packed >> CLASS_BITS
    order = np.argsort(keys, kind="stable")
    again = np.sort(order[1:][keys[order[1:]] == keys[order[:-1]]])
    place, index = divmod(int(keys[again[0]]), universe.size)
    pixel = str(index)
    if len(mask.names) > 1:
        pixel = own.shape_words(np.unravel_index(index, universe.format.shape))
    rows = mask.places(again[:ROWS_SHOWN].tolist())
    return own.repeated_pixel(pixel, universe.name(place), rows, again.size)
