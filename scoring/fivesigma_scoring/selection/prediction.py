"""A selection as read from a file, and in the order of its test set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    score
        float64 (n,), None where the file has none.
    warnings
        Findings that do not refuse the file.

    """

    selected: NDArray[np.bool_]
    score: NDArray[np.float64] | None
    warnings: tuple[Finding, ...]
