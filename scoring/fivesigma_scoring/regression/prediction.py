"""A regression as read from a file, and in the order of its test set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.prediction import Prediction
from fivesigma_scoring.report import Finding


@dataclass(frozen=True)
class Regression(Prediction):
    """A regression as it stands in its file.

    Attributes
    ----------
    values
        float64 (n, t) for t targets, in physical units.

    """

    values: NDArray[np.float64]


@dataclass(frozen=True)
class Aligned:
    """A regression in the order of the universe's sorted ids.

    Attributes
    ----------
    values
        float64 (n, t).
    warnings
        Findings that do not refuse the file.

    """

    values: NDArray[np.float64]
    warnings: tuple[Finding, ...]
