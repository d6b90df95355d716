"""Parquet: sizes that the footer declares are judged before any column is read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import polars as pl

from fivesigma_scoring import findings
from fivesigma_scoring.files.pair import both
from fivesigma_scoring.files.table import Choose, Table, match, row_numbers
from fivesigma_scoring.files.thrift import CompactReader, ThriftError
from fivesigma_scoring.report import InputRefusedError

MAGIC = b"PAR1"
FOOTER_LIMIT = 4 * 2**20
SPARE_ROWS = 100_000
ROWS_OF_TWO = 1_000_000
"""From so many rows on, two threads read sooner than one; Polars itself takes one for them."""
DEEPEST = 200
PAGE_HEADER_USUAL, PAGE_HEADER_LIMIT = 512, 64 * 1024
SCHEMA, ROWS, ROW_GROUPS = 2, 3, 4
ELEMENT_NAME, ELEMENT_CHILDREN = 4, 5
GROUP_COLUMNS, GROUP_ROWS, CHUNK_META = 1, 3, 3
META_PATH, META_VALUES, META_EXPANDED, META_SENT = 3, 5, 6, 7
META_DATA_AT, META_DICTIONARY_AT = 9, 11
PAGE_EXPANDED, PAGE_SENT, PAGE_VALUES = 2, 3, 1
PAGE_KINDS = (5, 7, 8)


@dataclass(frozen=True)
class Chunk:
    """One column of one row group, as declared: where its pages begin, sizes in bytes, values.

    Those of lists, arrays and structs are `nested`, and have any number of values.
    """

    column: str
    start: int
    sent: int
    expanded: int
    values: int
    nested: bool = False


class Footer:
    """What a Parquet file says about itself.

    Attributes
    ----------
    names
        Names of the top-level columns.
    rows
        Declared number of rows.
    middle
        First row of the row group with which the second half of the file begins; 0 where the file
        has but one.
    chunks
        Columns of row groups; a nested column has several of one name.

    """

    def __init__(self, fields: dict[int, Any]) -> None:
        self.names = _top_level([_dict(element) for element in fields[SCHEMA]])
        self.rows = int(fields[ROWS])
        groups = [_dict(group) for group in fields[ROW_GROUPS]]
        ends = list(accumulate(_size(group[GROUP_ROWS]) for group in groups))
        if (ends[-1] if ends else 0) != self.rows:
            raise ThriftError("row groups do not add up")
        self.middle = max((end for end in ends if 2 * end <= self.rows), default=0)
        self.chunks = [
            _chunk(_dict(_dict(chunk)[CHUNK_META]))
            for group in groups
            for chunk in group[GROUP_COLUMNS]
        ]

    def expanded(self, names: Sequence[str]) -> int:
        """Declared uncompressed bytes of some columns."""
        return sum(chunk.expanded for chunk in self.chunks if chunk.column in names)


def _chunk(meta: dict[int, Any]) -> Chunk:
    data, dictionary = _size(meta[META_DATA_AT]), _size(meta.get(META_DICTIONARY_AT, 0))
    return Chunk(
        meta[META_PATH][0].decode(),
        dictionary if 0 < dictionary < data else data,
        _size(meta[META_SENT]),
        _size(meta[META_EXPANDED]),
        _size(meta[META_VALUES]),
        len(meta[META_PATH]) > 1,
    )


def _size(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ThriftError("not a size")
    return value


def _dict(value: Any) -> dict[int, Any]:
    if not isinstance(value, dict):
        raise ThriftError("not a struct")
    return value


def _top_level(elements: Sequence[dict[int, Any]]) -> list[str]:
    """Names of the root's children; the schema is a tree in depth-first order."""
    names, at = [], 1
    while at < len(elements):
        names.append(elements[at][ELEMENT_NAME].decode())
        unseen = [1]  # children, at each level
        while unseen and at < len(elements):
            unseen[-1] -= 1
            unseen.append(int(elements[at].get(ELEMENT_CHILDREN, 0)))
            while unseen and unseen[-1] <= 0:
                unseen.pop()
            if len(unseen) > DEEPEST:
                raise ThriftError("too deep for the reader's stack")
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


def read_parquet(path: Path, choose: Choose) -> Table:
    """Read the wanted columns.

    Raises
    ------
    InputRefusedError
        The file is damaged, lacks a column, or declares more than is allowed.

    """
    footer = read_footer(path)
    schema = choose(footer.names)
    found = match(footer.names, schema)
    used = [footer.names[at] for at in found.used()]
    if footer.expanded(used) > schema.max_bytes:
        raise InputRefusedError(findings.too_large(schema.max_bytes, expanded=True))
    if not 0 <= footer.rows <= 2 * schema.rows + SPARE_ROWS:
        raise InputRefusedError(schema.too_many(footer.rows))
    chunks = [chunk for chunk in footer.chunks if chunk.column in used]
    for chunk in chunks:
        if chunk.nested and chunk.values > footer.rows:
            wanted = "one value in each row"
            raise InputRefusedError(findings.wrong_type(chunk.column, "lists or structs", wanted))
    check_pages(path, chunks, footer.rows)
    frame = _read_halves(path, used, footer)
    values = dict(zip(found.used(), (frame[name] for name in used), strict=True))
    return Table(found, values, row_numbers)


def check_pages(path: Path, chunks: Sequence[Chunk], rows: int) -> None:
    """Hold every page header against the footer: readers allocate what these headers declare.

    Raises
    ------
    InputRefusedError
        A page lies outside the file or promises more than its column.

    """
    try:
        with path.open("rb", buffering=0) as stream:
            file, size = stream.fileno(), path.stat().st_size
            for chunk in chunks:
                _check_chunk(file, size, chunk, rows)
    except (ThriftError, KeyError, TypeError, OverflowError) as error:
        raise InputRefusedError(findings.cut_short("Parquet file")) from error


def _check_chunk(file: int, size: int, chunk: Chunk, rows: int) -> None:
    at, end, expanded = chunk.start, chunk.start + chunk.sent, 0
    if chunk.values > rows or end > size:
        raise ThriftError("column outside the file")
    while at < end:
        page, length = _page_header(file, at, end)
        expanded += _size(page[PAGE_EXPANDED]) + length
        at += _size(page[PAGE_SENT]) + length
        values = [_size(_dict(page[kind])[PAGE_VALUES]) for kind in PAGE_KINDS if kind in page]
        if at > end or expanded > chunk.expanded or any(count > chunk.values for count in values):
            raise ThriftError("page outside its column")


def _page_header(file: int, at: int, end: int) -> tuple[dict[int, Any], int]:
    """A page header and its length; nearly all are short, and reading further takes its time."""
    for limit in (PAGE_HEADER_USUAL, PAGE_HEADER_LIMIT):
        reader = CompactReader(os.pread(file, min(limit, end - at), at))
        try:
            return reader.struct(), reader.at
        except ThriftError:
            if limit == PAGE_HEADER_LIMIT:
                raise
    raise ThriftError("no page header")


def _read_halves(path: Path, names: Sequence[str], footer: Footer) -> pl.DataFrame:
    """As `read_frame`; two halves at once where that is worth a thread."""
    if footer.rows < ROWS_OF_TWO or not footer.middle:
        return read_frame(path, names)
    first, second = both(
        partial(read_frame, path, names),
        (0, footer.middle),
        (footer.middle, footer.rows - footer.middle),
    )
    return pl.concat([first, second], rechunk=False)


def read_frame(
    path: Path, names: Sequence[str], part: tuple[int, int] | None = None
) -> pl.DataFrame:
    """Named columns of a Parquet file; a panic inside the reader is a damaged file too.

    Parameters
    ----------
    path, names
        The file, and its columns in the order that they shall have.
    part
        First row and number of rows; all of them without.

    Raises
    ------
    InputRefusedError
        The file cannot be read.

    """
    try:
        frame = pl.scan_parquet(path, glob=False).select(names)
        return (frame if part is None else frame.slice(*part)).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise InputRefusedError(findings.cut_short("Parquet file")) from error
