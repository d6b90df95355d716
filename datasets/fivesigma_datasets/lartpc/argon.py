"""Liquid argon: energy loss, ranges, scattering, radiation, photons and recombination.

Constants: Particle Data Group, "Atomic and nuclear properties of materials" (liquid argon, 2024);
Sternheimer parameters and ranges: Groom, Mokhov, Striganov, ADNDT 78 (2001) 183. Units: MeV, cm.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DENSITY = 1.396  # g/cm³
Z_OVER_A = 0.45059
ATOMIC_NUMBER = 18
EXCITATION = 188e-6  # MeV, mean excitation energy
STERNHEIMER = {"a": 0.19559, "k": 3.0, "x0": 0.2, "x1": 3.0, "c": 5.2146}
RADIATION_LENGTH = 14.0  # cm
CRITICAL_ENERGY = 32.84  # MeV, electrons
BETHE = 0.307075  # MeV cm²/mol, 4π N_A r_e² m_e c²
ELECTRON_MASS, MUON_MASS, PION_MASS, PROTON_MASS = 0.51099895, 105.6583755, 139.57039, 938.2720882
ATOMS = 6.02214076e23 * DENSITY * Z_OVER_A / ATOMIC_NUMBER  # per cm³
ELECTRON_RADIUS = 2.8179403e-13  # cm
FINE_STRUCTURE = 1 / 137.035999
NUCLEAR_LENGTH = 85.7  # cm, protons
PION_LENGTH = 107.0  # cm

WORK_FUNCTION = 23.6e-6  # MeV per electron-ion pair, Miyajima et al., PRA 9 (1974) 1438
FIELD = 0.5  # kV/cm
MODIFIED_BOX = (0.93, 0.212)  # α, β in (kV/cm)(g/cm²)/MeV: ArgoNeuT, JINST 8 (2013) P08005
LEAST_LOSS = 1.7
"""MeV/cm; the modified box was measured above, and below goes to 0, which it can't mean."""
HIGHLAND_AT_ONE_CM = 13.6 * (1 + 0.038 * np.log(1 / RADIATION_LENGTH))
"""MeV; the logarithm of Highland's formula is taken at 1 cm, so that steps of any length add up."""

LOWEST = 0.046
"""βγ below which Bethe's formula is held at its value there (a proton of 1 MeV)."""


def density_correction(beta_gamma: Floats) -> Floats:
    """δ of Sternheimer's parametrisation."""
    x = np.log10(beta_gamma)
    s = STERNHEIMER
    high = 2 * np.log(10.0) * x - s["c"]
    middle = high + s["a"] * np.maximum(s["x1"] - x, 0.0) ** s["k"]
    return np.where(x < s["x0"], 0.0, middle)


def largest_transfer(energy: Floats, mass: Floats | float) -> Floats:
    """Largest kinetic energy, MeV, that a heavy particle gives to an electron."""
    gamma = 1 + energy / mass
    ratio = ELECTRON_MASS / mass
    most = 2 * ELECTRON_MASS * (gamma**2 - 1) / (1 + 2 * gamma * ratio + ratio**2)
    return np.asarray(most)


def heavy_loss(energy: Floats, mass: float) -> Floats:
    """Mean energy loss of a heavy particle of charge 1, MeV/cm, by Bethe's formula."""
    energy = np.maximum(energy, mass * (np.sqrt(1 + LOWEST**2) - 1))
    gamma = 1 + energy / mass
    square = gamma**2 - 1
    beta2 = square / gamma**2
    transfer = largest_transfer(energy, mass)
    logarithm = 0.5 * np.log(2 * ELECTRON_MASS * square * transfer / EXCITATION**2)
    bracket = logarithm - beta2 - density_correction(np.sqrt(square)) / 2
    return BETHE * Z_OVER_A * DENSITY / beta2 * bracket


def electron_loss(energy: Floats, mass: float = ELECTRON_MASS) -> Floats:
    """Mean collision loss of an electron, MeV/cm (Berger and Seltzer, ICRU 37)."""
    tau = np.maximum(energy, 1e-3) / mass
    gamma = 1 + tau
    square = gamma**2 - 1
    beta2 = square / gamma**2
    shape = (1 - beta2) * (1 + tau**2 / 8 - (2 * tau + 1) * np.log(2.0))
    logarithm = 2 * np.log(tau * mass / EXCITATION) + np.log1p(tau / 2)
    bracket = logarithm + shape - density_correction(np.sqrt(square))
    return np.asarray(BETHE / 2 * Z_OVER_A * DENSITY / beta2 * bracket)


@dataclass(frozen=True)
class RangeTable:
    """Kinetic energy, loss and range of one kind of particle, each (n,), ascending."""

    energy: Floats
    loss: Floats
    range: Floats

    def range_of(self, energy: Floats) -> Floats:
        """Path in cm until the particle stops, slowing down continuously."""
        return np.interp(energy, self.energy, self.range)

    def energy_of(self, distance: Floats) -> Floats:
        """Kinetic energy in MeV with which the particle goes so far."""
        return np.interp(distance, self.range, self.energy)

    def loss_at(self, energy: Floats) -> Floats:
        """Mean loss in MeV/cm."""
        return np.interp(energy, self.energy, self.loss)


@cache
def range_table(mass: float) -> RangeTable:
    """The table of a particle of that mass in MeV; of an electron, collisions alone."""
    energy = np.concatenate([[0.0], np.geomspace(1e-3, 2e4, 4000)])
    loss = (electron_loss if mass == ELECTRON_MASS else heavy_loss)(energy, mass)
    steps = np.diff(energy) * (1 / loss[1:] + 1 / loss[:-1]) / 2
    return RangeTable(energy, loss, np.concatenate([[0.0], np.cumsum(steps)]))


def survival(loss: Floats) -> Floats:
    """Share of the ionisation electrons that escape recombination, at so many MeV/cm."""
    alpha, beta = MODIFIED_BOX
    x = beta * np.maximum(loss, LEAST_LOSS) / (DENSITY * FIELD)
    return np.clip(np.log(alpha + x) / x, 0.0, 1.0)


def pair_rate(energy: Floats) -> Floats:
    """Pair productions per cm: Bethe and Heitler's unscreened limit, at most 7/9 per X0."""
    logarithm = np.log(2 * np.maximum(energy, ELECTRON_MASS) / ELECTRON_MASS)
    charge = ATOMIC_NUMBER * (ATOMIC_NUMBER + 1)
    rate = ATOMS * FINE_STRUCTURE * ELECTRON_RADIUS**2 * charge
    return np.clip(rate * (28 / 9 * logarithm - 218 / 27), 0.0, 7 / 9 / RADIATION_LENGTH)


def compton_rate(energy: Floats) -> Floats:
    """Compton scatterings per cm (Klein and Nishina)."""
    k = energy / ELECTRON_MASS
    log = np.log1p(2 * k)
    first = (1 + k) / k**2 * (2 * (1 + k) / (1 + 2 * k) - log / k)
    cross = first + log / (2 * k) - (1 + 3 * k) / (1 + 2 * k) ** 2
    return ATOMS * ATOMIC_NUMBER * 2 * np.pi * ELECTRON_RADIUS**2 * cross


def photoelectric_rate(energy: Floats) -> Floats:
    """Absorptions per cm: a power law through XCOM's values for argon between 30 and 100 keV."""
    return DENSITY * 0.48 * (0.05 / energy) ** 3.2


def photons_radiated(energy: Floats, least: float) -> Floats:
    """Mean number of bremsstrahlung photons above `least` MeV per radiation length."""
    y = np.clip(least / np.maximum(energy, least), None, 1.0)
    return -4 / 3 * np.log(y) - 4 / 3 * (1 - y) + (1 - y**2) / 2


def soft_radiation(energy: Floats, least: float) -> Floats:
    """Energy, MeV per radiation length, that goes into photons below `least` MeV."""
    y = np.clip(least / np.maximum(energy, 1e-9), None, 1.0)
    return energy * (4 / 3 * y - 2 / 3 * y**2 + y**3 / 3)
