"""Small plain text tables, read without polars: its threads take longer to start than the reading.

Only what every reader understands alike is read here: printable ASCII without quotes, the same
number of fields on every line, numbers in their usual spelling. Anything else is left to the
patient readers, so that a file says the same whichever way it is read.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

LARGEST = 64 * 1024
LONGEST_WORD = 128

_ALL = bytes(range(256))
_CHARACTERS = re.compile(rb"[\t\n!#-~]+")


def _column(value: bytes) -> re.Pattern[bytes]:
    """A whole column of such values, one on each line; possessive, so that no way back is kept."""
    return re.compile(rb"(?:" + value + rb"\n)++")


_WHOLE = _column(rb"-?[0-9]{1,18}")
_NUMBER = _column(rb"-?[0-9]{1,15}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")
_WORD = _column(rb"[!-~]{1,%d}" % LONGEST_WORD)


def read_small(
    data: bytes, separator: str, fields: int, dtypes: Mapping[int, type[pl.DataType]]
) -> dict[int, NDArray[Any]] | None:
    """Columns by position as int64, float64 or byte strings, each (n,); None for another reader.

    Parameters
    ----------
    data
        The whole file, its header included.
    separator, fields
        What separates the fields of a line, and how many there are.
    dtypes
        Position to an integer type, `polars.Float64` or `String` of the columns that are wanted.

    """
    if len(data) > LARGEST:
        return None
    header, _, body = data.partition(b"\n")
    if b'"' in header or not _CHARACTERS.fullmatch(body):
        return None
    mark, body = separator.encode(), body.removesuffix(b"\n") + b"\n"
    marks = body.translate(None, _ALL.translate(None, mark + b"\n"))
    if marks != (mark * (fields - 1) + b"\n") * body.count(b"\n"):
        return None
    values = body.replace(b"\n", mark).split(mark)
    columns = {at: _as_array(values[at:-1:fields], dtype) for at, dtype in dtypes.items()}
    found = {at: column for at, column in columns.items() if column is not None}
    return found if len(found) == len(columns) else None


def _as_array(values: list[bytes], dtype: type[pl.DataType]) -> NDArray[Any] | None:
    text = b"\n".join(values) + b"\n"
    if dtype is not pl.String and _WHOLE.fullmatch(text):
        whole = np.fromstring(text, np.int64, sep="\n")
        return whole.astype(np.float64) if dtype is pl.Float64 else whole
    if dtype is pl.Float64 and _NUMBER.fullmatch(text):
        return np.fromstring(text, np.float64, sep="\n")
    if dtype is pl.String and _WORD.fullmatch(text):
        letters = len(text) == 2 * len(values)
        return np.frombuffer(text, "S1")[::2] if letters else np.array(values, np.bytes_)
    return None
