"""Particles on their way and the energy that they leave, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.lartpc import argon

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

ELECTRON, PHOTON, MUON_PLUS, MUON_MINUS, PION_PLUS, PION_MINUS, PROTON = range(7)
MASSES = np.array(
    [
        argon.ELECTRON_MASS,
        0.0,
        argon.MUON_MASS,
        argon.MUON_MASS,
        argon.PION_MASS,
        argon.PION_MASS,
        argon.PROTON_MASS,
    ]
)
NOTHING, SHOWER, TRACK, PROTONS = range(4)
"""Classes: electrons, positrons and their photons; muons and pions; protons."""
CLASS_OF = np.array([SHOWER, SHOWER, TRACK, TRACK, TRACK, TRACK, PROTONS])


@dataclass
class Particles:
    """Particles of many events.

    Attributes
    ----------
    event
        Number of the event, int64 (n,).
    kind
        ``ELECTRON`` … ``PROTON``, int64 (n,); positrons are electrons here.
    energy
        Kinetic energy in MeV, (n,).
    position
        In cm, (n, 3).
    direction
        Unit vectors, (n, 3).

    """

    event: Index
    kind: Index
    energy: Floats
    position: Floats
    direction: Floats

    def __len__(self) -> int:
        return len(self.event)

    def where(self, which: Bools | Index) -> Self:
        """Those that are meant."""
        return type(self)(*(getattr(self, one.name)[which] for one in fields(self)))

    def made(self, kind: int, energy: Floats, direction: Floats) -> "Particles":
        """New particles, one at the place of each."""
        kinds = np.full(len(self), kind)
        return Particles(self.event, kinds, energy, self.position.copy(), direction)


def together(parts: Sequence[Particles]) -> Particles:
    """All of them, in order; at least one part."""
    names = [one.name for one in fields(Particles)]
    return Particles(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass
class Deposits:
    """Energy left along short steps.

    Attributes
    ----------
    event, label
        Number of the event and class of the particle, int64 (n,).
    position
        Middle of the step in cm, (n, 3).
    energy, length
        In MeV and cm, (n,).

    """

    event: Index
    label: Index
    position: Floats
    energy: Floats
    length: Floats

    @classmethod
    def of(cls, parts: Sequence["Deposits"]) -> Self:
        """All of them, in order; at least one part."""
        names = [one.name for one in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def isotropic(rng: np.random.Generator, count: int) -> Floats:
    """Unit vectors into all directions alike, (count, 3)."""
    cosine = rng.uniform(-1, 1, count)
    angle = rng.uniform(0, 2 * np.pi, count)
    sine = np.sqrt(1 - cosine**2)
    return np.stack([sine * np.cos(angle), sine * np.sin(angle), cosine], axis=1)


def turned(direction: Floats, cosine: Floats, angle: Floats) -> Floats:
    """Unit vectors with the given cosine to each direction, at an azimuth, (n, 3)."""
    other = np.where(np.abs(direction[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(direction, other)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(direction, first)
    sine = np.sqrt(np.clip(1 - cosine**2, 0.0, None))
    across = first * np.cos(angle)[:, None] + second * np.sin(angle)[:, None]
    return np.asarray(direction * cosine[:, None] + across * sine[:, None])
