"""A solution with one row per event: its columns in the order of the sorted ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.settings import PhaseScoring, SplitSpec, TestSetSpec
from fivesigma_scoring.slices import Slices
from fivesigma_scoring.solution_files import (
    SolutionError,
    Source,
    read_floats,
    read_id_array,
    text_of,
)
from fivesigma_scoring.splits import PUBLIC, USAGES, make_usage
from fivesigma_scoring.universe import Universe
from fivesigma_scoring.variants import Variants

VARIANT = r"^[^\p{C}]{1,40}$"
SLICE = r"^[^\p{C}]{0,40}$"


@dataclass(frozen=True)
class RowTruth:
    """What every solution with one row per event has, in the order of the sorted ids, each (n,).

    Attributes
    ----------
    weight
        float64, as read.
    group
        int64, equal for rows of one event; None without such a column.
    usage
        Phase -> int8: 0 ignored, 1 public, 2 private.
    variants
        Which variant each event belongs to; None without such a column.
    slices
        Which slice each event belongs to, for each column that has slices.

    """

    weight: NDArray[np.float64]
    group: NDArray[np.int64] | None
    usage: Mapping[str, NDArray[np.int8]]
    variants: Variants | None = None
    slices: Sequence[Slices] = ()

    def groups(self, rows: NDArray[np.intp]) -> NDArray[np.int64] | None:
        """Which of these events are one physical event, int64 (n,)."""
        return None if self.group is None else self.group[rows]

    def events(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Row of each event that is scored, in the order of a split's events."""
        return rows


@dataclass(frozen=True)
class SolutionTable:
    """The columns of a solution file that are needed, as text, and the order of their rows.

    Attributes
    ----------
    source, frame
        The file and what was read of it.
    test_set
        Settings that name its columns.
    order
        Row of the file of each id of the universe, int64 (n,).

    """

    source: Source
    frame: pl.DataFrame
    test_set: TestSetSpec
    order: NDArray[np.int64]

    @classmethod
    def open(
        cls,
        path: Path,
        universe: Universe,
        test_set: TestSetSpec,
        phases: Sequence[PhaseScoring],
        wanted: Sequence[str],
    ) -> Self:
        """Read the columns `wanted` and those that the settings name.

        Raises
        ------
        SolutionError
            A column is missing, or the ids are not those of the universe.

        """
        source = Source.open(path)
        identity = source.need(universe.format.id_column)
        named = [*wanted, *named_columns(test_set, phases)]
        columns = [identity, *(source.need(name) for name in named)]
        if weight := source.find("weight"):
            columns.append(weight)
        frame = source.read(list(dict.fromkeys(columns)))
        return cls(source, frame, test_set, _order(source, frame, identity, universe))

    def weight(self) -> NDArray[np.float64]:
        """Event weights, float64 (n,); ones where the file has none."""
        name = self.source.find("weight")
        if name is None:
            return np.ones(self.order.size)
        return read_floats(self.source, self.frame, name, "weights")[self.order]

    def group(self) -> NDArray[np.int64] | None:
        """Which rows belong to one event, int64 (n,); None without such a column."""
        return None if self.test_set.group is None else self.codes(self.test_set.group)

    def variants(self) -> Variants | None:
        """Which variant each row belongs to; None where the test set has none.

        Raises
        ------
        SolutionError
            A name is not printable or too long, none is ``nominal``, or there are too many.

        """
        if self.test_set.variants is None:
            return None
        column = self.source.need(self.test_set.variants)
        text = text_of(self.frame, column)
        bad = np.flatnonzero(~text.str.contains(VARIANT).to_numpy())
        what = "holds no name of a variant (1 to 40 printable characters)"
        self.source.fail(column, bad, self.frame, what)
        try:
            return Variants.of(text)[self.order]
        except ValueError as error:
            name = self.source.path.name
            raise SolutionError(f"{name}: the column {column!r} {error}") from error

    def slices(self) -> tuple[Slices, ...]:
        """Which slice each row belongs to, for each column that the settings name.

        Raises
        ------
        SolutionError
            A column has no values, too many, or one that is not printable or too long.

        """
        return tuple(self._slices(name) for name in dict.fromkeys(self.test_set.slices))

    def _slices(self, name: str) -> Slices:
        column = self.source.need(name)
        text = text_of(self.frame, column)
        bad = np.flatnonzero(~text.str.contains(SLICE).to_numpy())
        what = "holds no name of a slice (up to 40 printable characters)"
        self.source.fail(column, bad, self.frame, what)
        try:
            return Slices.of(name, text)[self.order]
        except ValueError as error:
            file = self.source.path.name
            raise SolutionError(f"{file}: the column {column!r} {error}") from error

    def text(self, name: str) -> NDArray[np.str_]:
        """A column as text (n,)."""
        column = text_of(self.frame, self.source.need(name))
        return column.to_numpy().astype(str)[self.order]

    def codes(self, name: str) -> NDArray[np.int64]:
        """A column as numbers of its distinct values, int64 (n,)."""
        return np.unique(self.text(name), return_inverse=True)[1].astype(np.int64)

    def usage(
        self, phases: Sequence[PhaseScoring], strata: NDArray[np.generic]
    ) -> dict[str, NDArray[np.int8]]:
        """Phase -> use of each event, int8 (n,); `strata` (n,) keep their shares in a drawn split.

        Raises
        ------
        SolutionError
            A word is none of the three, or the split cannot be drawn.

        """
        if self.test_set.split is not None:
            drawn = self._drawn(self.test_set.split, strata)
            return dict.fromkeys((phase.slug for phase in phases), drawn)
        if self.test_set.usage is None:
            everything = np.full(self.order.size, PUBLIC, np.int8)
            return dict.fromkeys((phase.slug for phase in phases), everything)
        columns = usage_columns(self.test_set, phases)
        return {slug: self._read_usage(self.source.need(name)) for slug, name in columns.items()}

    def _drawn(self, split: SplitSpec, strata: NDArray[np.generic]) -> NDArray[np.int8]:
        group = split.group or self.test_set.group
        stratify = split.stratify
        try:
            return make_usage(
                strata,
                public=split.public,
                seed=split.seed,
                stratify=self.codes(stratify) if isinstance(stratify, str) else stratify,
                group=None if group is None else self.codes(group),
            )
        except ValueError as error:
            raise SolutionError(f"split: {error}") from error

    def _read_usage(self, column: str) -> NDArray[np.int8]:
        text = text_of(self.frame, column).str.to_lowercase()
        bad = np.flatnonzero(~text.is_in(list(USAGES)).to_numpy())
        what = "holds other words than public, private and ignored"
        self.source.fail(column, bad, self.frame, what)
        return text.replace_strict(USAGES, return_dtype=pl.Int8).to_numpy()[self.order]


def named_columns(test_set: TestSetSpec, phases: Sequence[PhaseScoring]) -> list[str]:
    """Columns that the settings name: usage, group, variants, slices, and those of a split."""
    split = test_set.split
    drawn = () if split is None else (split.group, split.stratify)
    named = (test_set.group, test_set.variants, *test_set.slices, *drawn)
    usage = usage_columns(test_set, phases).values()
    return [*usage, *(name for name in named if isinstance(name, str))]


def usage_columns(test_set: TestSetSpec, phases: Sequence[PhaseScoring]) -> Mapping[str, str]:
    """Usage column of each phase; none where a split is drawn, or all events are one split."""
    usage = test_set.usage
    if test_set.split is not None or usage is None:
        return {}
    shared = {} if isinstance(usage, str) else usage
    default = usage if isinstance(usage, str) else "usage"
    return {p.slug: p.usage or shared.get(p.slug, default) for p in phases}


def _order(
    source: Source, frame: pl.DataFrame, column: str, universe: Universe
) -> NDArray[np.int64]:
    """Rows of the file in the order of the sorted ids; both files must hold the same ids."""
    integers = universe.format.id_type == "int"
    ids = read_id_array(source, frame, column, integers=integers)
    target = universe.locate(ids)
    unknown = np.flatnonzero(target < 0)
    source.fail(column, unknown, frame, "holds ids that are not in the sample")
    if ids.size != universe.ids.size:
        gone = universe.ids.size - ids.size
        raise SolutionError(
            f"{source.path.name}: {gone:,} ids of the sample are missing in {column!r}."
        )
    order = np.empty_like(target)
    order[target] = np.arange(target.size)
    return order
