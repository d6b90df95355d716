"""Parquet: sizes that the footer declares are judged before any column is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from fivesigma_scoring import columns, findings
from fivesigma_scoring.delimited import Table
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import ROWS_SHOWN, InputRefusedError
from fivesigma_scoring.thrift import CompactReader, ThriftError

MAGIC = b"PAR1"
FOOTER_LIMIT = 4 * 2**20
SPARE_ROWS = 100_000
SCHEMA, ROW_GROUPS, ROWS = 2, 4, 3
ELEMENT_NAME, ELEMENT_CHILDREN = 4, 5
GROUP_COLUMNS, CHUNK_META = 1, 3
META_PATH, META_UNCOMPRESSED = 3, 6


class Footer:
    """What a Parquet file says about itself.

    Attributes
    ----------
    names
        Names of the top-level columns.
    rows
        Declared number of rows.
    sizes
        Declared uncompressed bytes per top-level column.

    """

    def __init__(self, fields: dict[int, Any]) -> None:
        self.names = _top_level([_dict(element) for element in fields[SCHEMA]])
        self.rows = int(fields[ROWS])
        self.sizes = dict.fromkeys(self.names, 0)
        for group in fields[ROW_GROUPS]:
            for chunk in _dict(group)[GROUP_COLUMNS]:
                meta = _dict(_dict(chunk)[CHUNK_META])
                size = int(meta[META_UNCOMPRESSED])
                if size < 0:
                    raise ThriftError("negative size")
                self.sizes[meta[META_PATH][0].decode()] += size


def _dict(value: Any) -> dict[int, Any]:
    if not isinstance(value, dict):
        raise ThriftError("not a struct")
    return value


def _top_level(elements: Sequence[dict[int, Any]]) -> list[str]:
    """Names of the root's children; the schema is a tree in depth-first order."""
    names, at = [], 1
    while at < len(elements):
        names.append(elements[at][ELEMENT_NAME].decode())
        open_children = 1
        while open_children and at < len(elements):
            open_children += int(elements[at].get(ELEMENT_CHILDREN, 0)) - 1
            at += 1
    return names


def read_footer(path: Path) -> Footer:
    """Parse the footer at the end of `path`.

    Raises
    ------
    InputRefusedError
        The footer is missing, damaged or unreasonably big.

    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - 8))
        tail = stream.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC or length > min(FOOTER_LIMIT, size - 12):
            raise InputRefusedError(findings.cut_short("Parquet file"))
        stream.seek(size - 8 - length)
        data = stream.read(length)
    try:
        return Footer(CompactReader(data).struct())
    except (ThriftError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise InputRefusedError(findings.cut_short("Parquet file")) from error


def read_parquet(path: Path, form: PredictionFormat) -> Table:
    """Read the needed columns.

    Raises
    ------
    InputRefusedError
        The file is damaged, lacks a column, or declares more than is allowed.

    """
    footer = read_footer(path)
    found = columns.match(footer.names, form)
    used = [footer.names[at] for at in found.used()]
    if sum(footer.sizes[name] for name in used) > form.max_expanded_bytes:
        raise InputRefusedError(findings.too_large(form.max_expanded_bytes, expanded=True))
    if not 0 <= footer.rows <= 2 * form.rows + SPARE_ROWS:
        raise InputRefusedError(findings.wrong_row_count(footer.rows, form.rows))
    frame = read_frame(path, used)
    values = dict(zip(found.used(), (frame[name] for name in used), strict=True))
    return Table(found, values, row_numbers)


def read_frame(path: Path, names: Sequence[str]) -> pl.DataFrame:
    """Named columns of a Parquet file; a panic inside the reader is a damaged file too.

    Raises
    ------
    InputRefusedError
        The file cannot be read.

    """
    try:
        return pl.read_parquet(path, columns=list(names), glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise InputRefusedError(findings.cut_short("Parquet file")) from error


def row_numbers(rows: Sequence[int]) -> tuple[int, ...]:
    """1-based row numbers for a report."""
    return tuple(int(row) + 1 for row in rows[:ROWS_SHOWN])
