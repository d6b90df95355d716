"""CSV: comma, semicolon or tab; a strict quick reading first, a patient one where that fails."""

import contextlib
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.container import UTF16
from fivesigma_scoring.files.lines import (
    LINES_LOOKED_AT,
    line_feeds,
    lines_with,
    misread,
    records,
)
from fivesigma_scoring.files.small import read_small
from fivesigma_scoring.files.table import Choose, Found, Schema, Table, match
from fivesigma_scoring.prediction import HEADER_LIMIT
from fivesigma_scoring.report import ROWS_SHOWN, InputRefusedError

BOM = b"\xef\xbb\xbf"
SEPARATORS = ",;\t"
BYTES_PER_ROW = 64
SPARE_ROWS = 100_000
LINE_LIMIT = 2**22
LONG_VALUE, LONG_LIMIT = 16 + 128, 16 * 2**20
LINES: Any = {"has_header": False, "skip_lines": 1, "missing_columns": "insert"}
Pairs = tuple[tuple[str, str], ...]
NO_ROWS = np.empty(0, np.intp)


@dataclass(frozen=True)
class Header:
    """First line of a text table."""

    names: tuple[str, ...]
    separator: str
    complete: bool


def read_header(head: bytes) -> Header:
    """Names and separator from the beginning of a text file.

    Raises
    ------
    InputRefusedError
        The line is too long, not UTF-8, or not text at all.

    """
    line, ended = _first_line(head)
    if line.startswith(UTF16):
        raise InputRefusedError(findings.not_utf8((1,), 1))
    if b"\0" in line:
        raise InputRefusedError(findings.nul_bytes((1,), 1))
    try:
        text = line.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        raise InputRefusedError(findings.not_utf8((1,), 1)) from error
    if "\r" in text.rstrip("\r"):
        raise InputRefusedError(findings.old_line_ends())
    separator = max(SEPARATORS, key=text.count)
    return Header(_split(text.rstrip("\r"), separator), separator, ended)


def _first_line(head: bytes) -> tuple[bytes, bool]:
    end = head.find(b"\n", 0, HEADER_LIMIT)
    if end < 0 and len(head) >= HEADER_LIMIT:
        raise InputRefusedError(findings.header_too_long(HEADER_LIMIT))
    return (head[:end], True) if end >= 0 else (head, False)


def _split(line: str, separator: str) -> tuple[str, ...]:
    rows = list(csv.reader([line], delimiter=separator))
    return tuple(name.strip() for name in rows[0]) if rows else ()


def read_delimited(data: bytes, choose: Choose) -> Table:
    """Read the wanted columns of a whole text file.

    Raises
    ------
    InputRefusedError
        The text is no table, lacks a column, or has far too many rows.

    """
    header = read_header(data[:HEADER_LIMIT])
    schema = choose(header.names)
    found = match(header.names, schema)
    _check_rows(data, schema)
    if b"\0" in data:
        raise InputRefusedError(findings.nul_bytes(*lines_with(data, b"\0", 0)))
    _check_lines(data)
    columns = {found.at[one.name]: one for one in schema.columns if one.name in found.at}
    strict = {at: columns[at].dtype for at in found.used()}
    small = read_small(data, header.separator, len(header.names), strict)
    if small is not None:
        return Table(found, small, partial(_lines, data, header.separator, NO_ROWS))
    frame = _parse(data, header, strict, {at: columns[at].pairs for at in strict})
    _check_values(frame)
    return _table(data, header, found, frame)


def _parse(
    data: bytes, header: Header, strict: dict[int, type[pl.DataType]], pairs: Mapping[int, Pairs]
) -> pl.DataFrame:
    """Strictly if that goes well, else as text.

    An error of the strict reader quotes the whole field, more than once; between quotation marks
    that may be all of the file.
    """
    if len(data) <= LINE_LIMIT or data.find(b'"', data.find(b"\n")) < 0:
        with contextlib.suppress(pl.exceptions.PolarsError):
            return _parse_strictly(data, header, strict, pairs)
    return parse_text(data, header, sorted(strict))


def _parse_strictly(
    data: bytes, header: Header, dtypes: dict[int, type[pl.DataType]], pairs: Mapping[int, Pairs]
) -> pl.DataFrame:
    """Read numbers that begin as whole ones as such, which is quicker; as `dtypes` says otherwise.

    Words are compared with the pair that the first of them belongs to.

    Raises
    ------
    polars.exceptions.PolarsError
        A value does not fit its type.

    """
    start = data.find(b"\n") + 1
    first = data[start : data.find(b"\n", start)].decode("latin-1").split(header.separator)
    whole = {
        at: pl.Int64
        for at, dtype in dtypes.items()
        if dtype is pl.Float64 and at < len(first) and first[at].strip().isdecimal()
    }
    words = {
        at: pair
        for at, some in pairs.items()
        for pair in some
        if first[at : at + 1] in ([pair[0]], [pair[1]])
    }
    if whole:
        with contextlib.suppress(pl.exceptions.PolarsError):
            return parse(data, header, dtypes | whole, words)
    return parse(data, header, dtypes, words)


def _check_rows(data: bytes, schema: Schema) -> None:
    """Refuse a flood of short lines before it becomes columns many times its size."""
    if len(data) > BYTES_PER_ROW * schema.rows + SPARE_ROWS:
        lines = line_feeds(data, len(data))
        if lines > 2 * schema.rows + SPARE_ROWS:
            raise InputRefusedError(schema.too_many(lines - 1))


def _check_lines(data: bytes) -> None:
    """Refuse a line that is no row of any table."""
    at = 0
    while len(data) - at > LINE_LIMIT:
        end = data.rfind(b"\n", at, at + LINE_LIMIT)
        if end < 0:
            raise InputRefusedError(findings.line_too_long(LINE_LIMIT, (line_feeds(data, at) + 1,)))
        at = end + 1


def parse(
    data: bytes,
    header: Header,
    dtypes: dict[int, type[pl.DataType]],
    words: Mapping[int, tuple[str, str]] | None = None,
) -> pl.DataFrame:
    """Columns by position with strict types; blank lines come as rows of nulls.

    Text that holds nothing but the two `words` for yes and no comes as booleans; it is compared
    as it is read, in all threads.

    Raises
    ------
    polars.exceptions.PolarsError
        A value does not fit its type, a line has too many fields, or the text is not UTF-8.

    """
    names = [str(at) for at in range(len(header.names))]
    schema = {name: dtypes.get(at, pl.String) for at, name in enumerate(names)}
    if not header.complete or data.find(b"\n") == len(data) - 1:
        return pl.DataFrame(schema={str(at): dtype for at, dtype in dtypes.items()})
    try:
        if words:
            lines = pl.scan_csv(data, schema=schema, separator=header.separator, **LINES)
            return _compared(lines.select(str(at) for at in sorted(dtypes)), words)
        return pl.read_csv(
            data, schema=schema, columns=sorted(dtypes), separator=header.separator, **LINES
        )
    except pl.exceptions.PanicException as error:  # seen on quotes that are never closed
        raise pl.exceptions.ComputeError(str(error)) from error


def _compared(lines: pl.LazyFrame, words: Mapping[int, tuple[str, str]]) -> pl.DataFrame:
    sides = {
        f"{at}{side}": pl.col(str(at)) == word
        for at, pair in words.items()
        for side, word in zip("+-", pair, strict=True)
    }
    frame = lines.with_columns(**sides).collect()
    known = [
        frame[f"{at}+"].alias(str(at))
        for at in words
        if sum(frame[f"{at}{side}"].sum() or 0 for side in "+-") == frame.height
    ]
    return frame.drop(sides).with_columns(known)


def parse_text(data: bytes, header: Header, used: Sequence[int]) -> pl.DataFrame:
    """Columns by position as text.

    Raises
    ------
    InputRefusedError
        The text is not UTF-8, or has lines with too many fields.

    """
    try:
        return parse(data, header, dict.fromkeys(used, pl.String))
    except pl.exceptions.PolarsError as error:
        raise InputRefusedError(misread(data, header.separator, len(header.names))) from error


def _check_values(frame: pl.DataFrame) -> None:
    """Refuse text that cannot be ids, classes or numbers before each further step copies it."""
    if frame.estimated_size() > LONG_LIMIT + LONG_VALUE * frame.width * frame.height:
        raise InputRefusedError(findings.unreadable_table())


def _table(data: bytes, header: Header, found: Found, frame: pl.DataFrame) -> Table:
    blank = NO_ROWS
    if frame.width and all(frame[name].null_count() for name in frame.columns):
        empty = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
        blank = np.flatnonzero(empty.to_numpy())
        frame = frame.filter(~empty)
    places = partial(_lines, data, header.separator, blank)
    return Table(found, {int(name): frame[name] for name in frame.columns}, places)


def _lines(
    data: bytes, separator: str, blank: NDArray[np.intp], rows: Sequence[int]
) -> tuple[int, ...]:
    """Line numbers of rows, counting the header, blank lines, and line feeds inside quotes.

    Those are not looked for beyond a million lines.
    """
    kept = np.arange(max(rows, default=-1) + 1 + blank.size)
    wanted = np.setdiff1d(kept, blank, assume_unique=True)[list(rows[:ROWS_SHOWN])] + 1
    if b'"' not in data or wanted.max(initial=0) > LINES_LOOKED_AT:
        return tuple(int(record) + 1 for record in wanted)
    read = islice(records(data, separator), int(wanted.max(initial=0)) + 1)
    starts = [line for line, _ in read]
    return tuple(starts[at] if at < len(starts) else int(at) + 1 for at in wanted)
