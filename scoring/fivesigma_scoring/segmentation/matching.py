"""Whether a list of pixels is that of the sample, row for row: then nothing has to be sorted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.segmentation.pieces import Pieces, blocks, pieces_of
from fivesigma_scoring.segmentation.prediction import SparseMask
from fivesigma_scoring.segmentation.universe import MaskUniverse


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
    expected = numbers.sample[universe.listed]
    starts = universe.offsets[universe.listed]
    ends = np.append(starts[1:], universe.lit.size) - 1
    changes, last = 0, None
    for start, (number, *place) in blocks(numbers.pieces, *mask.place):
        for edges in (starts, ends):
            low, high = np.searchsorted(edges, (start, start + number.size))
            if not np.array_equal(number[edges[low:high] - start], expected[low:high]):
                return False
        changes += int(np.count_nonzero(number[1:] != number[:-1]))
        changes += int(last is not None and last != number[0])
        last = number[-1]
        index = flat_index(place, universe.format.shape)
        lit = universe.lit[start : start + number.size]
        if not (index == lit.astype(np.result_type(index, lit), copy=False)).all():
            return False
    return changes == expected.size - 1


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
