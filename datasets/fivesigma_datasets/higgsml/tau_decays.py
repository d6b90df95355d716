"""Tau decays in closed form, so that one generated event can be decayed many times.

Unpolarised taus. A leptonic decay has the Michel spectrum x^2 (3 - 2x) of the lepton's energy in
the tau's rest frame; a hadronic one is tau → X nu with a hadronic system X of a mass drawn from a
relativistic Breit-Wigner times the phase space (1 - q)^2 (1 + 2q), q = (m / m_tau)^2 (Y. S. Tsai,
Phys. Rev. D 4 (1971) 2821). Masses, widths and branching fractions: Particle Data Group 2024.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.higgsml.truth import Booleans, Floats, cylindrical

Rng = np.random.Generator

TAU_MASS = 1.777
ELECTRON = 0.1782
MUON = 0.1739
LEPTONIC = ELECTRON + MUON
"""Branching fractions to an electron, to a muon, and to either."""

PION_MASS = 0.1396


@dataclass(frozen=True)
class System:
    """A hadronic system: branching fraction, mass and width in GeV, least mass in pions."""

    fraction: float
    mass: float
    width: float
    pions: int


SYSTEMS = (
    System(0.1151, PION_MASS, 0.0, 1),  # pi, K
    System(0.2593, 0.7753, 0.1474, 2),  # rho, K*
    System(0.2120, 1.230, 0.420, 3),  # a1: three pions, charged or neutral
    System(0.0615, 1.465, 0.400, 4),  # four pions through rho(1450)
)

_GRID = 400


def decay(taus: Floats, rng: Rng, *, one_leptonic: bool) -> tuple[Floats, Booleans, Booleans]:
    """Visible momenta (n, 2, 4) of two taus, which of them are leptonic, and which to a muon.

    Momenta are (pt, eta, phi, mass), all zero where there is no tau. ``one_leptonic`` forces one
    decay of the two to be leptonic and the other hadronic.
    """
    shape = taus.shape[:2]
    leptonic = rng.random(shape) < LEPTONIC
    if one_leptonic:
        first = rng.random(len(taus)) < 0.5
        leptonic = np.stack([first, ~first], axis=1)
    muon = leptonic & (rng.random(shape) < MUON / LEPTONIC)
    mass = np.where(leptonic, 0.0, _system_mass(rng, shape))
    energy = np.where(
        leptonic,
        0.5 * TAU_MASS * np.interp(rng.random(shape), *_MICHEL),
        (TAU_MASS**2 + mass**2) / (2 * TAU_MASS),
    )
    visible = _boosted(taus, energy, mass, rng)
    there = taus[..., 0] > 0
    return np.where(there[..., None], visible, 0.0), leptonic & there, muon & there


def _boosted(taus: Floats, energy: Floats, mass: Floats, rng: Rng) -> Floats:
    """Momenta in the laboratory of products with isotropic directions in the rest frame."""
    pt, eta, phi = np.maximum(taus[..., 0], 1e-9), taus[..., 1], taus[..., 2]
    momentum = pt * np.cosh(eta)
    gamma, slope = np.hypot(momentum, TAU_MASS) / TAU_MASS, momentum / TAU_MASS
    cosine, turn = rng.uniform(-1, 1, pt.shape), rng.uniform(0, 2 * np.pi, pt.shape)
    length = np.sqrt(np.maximum(energy**2 - mass**2, 0.0))
    along = gamma * length * cosine + slope * energy
    across = length * np.sqrt(1 - cosine**2)
    theta_cos, theta_sin = np.tanh(eta), 1 / np.cosh(eta)
    # The tau's direction, and two directions across it: away from the beam, and around it.
    radial = along * theta_sin + across * np.cos(turn) * theta_cos
    around = across * np.sin(turn)
    px = radial * np.cos(phi) - around * np.sin(phi)
    py = radial * np.sin(phi) + around * np.cos(phi)
    pz = along * theta_cos - across * np.cos(turn) * theta_sin
    total = gamma * energy + slope * length * cosine
    return cylindrical(np.stack([px, py, pz, total], axis=-1))


def _system_mass(rng: Rng, shape: tuple[int, ...]) -> Floats:
    fractions = np.array([system.fraction for system in SYSTEMS])
    which = rng.choice(len(SYSTEMS), size=shape, p=fractions / fractions.sum())
    quantile = rng.random(shape)
    masses = np.stack([np.interp(quantile, *table) for table in _MASSES])
    chosen: Floats = np.take_along_axis(masses, which[None], axis=0)[0]
    return chosen


def _quantiles(x: Floats, density: Floats) -> tuple[Floats, Floats]:
    """What ``np.interp`` needs to turn uniform numbers into x of this density."""
    steps = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) * np.diff(x))])
    return steps / steps[-1], x


def _spectrum(system: System) -> tuple[Floats, Floats]:
    if not system.width:
        return np.array([0.0, 1.0]), np.array([system.mass, system.mass])
    mass: npt.NDArray[np.float64] = np.linspace(system.pions * PION_MASS, TAU_MASS, _GRID)
    q = (mass / TAU_MASS) ** 2
    pole = (mass**2 - system.mass**2) ** 2 + (system.mass * system.width) ** 2
    return _quantiles(mass, mass * (1 - q) ** 2 * (1 + 2 * q) / pole)


_X = np.linspace(0.0, 1.0, _GRID)
_MICHEL = _quantiles(_X, _X**2 * (3 - 2 * _X))
_MASSES = [_spectrum(system) for system in SYSTEMS]
