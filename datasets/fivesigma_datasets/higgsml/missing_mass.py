"""A stand-in for the Missing Mass Calculator (MMC), in closed form and vectorised.

The real MMC scans the directions of the neutrinos (A. Elagin et al., arXiv:1012.4686). Here both
taus fly along their visible products; for every pair of visible energy fractions the missing
momentum that they would leave is compared with the measured one. The likelihood is the product of

- a Gaussian of that difference with the event's resolution,
- the phase space of the decays: flat in the fraction for hadrons, and for a lepton with its two
  neutrinos 5/3 - 3 x^2 + 4/3 x^3 (unpolarised),
- ``1/mass^POWER``: wide tails to high masses are as unlikely as in nature.

The mass is the likelihood's weighted mean of log(mass); there is no solution where even the
best pair misses the measurement by more than ``MAX_PULL`` sigma, as for W bosons, whose one
neutrino points anywhere.
"""

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.higgsml.features import Floats

GRID = 40
POWER = 2.8
MAX_PULL = 4.0
MIN_FRACTION = 0.04
CHUNK = 2000


def missing_mass(tau: Floats, lep: Floats, met: Floats, resolution: Floats) -> Floats:
    """Mass of the tau pair in GeV, NaN where there is no solution.

    ``tau`` and ``lep`` are visible momenta (n, 4) as (pt, eta, phi, mass), ``met`` (n, 2) is
    the missing momentum, ``resolution`` (n,) its Gaussian width per component.
    """
    parts = [
        _scan(tau[rows], lep[rows], met[rows], resolution[rows])
        for rows in np.array_split(np.arange(len(tau)), max(1, -(-len(tau) // CHUNK)))
    ]
    return np.concatenate(parts)


def _scan(tau: Floats, lep: Floats, met: Floats, resolution: Floats) -> Floats:
    fraction = MIN_FRACTION + (1 - MIN_FRACTION) * (np.arange(GRID) + 0.5) / GRID
    x_tau, x_lep = fraction[None, :, None], fraction[None, None, :]
    pull = np.zeros((len(tau), GRID, GRID))
    for axis, turn in enumerate((np.cos, np.sin)):
        carried = _each(tau[:, 0] * turn(tau[:, 2])) * (1 / x_tau - 1) + _each(
            lep[:, 0] * turn(lep[:, 2])
        ) * (1 / x_lep - 1)
        pull += ((carried - _each(met[:, axis])) / _each(resolution)) ** 2
    log_mass = np.log(_each(_visible_mass(tau, lep))) - 0.5 * np.log(x_tau * x_lep)
    decay = np.log(5 / 3 - 3 * x_lep**2 + 4 / 3 * x_lep**3 + 1e-12)
    log_likelihood = decay - 0.5 * pull - POWER * log_mass
    weight = np.exp(log_likelihood - log_likelihood.max(axis=(1, 2), keepdims=True))
    mean = (weight * log_mass).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))
    return np.where(pull.min(axis=(1, 2)) < MAX_PULL**2, np.exp(mean), np.nan)


def _each(values: npt.NDArray[np.float64]) -> Floats:
    return values[:, None, None]


def _visible_mass(tau: Floats, lep: Floats) -> Floats:
    opening = np.cosh(tau[:, 1] - lep[:, 1]) - np.cos(tau[:, 2] - lep[:, 2])
    return np.asarray(np.sqrt(np.maximum(2 * tau[:, 0] * lep[:, 0] * opening, 1.0)))
