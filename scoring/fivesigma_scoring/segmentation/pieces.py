"""Columns of many rows in the pieces that a reader leaves: joining them would cost another reading.

Joining a column of eight million rows takes longer than decoding it, since every page of the new
array is touched for the first time. So whatever looks at all rows goes through them block by block.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

BLOCK = 1 << 17
Pieces = tuple[NDArray[Any], ...]
"""A column, cut anywhere."""
Block = tuple[int, tuple[NDArray[Any], ...]]
"""Number of its first row, and its part of each column."""


def pieces_of(series: pl.Series) -> Pieces:
    """The chunks of a column of numbers without nulls, not copied."""
    return tuple(chunk.to_numpy() for chunk in series.get_chunks())


def joined(pieces: Pieces) -> NDArray[Any]:
    """One array (n,); not copied where there is one piece."""
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def length(pieces: Pieces) -> int:
    """Number of rows."""
    return sum(piece.size for piece in pieces)


def blocks(*columns: Pieces) -> Iterator[Block]:
    """Columns of the same length, block by block."""
    if len({tuple(piece.size for piece in column) for column in columns}) > 1:
        columns = tuple((joined(column),) for column in columns)
    start = 0
    for parts in zip(*columns, strict=True):
        for at in range(0, parts[0].size, BLOCK):
            yield start + at, tuple(part[at : at + BLOCK] for part in parts)
        start += parts[0].size
