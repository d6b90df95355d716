"""How tracks end: decays at rest, captures and nuclear interactions."""

import numpy as np

from fivesigma_datasets.lartpc import argon
from fivesigma_datasets.lartpc.particles import (
    ELECTRON,
    MUON_MINUS,
    MUON_PLUS,
    PION_MINUS,
    PION_PLUS,
    PROTON,
    Bools,
    Floats,
    Particles,
    isotropic,
)

MICHEL_END = (argon.MUON_MASS**2 + argon.ELECTRON_MASS**2) / (2 * argon.MUON_MASS)
"""MeV, largest energy of the electron of a muon's decay: 52.83."""
MUON_OF_PION = (argon.PION_MASS - argon.MUON_MASS) ** 2 / (2 * argon.PION_MASS)
"""MeV, kinetic energy of the muon when a pion decays at rest: 4.12."""
CAPTURED = 0.725
"""Share of stopped μ⁻ that argon's nucleus takes (Suzuki et al., PRC 35 (1987) 2212: the lifetimes
606 ns in argon and 2,197 ns free)."""
FRAGMENTS = 1.0  # mean number of protons that a nuclear interaction sets free
FRAGMENT_ENERGY = 40.0  # MeV, their mean, exponential


def michel_energy(rng: np.random.Generator, count: int) -> Floats:
    """Total energies of electrons from muons at rest: x² (3 - 2x), in MeV."""
    share = np.zeros(count)
    waiting = np.ones(count, bool)
    while waiting.any():
        tried = rng.random(count)
        accept = rng.random(count) < tried**2 * (3 - 2 * tried)
        share = np.where(waiting & accept, tried, share)
        waiting &= ~accept
    return MICHEL_END * share


def stopped_into(stopped: Particles, rng: np.random.Generator) -> list[Particles]:
    """What particles at rest become; most kinds become nothing."""
    decays = stopped.kind == MUON_PLUS
    decays |= (stopped.kind == MUON_MINUS) & (rng.random(len(stopped)) > CAPTURED)
    muons, pions = stopped.where(decays), stopped.where(stopped.kind == PION_PLUS)
    michel = np.maximum(michel_energy(rng, len(muons)) - argon.ELECTRON_MASS, 0.0)
    at_rest = np.full(len(pions), MUON_OF_PION)
    return [
        muons.made(ELECTRON, michel, isotropic(rng, len(muons))),
        pions.made(MUON_PLUS, at_rest, isotropic(rng, len(pions))),
    ]


def struck(who: Particles, length: Floats, rng: np.random.Generator) -> Bools:
    """Which protons and pions meet a nucleus along a step of `length` cm."""
    pion = (who.kind == PION_PLUS) | (who.kind == PION_MINUS)
    free_path = np.where(pion, argon.PION_LENGTH, argon.NUCLEAR_LENGTH)
    hadron = pion | (who.kind == PROTON)
    return np.asarray(hadron & (rng.random(len(who)) < -np.expm1(-length / free_path)))


def fragments(hit: Particles, rng: np.random.Generator) -> Particles:
    """Protons from nuclei that were hit, into all directions, with no more than came in."""
    number = rng.poisson(FRAGMENTS, len(hit))
    makers = hit.where(np.repeat(np.arange(len(hit)), number))
    share = makers.energy / np.maximum(np.repeat(number, number), 1)
    energy = np.minimum(rng.exponential(FRAGMENT_ENERGY, len(makers)), share)
    return makers.made(PROTON, energy, isotropic(rng, len(makers)))
