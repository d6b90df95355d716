"""Particles step by step through the argon, all events of a chunk at once."""

from dataclasses import dataclass, field

import numpy as np

from fivesigma_datasets.lartpc import argon, losses
from fivesigma_datasets.lartpc.ending import fragments, stopped_into, struck
from fivesigma_datasets.lartpc.particles import (
    CLASS_OF,
    PHOTON,
    Deposits,
    Floats,
    Particles,
    together,
)
from fivesigma_datasets.lartpc.showers import LEAST_PHOTON, photons_end


@dataclass
class Walk:
    """A chunk on its way: the particles that still move, and what they left.

    ``size`` is the edge of the volume, a cube from 0, in cm.
    """

    size: float
    rng: np.random.Generator
    moving: Particles
    left: list[Deposits] = field(default_factory=list)

    def step(self) -> None:
        """Move every charged particle by a step, every photon to its end."""
        photons = self.moving.kind == PHOTON
        made = photons_end(self.moving.where(photons), self.rng)
        made += self._charged(self.moving.where(~photons))
        self.moving = self._kept(together(made))

    def _kept(self, particles: Particles) -> Particles:
        """Those in the volume; photons that are too soft leave their energy and are gone."""
        inside = ((particles.position >= 0) & (particles.position < self.size)).all(axis=1)
        soft = (particles.kind == PHOTON) & (particles.energy < LEAST_PHOTON)
        gone = particles.where(inside & soft)
        path = argon.range_table(argon.ELECTRON_MASS).range_of(gone.energy)
        self._leave(gone, gone.energy, np.maximum(path, losses.LEAST_PATH), gone.position)
        return particles.where(inside & ~soft & (particles.energy > 0))

    def _leave(self, who: Particles, energy: Floats, length: Floats, middle: Floats) -> None:
        self.left.append(Deposits(who.event, CLASS_OF[who.kind], middle, energy, length))

    def _charged(self, old: Particles) -> list[Particles]:
        """Leave the energy of a step; who moves on, and who was made."""
        rng = self.rng
        length, mean = losses.step_and_loss(old)
        mean_knocked, knocked, electrons = losses.knocked_on(old, length, rng)
        mean_radiated, radiated, photons = losses.radiated(old, length, rng)
        lost = losses.straggled(old, length, mean - mean_knocked, rng) + mean_radiated
        available = np.maximum(old.energy - knocked - radiated, 0.0)
        ends = losses.stops(available - lost, length)
        lost = np.where(ends, available, lost)
        half = old.direction * (length / 2)[:, None]
        self._leave(old, lost, np.maximum(length, losses.LEAST_PATH), old.position + half)
        turned = losses.scattered(old, length, rng)
        new = Particles(old.event, old.kind, available - lost, old.position + 2 * half, turned)
        hit = struck(old, length, rng) & ~ends
        made = [*stopped_into(new.where(ends), rng), fragments(new.where(hit), rng)]
        return [new.where(~ends & ~hit), electrons, photons, *made]


def walk(particles: Particles, size: float, rng: np.random.Generator) -> Deposits:
    """Everything that particles leave in the cube from 0 to `size` cm."""
    going = Walk(size, rng, particles)
    while len(going.moving):
        going.step()
    return Deposits.of(going.left)
