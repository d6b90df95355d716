"""A selection as read from a file, and in the order of its test set."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.alignment import scatter
from fivesigma_scoring.prediction import Prediction
from fivesigma_scoring.report import Finding


@dataclass(frozen=True)
class Selection(Prediction):
    """A selection as it stands in its file.

    Attributes
    ----------
    selected
        bool (n,), True where the event is predicted as signal.
    score
        float64 (n,), larger means more signal-like; None where absent.

    """

    selected: NDArray[np.bool_]
    score: NDArray[np.float64] | None


@dataclass(frozen=True)
class Aligned:
    """A selection in the order of the universe's sorted ids.

    Attributes
    ----------
    selected
        bool (n,).
    read_score
        The score as it stands in the file, float64 (n,), None where the file has none.
    target
        Where each row of the file belongs, int64 (n,), None for "as it stands".
    warnings
        Findings that do not refuse the file.

    """

    selected: NDArray[np.bool_]
    read_score: NDArray[np.float64] | None
    target: NDArray[np.int64] | None
    warnings: tuple[Finding, ...]

    @cached_property
    def score(self) -> NDArray[np.float64] | None:
        """The score in the same order, float64 (n,); most phases never ask for it."""
        return None if self.read_score is None else scatter(self.read_score, self.target)
