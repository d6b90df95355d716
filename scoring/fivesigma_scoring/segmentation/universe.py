"""The universe of a segmentation: its events, and the lit pixels that its sample lists."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.universe import Universe, load_array

OFFSETS_FILE, LIT_FILE = "offsets.npy", "lit.npy"
LIT_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class MaskUniverse:
    """Events with their lit input pixels: those that the published sample names, nothing else.

    Attributes
    ----------
    events
        Ids of the events, and their order in the sample.
    offsets
        int64 (events + 1,): the event at place e of the sample has the lit pixels ``offsets[e]`` to
        ``offsets[e + 1] - 1``.
    lit
        int32 or int64 (m,): index in C order of each lit pixel in its event, ascending.

    """

    events: Universe
    offsets: NDArray[np.int64]
    lit: NDArray[Any]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what `save` wrote."""
        offsets, lit = (load_array(folder / name) for name in (OFFSETS_FILE, LIT_FILE))
        return cls(Universe.load(folder), offsets, lit)

    def save(self, folder: Path) -> None:
        """Write the universe into an existing folder."""
        self.events.save(folder)
        np.save(folder / OFFSETS_FILE, self.offsets, allow_pickle=False)
        np.save(folder / LIT_FILE, self.lit, allow_pickle=False)

    @property
    def format(self) -> PredictionFormat:
        """What a file must look like."""
        return self.events.format

    def with_format(self, format: PredictionFormat) -> Self:  # noqa: A002
        """The same events under another format."""
        return replace(self, events=self.events.with_format(format))

    @cached_property
    def size(self) -> int:
        """Pixels of one event."""
        return math.prod(self.format.shape)

    @cached_property
    def listed(self) -> NDArray[np.intp]:
        """Places of the events that have lit pixels, ascending."""
        return np.flatnonzero(np.diff(self.offsets))

    @cached_property
    def ordered(self) -> NDArray[np.int64]:
        """Index into the sorted ids of the event at each place, (events,)."""
        return self.events.sample_order()

    def name(self, place: int) -> str:
        """Id of the event at a place."""
        one = self.events.ids[self.ordered[place]]
        return one.decode() if isinstance(one, bytes) else str(one)

    def lit_of(self, place: int) -> NDArray[Any]:
        """Lit pixels of one event, ascending."""
        return self.lit[self.offsets[place] : self.offsets[place + 1]]

    def keys(self, first: int, last: int) -> NDArray[np.int64]:
        """Place x `size` + index of each lit pixel of the events from `first` to before `last`."""
        bounds = self.offsets[first : last + 1]
        base = np.repeat(np.arange(first, last) * self.size, np.diff(bounds))
        return np.asarray(base + self.lit[bounds[0] : bounds[-1]])

    def stretches(self) -> list[tuple[int, int]]:
        """Ranges of places that together hold a block of lit pixels each."""
        wanted = np.arange(0, self.lit.size + LIT_AT_ONCE, LIT_AT_ONCE)
        ends = np.unique(np.searchsorted(self.offsets, wanted)).clip(max=self.format.rows)
        bounds = np.unique([0, *ends.tolist(), self.format.rows]).tolist()
        return list(pairwise(bounds))
