"""Tables: which columns are wanted, which of a file's columns they are, and what was read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.report import ROWS_SHOWN, Finding, InputRefusedError

Places = Callable[[Sequence[int]], tuple[int, ...]]


@dataclass(frozen=True)
class Column:
    """A column that is wanted.

    Attributes
    ----------
    name, aliases
        What it is called; the first of these names that a file has is taken.
    dtype
        What every value of a proper text file fits into.
    required
        Whether a file without it is refused.
    pairs
        Words for yes and no: text that holds those of one pair alone may come as booleans.

    """

    name: str
    dtype: type[pl.DataType]
    required: bool = True
    aliases: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()

    def names(self) -> tuple[str, ...]:
        """All names, the preferred one first."""
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Schema:
    """What a table must look like.

    Attributes
    ----------
    columns
        The columns that are read.
    rows
        Number of rows that are expected, at most.
    max_bytes
        Cap in bytes after decompression.
    too_many
        The finding for a file with so many rows that it isn't worth reading.

    """

    columns: tuple[Column, ...]
    rows: int
    max_bytes: int
    too_many: Callable[[int], Finding]


Choose = Callable[[Sequence[str]], Schema]
"""The schema for a header with these names."""


@dataclass(frozen=True)
class Found:
    """Where the wanted columns stand.

    Attributes
    ----------
    at
        Wanted name to position in the header; optional columns may be missing.
    spelling
        Wanted name to the name or alias that was found.
    warnings
        Names that were read kindly, columns that are not used.

    """

    at: Mapping[str, int]
    spelling: Mapping[str, str]
    warnings: tuple[Finding, ...]

    def used(self) -> list[int]:
        """Positions of the columns that have to be read, in the order of the file."""
        return sorted(set(self.at.values()))


@dataclass(frozen=True)
class Table:
    """The columns that are used, as read, with the way from a row back to its line.

    The values of a small plain text are arrays (n,): int64, finite float64, or byte strings.
    """

    found: Found
    values: Mapping[int, pl.Series | NDArray[Any]]
    places: Places

    def __getitem__(self, name: str) -> pl.Series:
        """The column that is wanted by this name."""
        values = self.values[self.found.at[name]]
        if isinstance(values, pl.Series):
            return values
        return pl.Series(values.astype(np.str_).tolist() if values.dtype.kind == "S" else values)

    def plain(self, name: str) -> NDArray[Any] | None:
        """The column as an array that needs no second look; None where it may."""
        values = self.values[self.found.at[name]]
        return None if isinstance(values, pl.Series) else values

    def __contains__(self, name: str) -> bool:
        """Whether the file has the column."""
        return name in self.found.at

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.values.values())))


def plain(name: str) -> str:
    """A column name without case, spaces and punctuation: EventId and event_id are the same."""
    return "".join(character for character in name.casefold() if character.isalnum())


def find_column(names: Sequence[str], wanted: str) -> int | None:
    """Position of a column: its exact name first, then a kind reading; None where there is none."""
    if wanted in names:
        return names.index(wanted)
    plain_names = [plain(name) for name in names]
    return plain_names.index(plain(wanted)) if plain(wanted) in plain_names else None


def match(names: Sequence[str], schema: Schema) -> Found:
    """Find the wanted columns among the names of a header.

    Raises
    ------
    InputRefusedError
        A needed column is missing, or a known one appears twice.

    """
    known = [name for column in schema.columns for name in column.names()]
    positions = {name: find_column(names, name) for name in known}
    at, spelling, errors = {}, {}, []
    for column in schema.columns:
        taken = next((one for one in column.names() if positions[one] is not None), None)
        place = None if taken is None else positions[taken]
        if taken is not None and place is not None:
            at[column.name], spelling[column.name] = place, taken
        elif column.required:
            errors.append(findings.missing_column(column.name, names))
    errors += _repeated(names, known)
    if errors:
        raise InputRefusedError(*errors)
    return Found(at, spelling, _warnings(names, positions))


def _repeated(names: Sequence[str], known: Sequence[str]) -> list[Finding]:
    found = [plain(name) for name in names]
    return [
        findings.repeated_column(name, found.count(plain(name)))
        for name in known
        if found.count(plain(name)) > 1
    ]


def _warnings(names: Sequence[str], found: Mapping[str, int | None]) -> tuple[Finding, ...]:
    renamed = [
        findings.column_renamed(names[at], wanted)
        for wanted, at in found.items()
        if at is not None and names[at] != wanted
    ]
    unused = [name for at, name in enumerate(names) if at not in found.values()]
    return (*renamed, *([findings.unused_columns(unused)] if unused else []))


def row_numbers(rows: Sequence[int]) -> tuple[int, ...]:
    """1-based row numbers for a report."""
    return tuple(int(row) + 1 for row in rows[:ROWS_SHOWN])
