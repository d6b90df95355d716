"""What a prediction file must look like, and what every kind leaves of one after reading."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from numpy.typing import NDArray

from fivesigma_scoring.files.table import Places
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
    kind
        Metric family; the attributes below the caps belong to one of them.
    max_bytes, max_expanded_bytes
        Caps in bytes on the file as sent and after decompression.
    min_selected, needs_score
        Selection: least number of events that must be predicted as signal, over the whole file;
        whether a score column is required.
    targets, bounds, training
        Regression: names of the columns; sanity bounds outside of which a value is refused; target
        to lowest and highest value of the published training file, outside of which it is odd.
    classes, shape
        Segmentation: names of the classes, class 0 first; pixels of an event along each axis.

    """

    rows: int
    id_column: str
    id_type: Literal["int", "str"] = "int"
    kind: str = "selection"
    max_bytes: int = 256 * MEBIBYTE
    max_expanded_bytes: int = 1024 * MEBIBYTE
    min_selected: int = 0
    needs_score: bool = False
    targets: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None
    training: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The format as a plain dict that ``json`` can write."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        plain: dict[str, Any] = {
            name: tuple(one) if isinstance(one, list) else one for name, one in value.items()
        }
        plain["training"] = {name: tuple(one) for name, one in value["training"].items()}
        return cls(**plain)


@dataclass(frozen=True)
class Prediction:
    """A file that could be read: one entry per row, in the order of the file.

    Attributes
    ----------
    ids
        int64 (n,), or UTF-8 byte strings (n,); None where the file has no ids (``.npy``).
    warnings
        Findings that do not refuse the file.
    places
        Turns row indices into the line numbers that a report shows.

    """

    ids: NDArray[Any] | None
    warnings: tuple[Finding, ...]
    places: Places
