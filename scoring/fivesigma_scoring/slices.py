"""Slices: named groups of rows of a solution, such as a process or a range of pT.

Every metric is also taken on each slice of a split, from the same aligned events and with their
weights as the whole split has scaled them. Where does a model fail?
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.details import IS
from fivesigma_scoring.metric import Estimate
from fivesigma_scoring.uncertainty import Chosen
from fivesigma_scoring.universe import load_array

MOST_VALUES = 50
"""Slices of one column: a board, a page and a report must be able to show them."""
SLICES_FILE, PLACES_FILE, EDGES_FILE = "slices.json", "slice_places.npy", "slice_edges.npy"

Places = NDArray[np.intp]
"""Which events of a split are in a slice, increasing, shape (m,)."""
Estimates = Callable[[Any, Sequence[Chosen]], list[Estimate]]
Row = list[Estimate | None]
"""The metrics on one slice; None for those that have no value there."""


@dataclass(frozen=True)
class Slices:
    """Which slice of one column each event of a solution belongs to.

    Attributes
    ----------
    names
        ``column=value``, in alphabetical order of the values.
    code
        int64 (n,), index into `names`; -1 for rows without a value, which belong to none.

    """

    names: tuple[str, ...]
    code: NDArray[np.int64]

    @classmethod
    def of(cls, column: str, text: pl.Series) -> Self:
        """Slices from a text column; what is empty is no value.

        Raises
        ------
        ValueError
            There are more than `MOST_VALUES`, or none.

        """
        words = sorted(word for word in text.unique().to_list() if word)
        if not words:
            raise ValueError("has no value in any row, so there is nothing to slice by.")
        if len(words) > MOST_VALUES:
            raise ValueError(
                f"has {len(words):,} different values, more than the {MOST_VALUES} slices of a "
                "column; put the values into ranges first."
            )
        code = text.replace_strict(words, range(len(words)), default=-1, return_dtype=pl.Int64)
        return cls(tuple(f"{column}{IS}{word}" for word in words), code.to_numpy())

    def __getitem__(self, order: NDArray[np.int64]) -> Self:
        """The same events in another order."""
        return replace(self, code=self.code[order])

    def used(self, rows: NDArray[np.intp]) -> list[str]:
        """Names of the slices that some of the `rows` are in."""
        return [self.names[at] for at in np.unique(self.code[rows]) if at >= 0]


def write_slices(
    folder: Path, slices: Sequence[Slices], names: Sequence[str], events: NDArray[np.intp]
) -> None:
    """Which events of a split are in each slice.

    Parameters
    ----------
    folder
        Of the split.
    slices
        Of the solution, one for each column.
    names
        The slices to write.
    events
        Row of each event of the split, in their order (n,).

    """
    wanted, found = set(names), {}
    for column in slices:
        code = column.code[events]
        for at, name in enumerate(column.names):
            if name in wanted:
                found[name] = np.flatnonzero(code == at).astype(np.int32)
    places = [found[name] for name in names]
    edges = np.cumsum([0, *(one.size for one in places)])
    np.save(folder / PLACES_FILE, np.concatenate(places), allow_pickle=False)
    np.save(folder / EDGES_FILE, edges, allow_pickle=False)
    (folder / SLICES_FILE).write_text(json.dumps(list(names)) + "\n")


def load_slices(folder: Path) -> dict[str, Places]:
    """What `write_slices` wrote; nothing where there are no slices."""
    if not (folder / SLICES_FILE).is_file():
        return {}
    names = json.loads((folder / SLICES_FILE).read_text())
    places, edges = load_array(folder / PLACES_FILE), load_array(folder / EDGES_FILE).tolist()
    return {
        name: places[start:stop].astype(np.intp)
        for name, start, stop in zip(names, edges[:-1], edges[1:], strict=True)
    }


class Events(Protocol):
    """The events of a split with a prediction, of which some can be taken."""

    def take(self, places: Places) -> Self:
        """Some of the events; raises `ValueError` where nothing can be said of them alone."""


def each_apart(estimates: Estimates) -> Callable[[Any, Sequence[Places], Sequence[Chosen]], Any]:
    """How a kind scores slices where nothing of a slice depends on the other events.

    Parameters
    ----------
    estimates
        Each metric of a sample with its sampling error.

    """

    def rows(sample: Events, parts: Sequence[Places], metrics: Sequence[Chosen]) -> list[Row]:
        return [_row(estimates, sample, places, metrics) for places in parts]

    return rows


def _row(estimates: Estimates, sample: Events, places: Places, metrics: Sequence[Chosen]) -> Row:
    try:
        taken = sample.take(places)
        return [with_value(one) for one in estimates(taken, metrics)]
    except ValueError:
        return [_alone(estimates, sample, places, chosen) for chosen in metrics]


def _alone(estimates: Estimates, sample: Events, places: Places, chosen: Chosen) -> Estimate | None:
    """One metric; None where it has no value on these events."""
    try:
        return with_value(estimates(sample.take(places), [chosen])[0])
    except ValueError:
        return None


def with_value(estimate: Estimate) -> Estimate | None:
    """The estimate; None where its value is not finite."""
    return estimate if isfinite(estimate.value) else None


def by_name(
    names: Sequence[str], rows: Sequence[Row], metrics: Sequence[Chosen]
) -> Mapping[str, Mapping[str, Estimate | None]]:
    """Slice -> metric -> estimate."""
    titles = [metric.name for metric, _ in metrics]
    return {
        name: dict(zip(titles, row, strict=True)) for name, row in zip(names, rows, strict=True)
    }


def numbered(group: NDArray[np.int64] | None, places: Places) -> NDArray[np.int64] | None:
    """Groups of some events, from 0 without gaps, int64 (m,)."""
    return None if group is None else np.unique(group[places], return_inverse=True)[1]
