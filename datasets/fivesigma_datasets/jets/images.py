"""Jet images on whole detector cells around the jet axis.

A pixel is an integer number of cells wide and its edges are cells' edges. With any other width
pixels would hold now more, now fewer cells, and the mean image would show a pattern (moiré) that
comes from the grid alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.jets.cells import CELL, CELLS_AROUND, Deposits, numbers
from fivesigma_datasets.jets.detector import Measured
from fivesigma_datasets.jets.kinematics import (
    Floats,
    Integers,
    azimuth,
    pairs,
    pseudorapidity,
    transverse,
)

Images = npt.NDArray[np.float32]

CHANNELS = ("tracks", "ecal", "hcal")
"""Transverse momentum of tracks, transverse energy in either calorimeter."""


@dataclass(frozen=True)
class Grid:
    """``pixels`` by ``pixels``, each of ``cells`` by ``cells`` detector cells of 0.01745."""

    pixels: int
    cells: int = 1

    def __post_init__(self) -> None:
        if self.pixels < 1 or self.cells < 1 or self.side >= CELLS_AROUND:
            raise DataError(
                f"An image has at least one pixel and one cell per pixel and is narrower than the "
                f"detector's {CELLS_AROUND} cells; {self.pixels} times {self.cells} isn't."
            )

    @property
    def side(self) -> int:
        """Cells per side of the image."""
        return self.pixels * self.cells

    @property
    def half_width(self) -> float:
        """Distance in eta and phi from the middle of the image to its edge."""
        return self.side * CELL / 2

    def corner(self, eta: Floats, phi: Floats) -> tuple[Integers, Integers]:
        """First cells in eta and phi of windows around axes.

        The axis is in the middle cell, or nearest to the middle edge where ``side`` is even.
        """
        shift = 0.0 if self.side % 2 else CELL / 2
        ieta, iphi = numbers(np.asarray(eta) + shift, np.asarray(phi) + shift)
        return ieta - self.side // 2, (iphi - self.side // 2) % CELLS_AROUND


@dataclass(frozen=True)
class Hits:
    """Values on elementary cells, in the order of their events."""

    event: Integers
    ieta: Integers
    iphi: Integers
    value: Floats


def hits_of_momenta(event: Integers, p4: Floats) -> Hits:
    """Transverse momenta of tracks or constituents at the cells of their directions."""
    ieta, iphi = numbers(pseudorapidity(p4), azimuth(p4))
    return Hits(event, ieta, iphi, transverse(p4))


def hits_of_deposits(deposits: Deposits) -> Hits:
    """Transverse energies; what a larger cell holds stands in its middle elementary cell."""
    middle = deposits.side // 2
    ieta, iphi = (deposits.side * number + middle for number in (deposits.ieta, deposits.iphi))
    return Hits(deposits.event, ieta, iphi, deposits.energy / np.cosh(deposits.eta))


def channels(measured: Measured) -> tuple[Hits, Hits, Hits]:
    """The channels ``CHANNELS`` of a measured batch: everything seen, not jets' members alone."""
    tracks = hits_of_momenta(measured.track_event, measured.tracks)
    return tracks, hits_of_deposits(measured.ecal), hits_of_deposits(measured.hcal)


def images(grid: Grid, event: Integers, eta: Floats, phi: Floats, layers: Sequence[Hits]) -> Images:
    """Images (n, layers, pixels, pixels) in GeV around n axes: rows are eta, columns phi."""
    shape = (len(event), len(layers), grid.pixels, grid.pixels)
    corner_eta, corner_phi = grid.corner(eta, phi)
    total = np.zeros(shape, dtype=np.float32)
    for number, hits in enumerate(layers):
        first = np.searchsorted(hits.event, event, side="left")
        last = np.searchsorted(hits.event, event, side="right")
        jet, row = pairs(first, last)
        i = (hits.ieta[row] - corner_eta[jet]) // grid.cells
        j = (hits.iphi[row] - corner_phi[jet]) % CELLS_AROUND // grid.cells
        inside = (i >= 0) & (i < grid.pixels) & (j < grid.pixels)
        place = (jet[inside], np.full(int(inside.sum()), number), i[inside], j[inside])
        lit, inverse = np.unique(np.ravel_multi_index(place, shape), return_inverse=True)
        total.flat[lit] = np.bincount(inverse, weights=hits.value[row[inside]])
    return total


def quantised(values: Images, step: float) -> npt.NDArray[np.uint16]:
    """Numbers of ``step`` GeV, rounded: they compress well, and below half a step is nothing."""
    counts = np.rint(values / step)
    return np.asarray(np.minimum(counts, np.float32(65_535)), dtype=np.uint16)
