"""Whether a list of pixels is that of the sample, row for row: then nothing has to be sorted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.files.pair import both
from fivesigma_scoring.segmentation.pieces import Pieces, blocks, pieces_of
from fivesigma_scoring.segmentation.prediction import SparseMask
from fivesigma_scoring.segmentation.universe import MaskUniverse

ROWS_OF_TWO = 1_000_000
"""From so many rows on a second thread is worth its start."""


@dataclass(frozen=True)
class EventNumbers:
    """The events of the rows of a file as numbers.

    Attributes
    ----------
    pieces
        A number for each row: the id itself, or the place of a text among the sorted ids.
    sample
        Number of the event at each place of the sample, (events,).
    universe
        Whose events they are.

    """

    pieces: Pieces
    sample: NDArray[Any]
    universe: MaskUniverse
    are_ids: bool

    def places(self, numbers: NDArray[Any]) -> NDArray[np.int64]:
        """Place in the sample of each number, int64 (n,); -1 where it is unknown."""
        changes = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
        if 2 * changes.size > numbers.size:
            return self._places(numbers)
        starts = np.concatenate([[0], changes])
        lengths = np.diff(starts, append=numbers.size)
        return np.repeat(self._places(numbers[starts]), lengths)

    def _places(self, numbers: NDArray[Any]) -> NDArray[np.int64]:
        events = self.universe.events
        at = events.locate(numbers.astype(np.int64)) if self.are_ids else numbers.astype(np.int64)
        known = (at >= 0) & (at < events.ids.size)
        return np.where(known, events.position[np.where(known, at, 0)], -1)


def event_numbers(event: pl.Series, universe: MaskUniverse) -> EventNumbers:
    """Ids, integers or text (n,), as numbers that compare fast."""
    events = universe.events
    if event.dtype.is_integer():
        return EventNumbers(pieces_of(event), events.ids[universe.ordered], universe, are_ids=True)
    words = pl.Enum(events.words())
    codes = event.cast(words, strict=False).to_physical().cast(pl.Int64).fill_null(-1)
    return EventNumbers(pieces_of(codes), universe.ordered, universe, are_ids=False)


def stands_as_sample(mask: SparseMask, universe: MaskUniverse) -> bool:
    """Whether the rows are the lit pixels in their order."""
    if mask.classes.size != universe.lit.size:
        return False
    numbers = event_numbers(mask.event, universe)
    rows = list(blocks(numbers.pieces, *mask.place))
    runs = Runs(universe.offsets[universe.listed], numbers.sample[universe.listed])

    def events() -> bool:
        return all(runs.stand(start, number) for start, (number, *_) in rows)

    def pixels() -> bool:
        return all(_are_lit(start, place, universe) for start, (_, *place) in rows)

    if mask.classes.size < ROWS_OF_TWO:
        return events() and pixels()
    return all(both(lambda stand: stand(), pixels, events))


@dataclass(frozen=True)
class Runs:
    """Rows that belong to one event each: where they begin, and the number of their event."""

    starts: NDArray[np.int64]
    numbers: NDArray[Any]

    def stand(self, first: int, number: NDArray[Any]) -> bool:
        """Whether the rows from `first` on have these numbers: they change where a run begins."""
        begin, end = np.searchsorted(self.starts, (first, first + number.size - 1), "right")
        inside = self.starts[begin:end] - first
        expected = self.numbers[begin - 1 : end]
        return bool(
            number[0] == expected[0]
            and np.array_equal(number[inside], expected[1:])
            and np.array_equal(number[inside - 1], expected[:-1])
            and np.count_nonzero(number[1:] != number[:-1]) == inside.size
        )


def _are_lit(first: int, place: Sequence[NDArray[Any]], universe: MaskUniverse) -> bool:
    index = flat_index(place, universe.format.shape)
    lit = universe.lit[first : first + index.size]
    return bool((index == lit.astype(np.result_type(index, lit), copy=False)).all())


def flat_index(place: Sequence[NDArray[Any]], shape: Sequence[int]) -> NDArray[Any]:
    """Index in C order, (n,); -1 where a coordinate lies outside of the shape."""
    if len(place) == 1:
        return place[0]
    index, inside = np.zeros(place[0].size, np.int64), np.ones(place[0].size, bool)
    for values, size in zip(place, shape, strict=True):
        inside &= (values >= 0) & (values < size)
        index *= size
        index += values
    index[~inside] = -1
    return index
