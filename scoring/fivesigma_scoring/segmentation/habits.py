"""What is odd about a mask, from the file and the published inputs alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.report import Finding
from fivesigma_scoring.segmentation import findings as own
from fivesigma_scoring.segmentation.diagnosis import diagnose
from fivesigma_scoring.segmentation.pieces import BLOCK
from fivesigma_scoring.segmentation.prediction import Pixels
from fivesigma_scoring.segmentation.universe import MaskUniverse

LEAST_COVERAGE = 0.5


def habits(
    every: NDArray[np.uint8], lit: NDArray[np.uint8], pixels: Pixels, universe: MaskUniverse
) -> list[Finding]:
    """Warnings on a mask.

    Parameters
    ----------
    every
        Class of all its pixels, or of those it lists, in any order, (n,).
    lit
        Class of each lit pixel of the universe, (m,).
    pixels
        The mask.
    universe
        Its test set.

    """
    if not every.any():
        return [own.all_background()]
    return [*_classes(every, universe.format.classes), *_coverage(lit, pixels, universe)]


def _classes(every: NDArray[np.uint8], names: Sequence[str]) -> list[Finding]:
    """With two classes there is only one to predict, and without names nobody knows them."""
    absent = absent_classes(every, len(names)) if len(names) > 2 else []
    if not absent:
        return []
    if len(absent) == len(names) - 2:
        used = next(at for at in range(1, len(names)) if at not in absent)
        return [own.constant(used, names)]
    return [own.class_never_predicted(absent, names)]


def absent_classes(every: NDArray[np.uint8], count: int) -> list[int]:
    """Classes from 1 to before `count` that do not occur."""
    absent = list(range(1, count))
    for start in range(0, every.size, BLOCK):
        block = every[start : start + BLOCK]
        absent = [number for number in absent if not (block == number).any()]
        if not absent:
            break
    return absent


def _coverage(lit: NDArray[np.uint8], pixels: Pixels, universe: MaskUniverse) -> list[Finding]:
    """Silent where the sample leaves lit pixels of some event out: then it lists no inputs."""
    if universe.listed.size < universe.format.rows:
        return []
    share = np.count_nonzero(lit) / lit.size
    if share >= LEAST_COVERAGE:
        return []
    return [own.lit_coverage(share, *diagnose(share, pixels, universe))]
