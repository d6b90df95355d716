"""Reading what an organiser brings: the solution and the sample of a test set."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.files.columns import ID_BYTES, NO_ID
from fivesigma_scoring.files.container import identify, read_capped
from fivesigma_scoring.files.delimited import parse_text, read_header
from fivesigma_scoring.files.npz import is_npz
from fivesigma_scoring.files.parquet import check_pages, read_footer, read_frame
from fivesigma_scoring.files.table import find_column, plain
from fivesigma_scoring.prediction import HEADER_LIMIT, PredictionFormat
from fivesigma_scoring.report import InputRefusedError
from fivesigma_scoring.universe import Universe
from fivesigma_scoring.wording import shorten

SIZE_LIMIT = 4 * 2**30
INT64_DIGITS = r"^(0|-?[1-9][0-9]{0,18})$"
FIRST_SHOWN = 3


class SolutionError(ValueError):
    """A solution, sample or phase setting is wrong; the text names file, column and row."""


@dataclass(frozen=True)
class Source:
    """A table file of an organiser, opened as far as its column names.

    Attributes
    ----------
    path
        The file.
    names
        Its columns.

    """

    path: Path
    names: tuple[str, ...]
    data: bytes | None

    @classmethod
    def open(cls, path: Path) -> "Source":
        """Look at a CSV (also compressed) or Parquet file.

        Raises
        ------
        SolutionError
            There is no such file, or it is no table.

        """
        try:
            with path.open("rb") as stream:
                kind = identify(stream.read(16))
            if kind == "npy":
                raise SolutionError(f"{path.name}: .npy is no table; bring CSV or Parquet.")
            if kind == "parquet":
                return cls(path, tuple(read_footer(path).names), None)
            data = read_capped(path, kind, SIZE_LIMIT)
            return cls(path, read_header(data[:HEADER_LIMIT]).names, data)
        except OSError as error:
            raise SolutionError(f"{path.name}: cannot be opened ({error.strerror}).") from error
        except InputRefusedError as error:
            raise SolutionError(f"{path.name}: {error}") from error

    def find(self, name: str) -> str | None:
        """The column that is meant by `name`; None where there is none."""
        at = find_column(self.names, name)
        return None if at is None else self.names[at]

    def need(self, name: str) -> str:
        """Like `find`, but missing is an error."""
        found = self.find(name)
        if found is None:
            shown = ", ".join(shorten(one) for one in self.names[:10])
            raise SolutionError(
                f"{self.path.name}: the column {name!r} is missing; it has {shown}."
            )
        return found

    def id_column(self, known: Collection[str]) -> str:
        """The first column that is none of `known`."""
        others = {plain(name) for name in known}
        for name in self.names:
            if name and plain(name) not in others:
                return name
        raise SolutionError(f"{self.path.name}: there is no id column.")

    def check_sample(self, read: Callable[[Path, str], object]) -> None:
        """The published example must pass its own check, which gets path and format.

        Raises
        ------
        SolutionError
            It is refused.

        """
        try:
            with self.path.open("rb") as stream:
                read(self.path, identify(stream.read(16)))
        except InputRefusedError as error:
            raise SolutionError(f"{self.path.name}: {error}") from error

    def read(self, names: Sequence[str]) -> pl.DataFrame:
        """Named columns as text, blank lines left out.

        Raises
        ------
        SolutionError
            The file cannot be read.

        """
        try:
            if self.data is None:
                footer = read_footer(self.path)
                check_pages(self.path, [c for c in footer.chunks if c.column in names], footer.rows)
                frame = read_frame(self.path, list(dict.fromkeys(names)))
                exact = frame.with_columns(pl.selectors.float().cast(pl.Float64))
                return exact.with_columns(pl.all().cast(pl.String))
            header = read_header(self.data[:HEADER_LIMIT])
            used = {self.names.index(name): name for name in names}
            frame = parse_text(self.data, header, sorted(used))
            frame = frame.rename({str(at): name for at, name in used.items()})
            return frame.filter(~pl.all_horizontal(pl.all().is_null()))
        except (InputRefusedError, pl.exceptions.PolarsError) as error:
            raise SolutionError(f"{self.path.name}: {error}") from error

    def fail(self, column: str, bad: NDArray[np.intp], frame: pl.DataFrame, what: str) -> None:
        """Raise a `SolutionError` that names the first rows of `bad`; nothing where it is empty."""
        if bad.size:
            rows = ", ".join(f"{int(row) + 1:,}" for row in bad[:FIRST_SHOWN])
            value = shorten(frame[column][int(bad[0])])
            raise SolutionError(
                f"{self.path.name}: the column {column!r} {what} in {bad.size:,} rows; "
                f'first data rows: {rows} ("{value}").'
            )


def text_of(frame: pl.DataFrame, column: str) -> pl.Series:
    """A text column without spaces around its values; nulls become empty."""
    return frame[column].fill_null("").str.strip_chars()


def are_integers(text: pl.Series) -> bool:
    """Whether all ids are 64-bit integers in their plain spelling (007 is text)."""
    plain = text.str.contains(INT64_DIGITS).all()
    return bool(plain) and not text.cast(pl.Int64, strict=False).null_count()


def read_id_array(
    source: Source, frame: pl.DataFrame, column: str, *, integers: bool
) -> NDArray[Any]:
    """Ids as int64 (n,) or UTF-8 byte strings (n,).

    Raises
    ------
    SolutionError
        An id is empty, repeated, too long, or no integer where the others are.

    """
    text = text_of(frame, column)
    source.fail(column, np.flatnonzero((text == "").to_numpy()), frame, "is empty")
    too_long = (text.str.len_bytes() > ID_BYTES).to_numpy()
    source.fail(column, np.flatnonzero(too_long), frame, f"is longer than {ID_BYTES} bytes")
    twice = np.flatnonzero(~text.is_first_distinct().to_numpy())
    source.fail(column, twice, frame, "repeats ids")
    if not integers:
        return np.array([one.encode() for one in text.to_list()], dtype=np.bytes_)
    numbers = text.cast(pl.Int64, strict=False)
    source.fail(
        column, np.flatnonzero(numbers.is_null()), frame, "holds other things than integers"
    )
    reserved = np.flatnonzero((numbers == NO_ID).to_numpy())
    source.fail(column, reserved, frame, "uses a reserved number")
    return numbers.to_numpy()


def floats_of(frame: pl.DataFrame, column: str) -> NDArray[np.float64]:
    """A text column as float64 (n,), NaN where it holds no number."""
    numbers = text_of(frame, column).cast(pl.Float64, strict=False)
    return numbers.fill_null(float("nan")).to_numpy()


def read_floats(
    source: Source, frame: pl.DataFrame, column: str, what: str = "values"
) -> NDArray[np.float64]:
    """A column as float64 (n,), every value finite; `what` it holds is for the error.

    Raises
    ------
    SolutionError
        A value is no finite number.

    """
    numbers = floats_of(frame, column)
    bad = np.flatnonzero(~np.isfinite(numbers))
    source.fail(column, bad, frame, f"holds {what} that are not finite numbers")
    return numbers


def open_sample(source: Source, form: PredictionFormat) -> Universe:
    """The universe of the ids of a sample; `form` tells their column and everything else.

    Raises
    ------
    SolutionError
        There are no rows, or the ids are no ids.

    """
    frame = source.read([form.id_column])
    if not frame.height:
        raise SolutionError(f"{source.path.name}: there are no rows.")
    integers = are_integers(text_of(frame, form.id_column))
    ids = read_id_array(source, frame, form.id_column, integers=integers)
    return Universe.of(replace(form, rows=ids.size, id_type="int" if integers else "str"), ids)


def sample_names(path: Path) -> tuple[str, ...] | None:
    """Columns of a sample submission; None for an array file.

    Raises
    ------
    SolutionError
        It cannot be opened.

    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEADER_LIMIT)
        if identify(head) in ("npy", "hdf5") or is_npz(head):
            return None
    except OSError as error:
        raise SolutionError(f"{path.name}: cannot be opened ({error.strerror}).") from error
    except InputRefusedError as error:
        raise SolutionError(f"{path.name}: {error}") from error
    return Source.open(path).names
