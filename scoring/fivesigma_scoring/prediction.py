"""What a prediction file must look like, and what is left of one after reading."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.report import Finding

MEBIBYTE = 2**20
HEADER_LIMIT = 16 * 1024


@dataclass(frozen=True)
class PredictionFormat:
    """All that a file is checked against before its ids are looked up; nothing of the truth.

    Attributes
    ----------
    rows
        Number of events of the test set.
    id_column, id_type
        Name of the id column; ids are 64-bit integers or strings.
    min_selected
        Least number of events that must be predicted as signal, over the whole file.
    max_bytes, max_expanded_bytes
        Caps in bytes on the file as sent and after decompression.
    needs_score
        Whether a score column is required.

    """

    rows: int
    id_column: str
    id_type: Literal["int", "str"] = "int"
    kind: str = "selection"
    min_selected: int = 0
    max_bytes: int = 256 * MEBIBYTE
    max_expanded_bytes: int = 1024 * MEBIBYTE
    needs_score: bool = False

    def as_json(self) -> dict[str, Any]:
        """The format as a plain dict that ``json`` can write."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(**value)


@dataclass(frozen=True)
class Prediction:
    """A file that could be read: one entry per row, in the order of the file.

    Attributes
    ----------
    ids
        int64 (n,), or UTF-8 byte strings (n,); None where the file has no ids (``.npy``).
    selected
        bool (n,), True where the event is predicted as signal.
    score
        float64 (n,), larger means more signal-like; None where absent.
    warnings
        Findings that do not refuse the file.
    places
        Turns row indices into the line numbers that a report shows.

    """

    ids: NDArray[Any] | None
    selected: NDArray[np.bool_]
    score: NDArray[np.float64] | None
    warnings: tuple[Finding, ...]
    places: Callable[[Sequence[int]], tuple[int, ...]]
