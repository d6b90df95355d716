"""The truth of a segmentation, held against lit pixels: written once, mapped for every file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.phases import with_options
from fivesigma_scoring.segmentation.alignment import Listed, on_lit
from fivesigma_scoring.segmentation.columns import CLASS, EVENT, VOXEL
from fivesigma_scoring.segmentation.counts import MOST_CELLS, Sample, count_pixels
from fivesigma_scoring.segmentation.ordering import CLASS_BITS
from fivesigma_scoring.segmentation.registry import METRICS
from fivesigma_scoring.segmentation.solution import event_table, scored_pixels
from fivesigma_scoring.segmentation.split import (
    GROUP_FILE,
    LIT_FILE,
    OTHER_EVENT,
    OTHER_KEYS,
    OTHER_TRUTH,
    PLACES,
    SPLIT_FILE,
    TRUTHS,
    describe,
    facts_of,
)
from fivesigma_scoring.segmentation.universe import MaskUniverse
from fivesigma_scoring.settings import PhaseScoring, SplitSummary, TestSetSpec
from fivesigma_scoring.slices import Slices
from fivesigma_scoring.universe import load_array
from fivesigma_scoring.variants import Variants

KEYS_FILE, CLASSES_FILE = "keys.npy", "classes.npy"


@dataclass(frozen=True)
class MaskTruth:
    """True classes; most scored pixels are lit, and those that are not stand apart.

    Attributes
    ----------
    universe
        Events and lit pixels.
    lit
        uint8 (m,): true class of each lit pixel.
    keys, classes
        Scored pixels that are not lit: keys as `MaskUniverse.keys` gives them, ascending int64
        (k,), and classes, uint8 (k,).
    usage
        Phase -> int8 (n,) in the order of the sorted ids: 0 ignored, 1 public, 2 private.
    group
        int64 (n,) in that order, equal for events that fluctuate together; None without a column.
    variants
        Which variant each event belongs to; None without a column.
    slices
        Which slice each event belongs to, for each column that has slices.

    """

    universe: MaskUniverse
    lit: NDArray[np.uint8]
    keys: NDArray[np.int64]
    classes: NDArray[np.uint8]
    usage: Mapping[str, NDArray[np.int8]]
    group: NDArray[np.int64] | None
    variants: Variants | None
    slices: Sequence[Slices]

    @cached_property
    def number(self) -> int:
        """K, the number of classes with class 0."""
        known = len(self.universe.format.classes)
        return known or 1 + max(int(self.lit.max(initial=1)), int(self.classes.max(initial=1)))

    @cached_property
    def lit_pixels(self) -> NDArray[np.int64]:
        """Lit pixels of each event and class, in the order of the sample, int64 (n, K)."""
        counts = count_pixels(self.lit, self.lit, self.universe.offsets, self.number)
        return np.ascontiguousarray(counts.diagonal(axis1=1, axis2=2))

    @cached_property
    def pixels(self) -> NDArray[np.int64]:
        """The same with those that are not lit; class 0 counts nothing."""
        rows, number = self.universe.format.rows, self.number
        event = self.keys // self.universe.size
        others = np.bincount(event * number + self.classes, minlength=rows * number)
        pixels = self.lit_pixels + others.reshape(rows, number)
        pixels[:, 0] = 0
        return np.asarray(pixels)

    def groups(self, rows: NDArray[np.intp]) -> NDArray[np.int64] | None:
        """Which events of `rows` with scored pixels fluctuate together, int64 (n,)."""
        if self.group is None:
            return None
        return self.group[self.events(rows)]

    def events(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Row of each of the events `rows` with scored pixels, in the order of a split's events."""
        return np.asarray(self.universe.ordered[self._scored(rows)])

    def _scored(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Places, ascending, of the events `rows` that have scored pixels."""
        places = np.sort(self.universe.events.position[rows])
        return places[self.pixels[places].any(axis=1)]

    def save(self, folder: Path) -> None:
        """True classes of all events."""
        for name, array in (
            (LIT_FILE, self.lit),
            (KEYS_FILE, self.keys),
            (CLASSES_FILE, self.classes),
        ):
            np.save(folder / name, array, allow_pickle=False)

    def save_split(
        self,
        folder: Path,
        rows: NDArray[np.intp],
        phase: PhaseScoring,
        _nominal: NDArray[np.intp] | None = None,
    ) -> SplitSummary:
        """The events of a split that have scored pixels, and their true classes.

        Raises
        ------
        ValueError
            There is no such event, a metric has no value on them, or the phase declares totals.

        """
        if phase.normalise:
            raise ValueError("normalise is for the classes of selections; leave it out.")
        if not rows.size:
            raise ValueError("There is no event in it; both splits need some.")
        places = self._scored(rows)
        skipped = int(rows.size - places.size)
        self._check(places, rows, phase)
        arrays = self._arrays(places)
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        group = self.groups(rows)
        if group is not None:
            np.save(folder / GROUP_FILE, np.unique(group, return_inverse=True)[1])
        (folder / SPLIT_FILE).write_text(json.dumps({"skipped": skipped}) + "\n")
        facts = facts_of(self.pixels[places], skipped)
        return SplitSummary(places.size, facts, describe(facts, self.universe.format.classes))

    def _check(
        self, places: NDArray[np.int64], rows: NDArray[np.intp], phase: PhaseScoring
    ) -> None:
        """Every metric has a value on the perfect mask, and so on any."""
        if not places.size:
            raise ValueError("No event of it has a pixel of a class above 0 to score.")
        if self.lit_pixels.size * self.number > MOST_CELLS:
            raise ValueError(
                f"{len(self.lit_pixels):,} events with {self.number} classes are too many to "
                "count apart."
            )
        counts = np.zeros((places.size, self.number, self.number), np.int64)
        at = np.arange(self.number)
        counts[:, at, at] = self.pixels[places]
        sample = Sample(counts, self.groups(rows))
        for metric, options in with_options([METRICS[n] for n in phase.names()], phase.options):
            metric.function(sample, options)

    def _arrays(self, places: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        event = np.searchsorted(places, self.keys // self.universe.size)
        event = event.clip(max=places.size - 1)
        others = places[event] == self.keys // self.universe.size
        return {
            PLACES: places,
            TRUTHS: self.lit_pixels[places],
            OTHER_KEYS: self.keys[others],
            OTHER_TRUTH: self.classes[others],
            OTHER_EVENT: event[others],
        }


def read_truth(
    solution: Path, universe: MaskUniverse, test_set: TestSetSpec, phases: Sequence[PhaseScoring]
) -> MaskTruth:
    """Scored pixels and the table of events.

    Raises
    ------
    SolutionError
        Something does not fit; the text names file, column, and row or event.

    """
    events = event_table(solution, test_set, phases, universe.format.id_type)
    table = events.columns(universe, test_set)
    usage = table.usage(phases, np.zeros(universe.format.rows, np.int8))
    keys, classes = scored_pixels(solution, universe, events)
    true = Listed(universe.size, (keys << CLASS_BITS) | classes)
    lit = on_lit(true, universe)
    others = np.ones(keys.size, bool)
    if np.count_nonzero(lit) == keys.size:
        others[:] = False
    else:
        for first, last in universe.stretches():
            start, stop = np.searchsorted(keys, np.array([first, last]) * universe.size)
            others[start:stop] = ~np.isin(keys[start:stop], universe.keys(first, last))
    columns = (usage, table.group(), table.variants(), table.slices())
    return MaskTruth(universe, lit, keys[others], classes[others], *columns)


def write_perfect(compiled: Path, path: Path) -> Path:
    """The truth as a list of pixels, with a row of class 0 for each event without any."""
    universe = MaskUniverse.load(compiled / "universe")
    lit, others, classes = (
        load_array(compiled / "truth" / name) for name in (LIT_FILE, KEYS_FILE, CLASSES_FILE)
    )
    keys = np.concatenate([universe.keys(0, universe.format.rows)[lit > 0], others])
    classes = np.concatenate([lit[lit > 0], classes])
    empty = np.setdiff1d(np.arange(universe.format.rows), keys // universe.size)
    keys = np.concatenate([keys, empty * universe.size])
    classes = np.concatenate([classes, np.zeros(empty.size, np.uint8)])
    order = np.argsort(keys, kind="stable")
    place, voxel = np.divmod(keys[order], universe.size)
    ids = universe.events.ids[universe.ordered]
    words = pl.Series(universe.events.words()).gather(universe.ordered)
    event = words.gather(place) if ids.dtype.kind == "S" else pl.Series(ids[place])
    path = path.with_suffix(".parquet")
    columns = {EVENT: event, VOXEL: voxel, CLASS: classes[order]}
    pl.DataFrame(columns).write_parquet(path)
    return path
