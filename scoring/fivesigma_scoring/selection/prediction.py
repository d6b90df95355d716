"""A selection as read from a file, and in the order of its test set."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.alignment import scatter
from fivesigma_scoring.prediction import Prediction
from fivesigma_scoring.report import Finding

ReadScore = pl.Series | NDArray[np.float64]
"""A column stays as it was read until a metric asks for it, which most phases never do."""


@dataclass(frozen=True)
class Selection(Prediction):
    """A selection as it stands in its file.

    Attributes
    ----------
    selected
        bool (n,), True where the event is predicted as signal.
    read_score
        Finite numbers (n,) as they were read, larger means more signal-like; None where absent.

    """

    selected: NDArray[np.bool_]
    read_score: ReadScore | None

    @cached_property
    def score(self) -> NDArray[np.float64] | None:
        """The score as float64 (n,)."""
        return None if self.read_score is None else np.asarray(self.read_score, np.float64)


@dataclass(frozen=True)
class Aligned:
    """A selection in the order of the universe's sorted ids.

    Attributes
    ----------
    chosen
        int (m,), increasing: which events are selected.
    read_score
        The score as it stands in the file, (n,), None where the file has none.
    target
        Where each row of the file belongs, int64 (n,), None for "as it stands".
    warnings
        Findings that do not refuse the file.

    """

    chosen: NDArray[np.intp]
    read_score: ReadScore | None
    target: NDArray[np.int64] | None
    warnings: tuple[Finding, ...]

    @cached_property
    def score(self) -> NDArray[np.float64] | None:
        """The score in the same order, float64 (n,); most phases never ask for it."""
        if self.read_score is None:
            return None
        return scatter(np.asarray(self.read_score, np.float64), self.target)
