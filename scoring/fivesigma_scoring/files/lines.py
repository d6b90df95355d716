"""Lines of a text that is no table: which of them are wrong, and how many.

None of it takes memory in proportion to the text, nor time beyond a few nanoseconds for a byte.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.report import ROWS_SHOWN, Finding

BLOCK = 2**20
LINE_FEED = ord("\n")
LINES_LOOKED_AT = 1_000_000
"""So many are gone through one by one to say where a file is wrong; that takes about a second."""


def line_feeds(data: bytes, end: int) -> int:
    """How many there are before `end`."""
    return sum(int(np.count_nonzero(block == LINE_FEED)) for block in _blocks(data, end))


def lines_with(data: bytes, mark: bytes, most: int) -> tuple[list[int], int]:
    """The first lines in which a byte occurs more than `most` times, and the number of them all."""
    shown: list[int] = []
    count, line, carried = 0, 1, 0
    for block in _blocks(data, len(data)):
        ends = np.append(np.flatnonzero(block == LINE_FEED), block.size)
        marks = np.searchsorted(np.flatnonzero(block == ord(mark)), ends)
        marks = np.diff(marks, prepend=0)
        marks[0] += carried
        bad = np.flatnonzero(marks[:-1] > most)
        shown += (line + bad[: ROWS_SHOWN - len(shown)]).tolist()
        count, line, carried = count + bad.size, line + ends.size - 1, int(marks[-1])
    return (shown, count) if carried <= most else ([*shown, line][:ROWS_SHOWN], count + 1)


def misread(data: bytes, separator: str, fields: int) -> Finding:
    """Why the reader of tables gave up; the header has so many fields."""
    start = _first_undecodable(data)
    if start is not None:
        return _not_utf8(data, start)
    if b'"' not in data:
        return findings.ragged(fields, *lines_with(data, separator.encode(), fields - 1))
    some = islice(records(data, separator), LINES_LOOKED_AT)
    long = [place for place, found in some if found > fields]
    return findings.ragged(fields, long, len(long)) if long else findings.unreadable_table()


def records(data: bytes, separator: str) -> Iterator[tuple[int, int]]:
    """Line on which each record begins, and its number of fields, header first; slow but exact."""
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", "replace", newline="")
    reader, start = csv.reader(text, delimiter=separator), 1
    try:
        for fields in reader:
            yield start, len(fields)
            start = reader.line_num + 1
    except csv.Error:
        return


def _first_undecodable(data: bytes) -> int | None:
    """Where the first line begins, or one shortly before it, that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(0, len(data), BLOCK):
        try:
            decoder.decode(data[at : at + BLOCK], final=at + BLOCK >= len(data))
        except UnicodeDecodeError:
            return data.rfind(b"\n", 0, max(0, at - 4)) + 1
    return None


def _not_utf8(data: bytes, start: int) -> Finding:
    lines = io.BytesIO(data)
    lines.seek(start)
    first = line_feeds(data, start) + 1
    some = enumerate(islice(lines, LINES_LOOKED_AT), first)
    bad = [number for number, line in some if _undecodable(line)]
    return findings.not_utf8(bad, len(bad))


def _undecodable(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False


def _blocks(data: bytes, end: int) -> Iterator[NDArray[np.uint8]]:
    for at in range(0, end, BLOCK):
        yield np.frombuffer(data, np.uint8, min(BLOCK, end - at), at)
