"""Calorimeter cells: their geometry, and energies summed and smeared cell by cell."""

from dataclasses import dataclass

import numpy as np

from fivesigma_datasets.jets.kinematics import Floats, Integers, sums

CELLS_AROUND = 360
"""Cells in phi: the crystals around the barrel of CMS's electromagnetic calorimeter."""

CELL = 2 * np.pi / CELLS_AROUND
"""Width of a cell in eta and phi, 0.01745."""

TOWER = 5
"""Cells per side of a tower of the hadronic calorimeter: 0.0873."""

_OFFSET = 1 << 10  # keeps numbers of cells in eta positive


@dataclass(frozen=True)
class Deposits:
    """Energies in cells of ``side`` times ``side`` elementary cells, sorted by event.

    ``ieta`` (0 holds eta from 0 to side·CELL) and ``iphi`` (0 … 360/side - 1) count such cells.
    """

    event: Integers
    ieta: Integers
    iphi: Integers
    energy: Floats
    side: int

    @property
    def eta(self) -> Floats:
        """Centres of the cells."""
        return np.asarray((self.ieta + 0.5) * (self.side * CELL))

    @property
    def phi(self) -> Floats:
        """Centres of the cells, in (-pi, pi)."""
        return np.asarray((self.iphi + 0.5) * (self.side * CELL) - np.pi)

    @property
    def key(self) -> Integers:
        """One ascending number per event and cell."""
        return keys(self.event, self.ieta, self.iphi)

    def __len__(self) -> int:
        return len(self.event)


def numbers(eta: Floats, phi: Floats, side: int = 1) -> tuple[Integers, Integers]:
    """The cell that holds a direction: its numbers in eta and phi; phi wraps around."""
    ieta = np.floor(eta / (side * CELL)).astype(np.int64)
    iphi = np.floor((phi + np.pi) / (side * CELL)).astype(np.int64) % (CELLS_AROUND // side)
    return ieta, iphi


def keys(event: Integers, ieta: Integers, iphi: Integers) -> Integers:
    """One number per event and cell, ascending with the event."""
    return (event * (2 * _OFFSET) + ieta + _OFFSET) * CELLS_AROUND + iphi


def summed(event: Integers, eta: Floats, phi: Floats, energy: Floats, side: int) -> Deposits:
    """Energies of particles, summed in their cells; cells without energy are left out."""
    lit = energy > 0
    ieta, iphi = numbers(eta[lit], phi[lit], side)
    found, inverse = np.unique(keys(event[lit], ieta, iphi), return_inverse=True)
    rest, number_phi = np.divmod(found, CELLS_AROUND)
    number_event, shifted = np.divmod(rest, 2 * _OFFSET)
    total = sums(inverse, energy[lit, None], len(found))[:, 0]
    return Deposits(number_event, shifted - _OFFSET, number_phi, total, side)


def smeared(deposits: Deposits, width: Floats, rng: np.random.Generator) -> Deposits:
    """Log-normal around the true energies with standard deviations ``width``: never negative."""
    relative = np.log1p((width / deposits.energy) ** 2)
    factor = np.exp(np.sqrt(relative) * rng.standard_normal(len(deposits)) - relative / 2)
    return changed(deposits, deposits.energy * factor)


def changed(deposits: Deposits, energy: Floats) -> Deposits:
    """The same cells with other energies."""
    return Deposits(deposits.event, deposits.ieta, deposits.iphi, energy, deposits.side)


def above(deposits: Deposits, minimum: float) -> Deposits:
    """Cells with more energy than ``minimum``."""
    keep = deposits.energy > minimum
    rows = (deposits.event[keep], deposits.ieta[keep], deposits.iphi[keep], deposits.energy[keep])
    return Deposits(*rows, deposits.side)


def pointed_at(deposits: Deposits, event: Integers, eta: Floats, phi: Floats) -> Integers:
    """For each direction the row of ``deposits`` that holds it, or -1."""
    if not len(deposits):
        return np.full(len(event), -1)
    wanted = keys(event, *numbers(eta, phi, deposits.side))
    present = deposits.key
    row = np.minimum(np.searchsorted(present, wanted), len(present) - 1)
    return np.where(present[row] == wanted, row, -1)
