"""The solution of a segmentation: scored pixels, and a table of its events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.files.table import row_numbers
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.segmentation.columns import CLASS, EVENT, place_names
from fivesigma_scoring.segmentation.dense import check_numbers
from fivesigma_scoring.segmentation.ordering import CLASS_BITS, CLASS_MASK, pack
from fivesigma_scoring.segmentation.organiser import EVENTS, MASK, Arrays, faults_of, format_of
from fivesigma_scoring.segmentation.reading import read_sparse, sparse_mask
from fivesigma_scoring.segmentation.sample import distinct, id_type
from fivesigma_scoring.segmentation.universe import MaskUniverse
from fivesigma_scoring.settings import PhaseScoring, TestSetSpec
from fivesigma_scoring.solution_files import (
    FIRST_SHOWN,
    SIZE_LIMIT,
    SolutionError,
    Source,
    read_id_array,
)
from fivesigma_scoring.solution_table import SolutionTable, named_columns, usage_columns
from fivesigma_scoring.wording import shorten

USAGE_WORDS = {"0": "ignored", "1": "public", "2": "private"}


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"


def _events_are(count: int) -> str:
    return f"{_events(count)} {'is' if count == 1 else 'are'}"


@dataclass(frozen=True)
class EventSource(Source):
    """A table of events, whose faults name events instead of rows."""

    events: tuple[str, ...]

    def fail(self, column: str, bad: NDArray[np.intp], frame: pl.DataFrame, what: str) -> None:
        """Raise a `SolutionError` that names the first events; nothing where `bad` is empty."""
        if bad.size:
            names = ", ".join(shorten(self.events[at]) for at in bad[:FIRST_SHOWN])
            value = shorten(frame[column][int(bad[0])])
            raise SolutionError(
                f"{self.path.name}: the column {column!r} {what} for {_events(bad.size)}; first: "
                f'{names} ("{value}").'
            )


@dataclass(frozen=True)
class EventTable:
    """The columns that belong to events, one row for each, as text.

    Attributes
    ----------
    source, frame
        The file and what was read of it.
    ids
        int64 (n,) or UTF-8 byte strings (n,); None for the order of the sample.

    """

    source: EventSource
    frame: pl.DataFrame
    ids: NDArray[Any] | None

    @classmethod
    def of_table(cls, path: Path, needed: Sequence[str], kind: str | None = None) -> Self:
        """Distinct rows of a table of pixels; `kind` of the ids as in `PredictionFormat.id_type`.

        Raises
        ------
        SolutionError
            A column is missing, or differs within an event.

        """
        source = Source.open(path)
        identity = source.need(EVENT)
        columns = list(dict.fromkeys([identity, *map(source.need, needed)]))
        frame = source.read(columns).with_columns(pl.all().fill_null("").str.strip_chars())
        frame = frame.unique(maintain_order=True)
        twice = frame[identity].is_duplicated()
        if twice.any():
            event = frame[identity].filter(twice)[0]
            raise SolutionError(
                f"{path.name}: {', '.join(map(repr, columns[1:]))} must be the same in all rows of "
                f"an event, and differ in event {shorten(event)}."
            )
        integers = (kind or id_type(path)) == "int"
        ids = read_id_array(source, frame, identity, integers=integers)
        events = EventSource(path, source.names, None, tuple(frame[identity].to_list()))
        return cls(events, frame, ids)

    @classmethod
    def of_arrays(cls, arrays: Arrays, needed: Sequence[str], usages: Sequence[str]) -> Self:
        """The array ``events`` and those that go with it; numbers of `usages` become words.

        Raises
        ------
        SolutionError
            An array is missing or has another shape.

        """
        source = EventSource(arrays.path, arrays.names, None, ())
        if EVENTS not in arrays and MASK not in arrays and needed:
            source.need(EVENTS)
        rows = len(arrays[MASK]) if MASK in arrays else None
        ids, names = None, tuple(map(str, range(rows or 0)))
        if EVENTS in arrays:
            column = arrays.column(EVENTS, rows)
            rows, names = len(column), tuple(column.cast(pl.String).to_list())
            ids = distinct(column)
            if ids.size < rows:
                raise SolutionError(f"{arrays.path.name}: the array 'events' repeats ids.")
        frame = pl.DataFrame(
            [
                _words(arrays.column(source.need(name), rows), name in usages)
                for name in dict.fromkeys(needed)
            ]
        )
        return cls(replace(source, events=names), frame, ids)

    def order(self, universe: MaskUniverse) -> NDArray[np.int64]:
        """Row of each id of the universe, int64 (n,).

        Raises
        ------
        SolutionError
            The events are not those of the sample.

        """
        rows, name = universe.format.rows, self.source.path.name
        if self.ids is None:
            if self.frame.width and self.frame.height != rows:
                raise SolutionError(
                    f"{name}: {self.frame.height:,} events, the sample has {rows:,}."
                )
            return universe.events.position
        known = self.ids.dtype.kind == universe.events.ids.dtype.kind
        at = universe.events.locate(self.ids) if known else np.full(self.ids.size, -1)
        if (at < 0).any():
            some = shorten(self.source.events[int(np.flatnonzero(at < 0)[0])])
            gone = int((at < 0).sum())
            raise SolutionError(
                f"{name}: {_events_are(gone)} not in the sample, the first is {some}."
            )
        if at.size < rows:
            missing = np.setdiff1d(np.arange(rows), at)
            some = universe.name(int(universe.events.position[missing[0]]))
            raise SolutionError(
                f"{name}: {_events_are(missing.size)} missing, the first is {some}. "
                "Add a row with class 0 for an event without any labelled pixel."
            )
        order = np.empty(rows, np.int64)
        order[at] = np.arange(rows)
        return order

    def columns(self, universe: MaskUniverse, test_set: TestSetSpec) -> SolutionTable:
        """The table in the order of the sorted ids."""
        return SolutionTable(self.source, self.frame, test_set, self.order(universe))


def event_table(
    path: Path, test_set: TestSetSpec, phases: Sequence[PhaseScoring], kind: str | None = None
) -> EventTable:
    """The columns of events that the settings name; `kind` of the ids, None to find it out.

    Raises
    ------
    SolutionError
        A column is missing or differs within an event, or the file is none that is read.

    """
    what, needed = format_of(path), named_columns(test_set, phases)
    if what not in ("npy", "npz"):
        return EventTable.of_table(path, needed, kind)
    return EventTable.of_arrays(
        Arrays(path, what), needed, [*usage_columns(test_set, phases).values()]
    )


def _words(column: pl.Series, usage: bool) -> pl.Series:
    text = column.cast(pl.String).fill_null("").str.strip_chars()
    return text.replace(USAGE_WORDS) if usage else text


def scored_pixels(
    path: Path, universe: MaskUniverse, events: EventTable
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Keys as `MaskUniverse.keys` gives them, ascending (m,), and classes above 0, (m,).

    Raises
    ------
    SolutionError
        The pixels do not fit the test set.

    """
    what = format_of(path)
    form = replace(universe.format, max_bytes=SIZE_LIMIT, max_expanded_bytes=SIZE_LIMIT)
    with faults_of(path):
        if what not in ("npy", "npz"):
            packed = pack(read_sparse(path, what, form), universe, whole=False)
        else:
            arrays = Arrays(path, what)
            if MASK in arrays:
                return _of_dense(arrays[MASK], universe, events)
            packed = _of_columns(arrays, form, universe)
    packed = packed[packed & CLASS_MASK > 0]
    return packed >> CLASS_BITS, (packed & CLASS_MASK).astype(np.uint8)


def _of_dense(
    values: NDArray[Any], universe: MaskUniverse, events: EventTable
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    wanted = (universe.format.rows, *universe.format.shape)
    name = events.source.path.name
    if values.shape != wanted or values.dtype.kind not in "iub":
        raise SolutionError(
            f"{name}: the array 'mask' is {values.dtype} {values.shape}; integers {wanted} are "
            "needed."
        )
    check_numbers(values, universe.format)
    flat = values[events.order(universe)[universe.ordered]].reshape(-1)
    keys = np.flatnonzero(flat).astype(np.int64)
    return keys, flat[keys].astype(np.uint8)


def _of_columns(
    arrays: Arrays, form: PredictionFormat, universe: MaskUniverse
) -> NDArray[np.int64]:
    names = (EVENT, *place_names(arrays.names, len(form.shape)), CLASS)
    source = EventSource(arrays.path, arrays.names, None, ())
    first = arrays.column(source.need(EVENT))
    columns = {name: arrays.column(source.need(name), len(first)) for name in names}
    return pack(sparse_mask(columns, form, (), row_numbers), universe, whole=False)
