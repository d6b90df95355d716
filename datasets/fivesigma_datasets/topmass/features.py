"""Mass and substructure from the pixels of an image alone, with numpy.

Tracks and the electromagnetic calorimeter together see charged particles and photons, nine tenths
of a jet, with the best resolution; the hadronic calorimeter would count charged hadrons twice.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.jets.kinematics import Floats, Integers, mass, momenta, sums, transverse

RADII = (0.2, 0.4, 0.6, 0.8, 1.0, 9.9)
"""Distances from the jet axis within which pt and mass are summed; the last is the window."""

CONES = 4
CONE = 0.25
"""Greatest number of subjets, and their radius in eta and phi."""

NAMES = (
    *(f"{what}_{layer}" for layer in ("tracks", "ecal", "hcal") for what in ("pt", "mass", "n")),
    *(f"{what}_{radius}" for radius in RADII for what in ("pt", "mass")),
    *(f"pt_cone_{number}" for number in range(1, CONES + 1)),
    *(f"mass_cones_{pair}" for pair in ("12", "13", "23", "123", "1234")),
    *(f"tau_{number}" for number in range(1, CONES + 1)),
)


@dataclass(frozen=True)
class _Pixels:
    """The lit pixels of tracks and ECAL together, in the order of their images."""

    image: Integers
    eta: Floats
    phi: Floats
    pt: Floats
    n: int

    @property
    def p4(self) -> Floats:
        return momenta(self.pt, self.eta, self.phi)

    def take(self, keep: npt.NDArray[np.bool_]) -> "_Pixels":
        return _Pixels(self.image[keep], self.eta[keep], self.phi[keep], self.pt[keep], self.n)


def features(images: npt.NDArray[np.uint16], *, width: float, step: float) -> Floats:
    """Features ``NAMES`` (n, k) of images (n, 3, pixels, pixels): ``step`` GeV, pixels ``width``.

    Angles are counted from the jet axis: a boost along the beam changes no mass.
    """
    n, side = len(images), images.shape[-1]
    lit = np.flatnonzero(images)
    image, channel, row, column = np.unravel_index(lit, images.shape)
    pt = np.asarray(images.reshape(-1)[lit] * step, dtype=np.float64)
    eta, phi = ((index - (side - 1) / 2) * width for index in (row, column))
    columns: list[Floats] = []
    for number in range(3):
        one = _Pixels(image, eta, phi, pt, n).take(channel == number)
        total = sums(one.image, one.p4, n)
        columns += [transverse(total), mass(total), _count(one)]
    flow = _Pixels(image, eta, phi, pt, n).take(channel != 2)
    for radius in RADII:
        total = sums(*_within(flow, radius), n)
        columns += [transverse(total), mass(total)]
    return np.column_stack([*columns, _substructure(flow)])


def _count(pixels: _Pixels) -> Floats:
    return np.bincount(pixels.image, minlength=pixels.n).astype(np.float64)


def _within(pixels: _Pixels, radius: float) -> tuple[Integers, Floats]:
    near = pixels.take(np.hypot(pixels.eta, pixels.phi) < radius)
    return near.image, near.p4


def _substructure(pixels: _Pixels) -> Floats:
    """Momenta of cones around the hardest pixels left, masses of cones together, subjettiness."""
    free = np.ones(len(pixels.pt), dtype=bool)
    nearest = np.full(len(pixels.pt), np.inf)
    cones, taus = [], []
    for _ in range(CONES):
        seed = _hardest(pixels, free)
        away = np.hypot(
            pixels.eta - pixels.eta[seed][pixels.image], pixels.phi - pixels.phi[seed][pixels.image]
        )
        member = free & (away < CONE)
        cones.append(sums(pixels.image[member], pixels.p4[member], pixels.n))
        nearest = np.minimum(nearest, away)
        taus.append(sums(pixels.image, (pixels.pt * nearest)[:, None], pixels.n)[:, 0])
        free &= ~member
    one, two, three, four = cones
    groups = (one + two, one + three, two + three, one + two + three, one + two + three + four)
    return np.column_stack([*map(transverse, cones), *map(mass, groups), *taus])


def _hardest(pixels: _Pixels, free: npt.NDArray[np.bool_]) -> Integers:
    """For each image the row of its hardest pixel that is free, or any of its pixels."""
    order = np.lexsort((np.where(free, pixels.pt, 0.0), pixels.image))
    last = np.searchsorted(pixels.image, np.arange(pixels.n), side="right") - 1
    return np.asarray(order[np.maximum(last, 0)])
