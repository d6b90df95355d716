"""Photons: where they interact, and the electrons that they set free."""

import numpy as np

from fivesigma_datasets.lartpc import argon
from fivesigma_datasets.lartpc.particles import (
    ELECTRON,
    PHOTON,
    Floats,
    Particles,
    isotropic,
    turned,
)

LEAST_PHOTON = 0.06
"""MeV; softer ones are absorbed where they are made: they could not light a pixel of their own."""


def photons_end(photons: Particles, rng: np.random.Generator) -> list[Particles]:
    """What photons (n,) become where they interact: pairs, an electron and a softer photon, or an
    electron that takes all.
    """
    energy = photons.energy
    pair, compton = argon.pair_rate(energy), argon.compton_rate(energy)
    absorbed = argon.photoelectric_rate(energy)
    total = pair + compton + absorbed
    photons.position += rng.exponential(1 / total)[:, None] * photons.direction
    drawn = rng.random(len(photons)) * total
    is_pair = (drawn < pair) & (energy > 2 * argon.ELECTRON_MASS)
    takes_all = drawn > pair + compton
    taken = photons.where(takes_all)
    return [
        *_pairs(photons.where(is_pair), rng),
        *_scattered(photons.where(~is_pair & ~takes_all), rng),
        taken.made(ELECTRON, taken.energy, taken.direction),
    ]


def _pairs(photons: Particles, rng: np.random.Generator) -> list[Particles]:
    """Electron and positron, which share the energy evenly on average, about m/E apart."""
    energy = photons.energy - 2 * argon.ELECTRON_MASS
    share = _shared(rng, len(photons))
    azimuth = rng.uniform(0, 2 * np.pi, len(photons))
    made = []
    for part, turn in ((share, 0.0), (1 - share, np.pi)):
        angle = np.minimum(argon.ELECTRON_MASS / photons.energy, 1.0)
        direction = turned(photons.direction, np.cos(angle), azimuth + turn)
        made.append(photons.made(ELECTRON, energy * part, direction))
    return [*made, *_annihilation(photons, rng)]


def _shared(rng: np.random.Generator, count: int) -> Floats:
    """Energy share of the electron: 1 - 4/3 x (1 - x), complete screening."""
    share = rng.random(count)
    for _ in range(40):
        again = rng.random(count) > 1 - 4 / 3 * share * (1 - share)
        tried = rng.random(count)
        if not again.any():
            break
        share = np.where(again, tried, share)
    return share


def _annihilation(photons: Particles, rng: np.random.Generator) -> list[Particles]:
    """Two photons of 0.511 MeV, made where the pair was: its range is shorter than theirs."""
    direction = isotropic(rng, len(photons))
    energy = np.full(len(photons), argon.ELECTRON_MASS)
    return [photons.made(PHOTON, energy, sign * direction) for sign in (1, -1)]


def _scattered(photons: Particles, rng: np.random.Generator) -> list[Particles]:
    """Electron and photon of a Compton scattering, by the Klein-Nishina formula."""
    k = photons.energy / argon.ELECTRON_MASS
    kept = _compton_share(k, rng)
    cosine = np.clip(1 - (1 / kept - 1) / k, -1, 1)
    azimuth = rng.uniform(0, 2 * np.pi, len(photons))
    outgoing = turned(photons.direction, cosine, azimuth)
    energy = photons.energy * (1 - kept)
    momentum = photons.energy[:, None] * (photons.direction - kept[:, None] * outgoing)
    size = np.linalg.norm(momentum, axis=1, keepdims=True)
    direction = np.where(size > 0, momentum / np.maximum(size, 1e-12), photons.direction)
    return [
        photons.made(ELECTRON, energy, direction),
        photons.made(PHOTON, photons.energy * kept, outgoing),
    ]


def _compton_share(k: Floats, rng: np.random.Generator) -> Floats:
    """Energy share that the photon keeps: 1/x + x weighted by 1 - x sin²θ/(1 + x²)."""
    least = 1 / (1 + 2 * k)
    kept = np.ones(len(k))
    open_ = np.ones(len(k), bool)
    low, high = -np.log(least), (1 - least**2) / 2
    while open_.any():
        first = rng.random(len(k)) < low / (low + high)
        at = rng.random(len(k))
        tried = np.where(first, least**at, np.sqrt(least**2 + (1 - least**2) * at))
        missing = (1 - tried) / (k * tried)
        accept = rng.random(len(k)) < 1 - tried * missing * (2 - missing) / (1 + tried**2)
        kept = np.where(open_ & accept, tried, kept)
        open_ &= ~accept
    return kept
