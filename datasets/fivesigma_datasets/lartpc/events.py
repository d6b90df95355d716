"""Which particles an event has: two to four, at least one that showers and one that does not."""

from dataclasses import dataclass

import numpy as np

from fivesigma_datasets.lartpc.layout import Layout
from fivesigma_datasets.lartpc.particles import (
    ELECTRON,
    MUON_MINUS,
    MUON_PLUS,
    PHOTON,
    PION_MINUS,
    PION_PLUS,
    PROTON,
    Index,
    Particles,
    isotropic,
    turned,
)

ENERGIES = {
    ELECTRON: (60.0, 300.0),
    PHOTON: (60.0, 300.0),
    MUON_PLUS: (80.0, 400.0),
    MUON_MINUS: (80.0, 400.0),
    PION_PLUS: (80.0, 400.0),
    PION_MINUS: (80.0, 400.0),
    PROTON: (80.0, 350.0),
}
"""Kinetic energies in MeV from … to, flat in the logarithm."""

INNER = 0.2
"""Particles start at least this share of the volume's edge away from its walls."""


@dataclass(frozen=True)
class Mix:
    """How hard events are.

    Attributes
    ----------
    numbers
        Chances of 2, 3 and 4 particles.
    one_point
        Chance of all coming from one point.
    forward
        Least cosine between a particle and the direction of its event; -1 is isotropic.

    """

    numbers: tuple[float, float, float]
    one_point: float
    forward: float


EASY = Mix((0.45, 0.35, 0.20), 0.3, -1.0)
HARD = Mix((0.10, 0.35, 0.55), 1.0, 0.3)
FIRST = ([ELECTRON, PHOTON], [0.7, 0.3])
SECOND = ([MUON_PLUS, MUON_MINUS, PION_PLUS, PION_MINUS, PROTON], [0.15, 0.15, 0.1, 0.1, 0.5])
FURTHER = (
    [ELECTRON, PHOTON, MUON_PLUS, MUON_MINUS, PION_PLUS, PION_MINUS, PROTON],
    [0.12, 0.08, 0.1, 0.1, 0.1, 0.1, 0.4],
)


def primaries(events: int, layout: Layout, mix: Mix, rng: np.random.Generator) -> Particles:
    """Particles of `events` events in a cube from 0 to the layout's size, as they start."""
    numbers = rng.choice([2, 3, 4], events, p=mix.numbers)
    event = np.repeat(np.arange(events), numbers)
    place = np.arange(len(event)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    kind = _kinds(place, rng)
    low, high = np.array([ENERGIES[one] for one in kind.tolist()]).T
    energy = layout.energy * low * (high / low) ** rng.random(len(event))
    margin = INNER * layout.size
    position = rng.uniform(margin, layout.size - margin, (len(event), 3))
    together = rng.random(events) < mix.one_point
    first = np.flatnonzero(place == 0)
    position = np.where(together[event, None], position[first[event]], position)
    axis = isotropic(rng, events)[event]
    cosine = rng.uniform(mix.forward, 1, len(event))
    direction = turned(axis, cosine, rng.uniform(0, 2 * np.pi, len(event)))
    return Particles(event, kind, energy, position, direction)


def _kinds(place: Index, rng: np.random.Generator) -> Index:
    """The first particle showers, the second doesn't, further ones may be anything."""
    kinds = [
        rng.choice(names, len(place), p=chances) for names, chances in (FIRST, SECOND, FURTHER)
    ]
    return np.choose(np.minimum(place, 2), kinds)
