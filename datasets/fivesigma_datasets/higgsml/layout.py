"""Reading the two published layouts strictly: exact columns, whole lines, numbers only."""

import difflib
import gzip
import zlib
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.higgsml.features import FEATURES

KAGGLE = ("EventId", *FEATURES, "Weight", "Label")
OFFICIAL = (*KAGGLE, "KaggleSet", "KaggleWeight")
TEXT = ("Label", "KaggleSet")
WHOLE = ("EventId", "PRI_jet_num")
MAX_HEADER = 100_000


def read_table(path: Path) -> tuple[tuple[str, ...], pl.DataFrame]:
    """The layout and the rows of a CSV file, gzipped or not; types are exact.

    Raises ``DataError`` naming the column and the first line that is wrong.
    """
    header = _header(path)
    columns = _layout(path.name, header)
    types = {name: _type(name) for name in columns}
    try:
        table = pl.read_csv(path, schema_overrides=types, encoding="utf8", null_values=[])
    except (PolarsError, OSError, ValueError, UnicodeDecodeError):
        raise _explain(path, columns) from None
    if not len(table):
        raise DataError(f"{path.name} has a header and no events: fetch the whole file.")
    holes = [name for name in columns if table[name].null_count()]
    if holes:
        raise _hole(path.name, table, holes)
    return columns, table.select(columns)


def _type(name: str) -> type[pl.DataType]:
    if name in TEXT:
        return pl.String
    return pl.Int64 if name in WHOLE else pl.Float64


def _header(path: Path) -> list[str]:
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            line = stream.readline(MAX_HEADER)
        text = line.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): name a readable CSV file.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is not text: give the CSV file or its .gz.") from None
    if not text.strip():
        raise DataError(f"{path.name} is empty: fetch it again.")
    return [name.strip().strip('"') for name in text.rstrip("\r\n").split(",")]


def _layout(file: str, header: list[str]) -> tuple[str, ...]:
    """The layout with exactly these columns, in any order."""
    expected = OFFICIAL if {"KaggleSet", "KaggleWeight"} & set(header) else KAGGLE
    if len(header) != len(set(header)):
        twice = next(name for name in header if header.count(name) > 1)
        raise DataError(f"{file}: the column {twice} occurs twice: remove one.")
    missing = [name for name in expected if name not in header]
    foreign = [name for name in header if name not in expected]
    if missing == ["Weight", "Label"] and not foreign:
        raise DataError(
            f"{file} has no Weight and no Label, like Kaggle's test.csv: nothing could be scored. "
            "Import training.csv or the file with 35 columns."
        )
    if not missing and not foreign:
        return expected
    raise DataError(f"{file}: {difference(missing, foreign)} Expected are {_both_layouts()}.")


def difference(missing: list[str], foreign: list[str]) -> str:
    """What is wrong with a file's columns, in words; with the likeliest misspelling."""
    parts = []
    for name in missing[:3]:
        near = difflib.get_close_matches(name, foreign, n=1, cutoff=0.6)
        hint = f" (is it {near[0]!r}?)" if near else ""
        parts.append(f"the column {name} is missing{hint}")
    unexplained = foreign[: max(0, 3 - len(parts))]
    parts += [f"the column {name[:60]!r} is not part of the layout" for name in unexplained]
    more = len(missing) + len(foreign) - len(parts)
    return "; ".join(parts) + (f"; {more} more differences." if more > 0 and foreign else ".")


def _both_layouts() -> str:
    return (
        f"{len(KAGGLE)} columns (EventId, 30 features, Weight, Label) "
        f"or {len(OFFICIAL)} (and KaggleSet, KaggleWeight)"
    )


def _hole(file: str, table: pl.DataFrame, holes: list[str]) -> DataError:
    rows = table.select(pl.any_horizontal(pl.col(holes).is_null()).arg_true()).to_series()
    line = int(rows[0]) + 2
    last = len(rows) == 1 and line == len(table) + 1
    advice = "the file is cut off: fetch it again" if last else "fill in or remove these lines"
    return DataError(
        f"{file} line {line}: no value in the column {holes[0]} "
        f"({len(rows):,} incomplete lines): {advice}."
    )


def _explain(path: Path, columns: tuple[str, ...]) -> DataError:
    """Find what the fast reader stumbled over: the first value that is no number."""
    try:
        texts = pl.read_csv(path, infer_schema=False, encoding="utf8")
    except (PolarsError, OSError, ValueError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0][:120]
        return DataError(
            f"{path.name} cannot be read as CSV ({reason}): it is damaged or cut off, "
            "fetch it again."
        )
    holes = [name for name in columns if texts[name].null_count()]
    for name in columns:
        cast = texts[name].cast(_type(name), strict=False)
        wrong = (cast.is_null() & texts[name].is_not_null()).arg_true()
        if len(wrong):
            row = int(wrong[0])
            what = "a whole number" if name in WHOLE else "a number"
            return DataError(
                f"{path.name} line {row + 2}: the column {name} has "
                f"{str(texts[name][row])[:40]!r} instead of {what}: correct the column "
                "or check that the columns are not shifted."
            )
    if holes:
        return _hole(path.name, texts, holes)
    return DataError(f"{path.name} cannot be read as CSV: it is damaged, fetch it again.")
