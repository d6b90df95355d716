"""Masks as read from a file, and in the order of their test set."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.prediction import Prediction
from fivesigma_scoring.report import Finding
from fivesigma_scoring.segmentation.pieces import Pieces


@dataclass(frozen=True)
class SparseMask(Prediction):
    """A list of pixels; what it does not list is class 0. Its `ids` are None: see `event`.

    Attributes
    ----------
    event
        Id of the event of each row: integers, or text without spaces around it.
    names
        Columns that say where a pixel is: ``voxel``, the index in C order, or one for each axis.
    place
        Those columns; not held against the shape of an event yet.
    classes
        Class numbers, uint8 (n,), all of which exist.

    """

    event: pl.Series
    names: tuple[str, ...]
    place: tuple[Pieces, ...]
    classes: NDArray[np.uint8]


@dataclass(frozen=True)
class DenseMask(Prediction):
    """A class for every pixel. `ids` are those of the events, None for the order of the sample.

    Attributes
    ----------
    values
        Class numbers, integers (events, ...) of the right shape, all of which exist.

    """

    values: NDArray[Any]


class Pixels(Protocol):
    """The classes of a mask, wherever one asks; events count in the order of the sample."""

    def at(self, keys: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Class of each pixel, (m,), by ascending keys as `MaskUniverse.keys` gives them."""

    def labelled(self, event: int) -> NDArray[np.int64]:
        """Indices (m,), ascending, of the pixels of an event that have a class above 0."""


@dataclass(frozen=True)
class Aligned:
    """A mask in the order of its test set.

    Attributes
    ----------
    lit
        uint8 (m,): class of each lit pixel of the universe.
    pixels
        Class of any other pixel.
    warnings
        Findings that do not refuse the file.
    offsets
        int64 (events + 1,): the event at place e has the lit pixels ``offsets[e]`` to
        ``offsets[e + 1] - 1``.
    counted
        Lit pixels by event, true and predicted class, for each file of true classes that it was
        held against: all splits share one count.

    """

    lit: NDArray[np.uint8]
    pixels: Pixels
    warnings: tuple[Finding, ...]
    offsets: NDArray[np.int64]
    counted: dict[Path, NDArray[np.int64]] = field(default_factory=dict, compare=False)
