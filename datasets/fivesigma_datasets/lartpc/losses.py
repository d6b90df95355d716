"""What happens to charged particles (n,) along one step of `length` cm, (n,)."""

import numpy as np

from fivesigma_datasets.lartpc import argon
from fivesigma_datasets.lartpc.particles import (
    ELECTRON,
    MASSES,
    PHOTON,
    Bools,
    Floats,
    Particles,
    turned,
)
from fivesigma_datasets.lartpc.showers import LEAST_PHOTON

STEP = 0.1  # cm, a third of a pixel
LEAST_PATH = 1e-3  # cm, that a loss per length is taken over
DELTA_CUT = 1.0
"""MeV; electrons knocked on with more are followed: they reach beyond a pixel of 3 mm."""


def step_and_loss(who: Particles) -> tuple[Floats, Floats]:
    """Length of the step, at most the range, and the mean energy lost to collisions."""
    length, lost = np.empty(len(who)), np.empty(len(who))
    for mass in np.unique(MASSES[who.kind]):
        these = MASSES[who.kind] == mass
        table = argon.range_table(float(mass))
        energy = who.energy[these]
        range_left = table.range_of(energy)
        length[these] = np.minimum(STEP, range_left)
        lost[these] = energy - table.energy_of(range_left - length[these])
    return length, lost


def _scale(who: Particles, length: Floats) -> tuple[Floats, Floats]:
    """ξ in MeV, the scale of collisions along the step, and β²."""
    mass = MASSES[who.kind]
    gamma = 1 + np.maximum(who.energy, 1e-3) / mass
    beta2 = 1 - 1 / gamma**2
    return argon.BETHE / 2 * argon.Z_OVER_A * argon.DENSITY * length / beta2, beta2


def knocked_on(
    who: Particles, length: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Particles]:
    """Mean and actual energy given to electrons above ``DELTA_CUT``, and these electrons.

    Number and energies follow ξ/T² (1 - β² T/T_max); electrons knock none on here.
    """
    mass = MASSES[who.kind]
    xi, beta2 = _scale(who, length)
    most = np.where(who.kind == ELECTRON, 0.0, argon.largest_transfer(who.energy, mass))
    can = most > DELTA_CUT
    most = np.where(can, most, DELTA_CUT)
    mean = xi * (np.log(most / DELTA_CUT) - beta2 * (1 - DELTA_CUT / most))
    number = xi * (1 / DELTA_CUT - 1 / most)
    energy = 1 / (1 / DELTA_CUT - rng.random(len(who)) * (1 / DELTA_CUT - 1 / most))
    made = can & (rng.random(len(who)) < number * (1 - beta2 * energy / most))
    energy = np.where(made, energy, 0.0)
    return mean, energy, _knocked(who.where(made), energy[made], most[made], rng)


def _knocked(who: Particles, energy: Floats, most: Floats, rng: np.random.Generator) -> Particles:
    """Electrons at the angle that energy and momentum leave them."""

    def momentum(kinetic: Floats) -> Floats:
        return np.sqrt(kinetic * (kinetic + 2 * argon.ELECTRON_MASS))

    cosine = np.minimum(energy * momentum(most) / (momentum(energy) * most), 1.0)
    azimuth = rng.uniform(0, 2 * np.pi, len(who))
    return who.made(ELECTRON, energy, turned(who.direction, cosine, azimuth))


def straggled(who: Particles, length: Floats, mean: Floats, rng: np.random.Generator) -> Floats:
    """Energy lost in soft collisions: a gamma distribution with their mean and variance."""
    xi, beta2 = _scale(who, length)
    electron = who.kind == ELECTRON
    most = np.where(electron, who.energy / 2, argon.largest_transfer(who.energy, MASSES[who.kind]))
    variance = xi * np.minimum(most, DELTA_CUT) * (1 - beta2 / 2)
    mean = np.maximum(mean, 1e-9)
    variance = np.maximum(variance, 1e-12)
    return rng.gamma(mean**2 / variance, variance / mean)


def radiated(
    who: Particles, length: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Particles]:
    """Mean energy in soft bremsstrahlung, energy of a hard photon, and these photons."""
    total = np.where(who.kind == ELECTRON, who.energy, 0.0)
    depth = length / argon.RADIATION_LENGTH
    can = total > LEAST_PHOTON
    number = depth * argon.photons_radiated(np.where(can, total, LEAST_PHOTON), LEAST_PHOTON)
    happens = can & (rng.random(len(who)) < number)
    soft = depth * argon.soft_radiation(total, LEAST_PHOTON)
    energy = np.zeros(len(who))
    energy[happens] = total[happens] * _photon_share(total[happens], rng)
    makers = who.where(happens)
    return soft, energy, makers.made(PHOTON, energy[happens], makers.direction.copy())


def _photon_share(energy: Floats, rng: np.random.Generator) -> Floats:
    """Share y of the electron's energy: (4/3 - 4/3 y + y²)/y above ``LEAST_PHOTON``."""
    least = LEAST_PHOTON / energy
    share = least.copy()
    waiting = np.ones(len(energy), bool)
    while waiting.any():
        tried = least ** rng.random(len(energy))
        accept = rng.random(len(energy)) < 1 - tried + 0.75 * tried**2
        share = np.where(waiting & accept, tried, share)
        waiting &= ~accept
    return share


def scattered(who: Particles, length: Floats, rng: np.random.Generator) -> Floats:
    """Directions after multiple scattering (Highland, Gaussian), (n, 3)."""
    mass = MASSES[who.kind]
    energy = np.maximum(who.energy, 0.01)
    momentum_beta = energy * (energy + 2 * mass) / (energy + mass)
    plane = argon.HIGHLAND_AT_ONE_CM / momentum_beta * np.sqrt(length / argon.RADIATION_LENGTH)
    angle = np.minimum(plane * np.sqrt(rng.chisquare(2, len(who))), np.pi)
    return turned(who.direction, np.cos(angle), rng.uniform(0, 2 * np.pi, len(who)))


def stops(after: Floats, length: Floats) -> Bools:
    """Whether a particle ends with this step, which its range or fluctuations made the last."""
    return (after <= 0.01) | (length < STEP)
