"""A documented detector response: tracks, calorimeter cells, and the energy flow made of both.

Efficiencies, resolutions, thresholds and energy fractions are those of the CMS card of Delphes
(``cards/delphes_card_CMS.tcl``; J. de Favereau et al., JHEP 02 (2014) 057, arXiv:1307.6346), which
cites arXiv:1405.6569 for tracks and arXiv:1306.2016 and arXiv:1502.02701 for the electromagnetic
calorimeter. Simplified here: one granularity for barrel and endcaps, tracks keep their direction,
charged hadrons leave everything in the hadronic calorimeter and muons nothing, no pile-up; neutral
energy must be significant only in cells that tracks point at.
"""

from dataclasses import dataclass, field

import numpy as np

from fivesigma_datasets.jets import cells
from fivesigma_datasets.jets.cells import CELL, TOWER, Deposits
from fivesigma_datasets.jets.kinematics import (
    Booleans,
    Floats,
    Integers,
    azimuth,
    momenta,
    pseudorapidity,
    sums,
    transverse,
    wrapped,
)
from fivesigma_datasets.jets.particles import Particles

Rng = np.random.Generator

BARREL = 1.5
"""Where the barrel of the tracker and of the electromagnetic calorimeter ends in |eta|."""

TRACKER = 2.5
FIELD, RADIUS, HALF_LENGTH = 3.8, 1.29, 3.0
"""Magnetic field in tesla, radius and half-length of its volume in metres."""

LONG_LIVED = (310, 3122)
"""K-short and Lambda, which leave energy in both calorimeters."""


@dataclass(frozen=True)
class Tracking:
    """Efficiencies below and above 1 GeV (barrel, then endcaps), relative pt resolutions.

    ``resolution``: constant and slope per GeV for |eta| below 0.5, 1.5 and 2.5.
    """

    efficiency: tuple[float, float, float, float]
    resolution: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


HADRON = Tracking((0.70, 0.95, 0.60, 0.85), ((0.01, 1.5e-4), (0.015, 2.5e-4), (0.025, 5.5e-4)))
ELECTRON = Tracking((0.73, 0.95, 0.50, 0.83), ((0.03, 1.3e-3), (0.05, 1.7e-3), (0.15, 3.1e-3)))
MUON = Tracking((0.75, 0.99, 0.70, 0.98), ((0.01, 1.0e-4), (0.015, 1.5e-4), (0.025, 3.5e-4)))


@dataclass(frozen=True)
class Calorimeter:
    """Cells per side, resolution (constant, stochastic, noise in GeV), least energy in GeV."""

    side: int
    terms: tuple[float, float, float]
    minimum: float
    flared: bool = False

    def width(self, energy: Floats, eta: Floats) -> Floats:
        """Standard deviation of the measured energy in GeV."""
        constant, stochastic, noise = self.terms
        width = np.sqrt((constant * energy) ** 2 + stochastic**2 * energy + noise**2)
        if not self.flared:
            return np.asarray(width)
        outer = 2.16 + 5.6 * (np.minimum(np.abs(eta), TRACKER) - 2) ** 2
        return np.asarray(width * np.where(np.abs(eta) < BARREL, 1 + 0.64 * eta**2, outer))


@dataclass(frozen=True)
class Response:
    """Settings of the response; they go into the manifest.

    ``scales`` multiply track pt, ECAL and HCAL energies and ``widening`` all resolutions: 1 is
    the nominal detector, other values are its shifted variants.
    """

    hadron: Tracking = HADRON
    electron: Tracking = ELECTRON
    muon: Tracking = MUON
    ecal: Calorimeter = field(default=Calorimeter(1, (0.008, 0.11, 0.40), 0.5, flared=True))
    hcal: Calorimeter = field(default=Calorimeter(TOWER, (0.05, 1.5, 0.0), 1.0))
    ecal_share_of_long_lived: float = 0.3
    track_minimum: float = 0.1
    significance: float = 2.0
    scales: tuple[float, float, float] = (1.0, 1.0, 1.0)
    widening: float = 1.0


RESPONSE = Response()


@dataclass(frozen=True)
class Measured:
    """What the detector saw of ``n_events`` events; every table is in the order of events.

    ``tracks`` and ``flow`` are momenta (n, 4) with their events. The flow is made of the tracks
    (``flow_is_track``) and of the neutral energy that is left in the cells behind them. ``ecal``
    and ``hcal`` are all cells above threshold.
    """

    n_events: int
    track_event: Integers
    tracks: Floats
    ecal: Deposits
    hcal: Deposits
    flow_event: Integers
    flow: Floats
    flow_is_track: Booleans


def measure(particles: Particles, rng: Rng, response: Response = RESPONSE) -> Measured:
    """Tracks, cells and energy flow of all events of a batch."""
    found, tracks = _tracks(particles, rng, response)
    face = _face_phi(particles)
    in_ecal = _ecal_share(particles.pdg, response)
    in_hcal = np.where(np.isin(np.abs(particles.pdg), (11, 13, 22)), 0.0, 1.0 - in_ecal)
    deposits, flow = [], [(particles.event[found], tracks)]
    settings = ((response.ecal, in_ecal), (response.hcal, in_hcal))
    for (calorimeter, share), scale in zip(settings, response.scales[1:], strict=True):
        energy = np.where(np.isfinite(face), particles.p4[:, 3] * share, 0.0)
        seen = _seen(calorimeter, particles, face, energy, scale, rng, response.widening)
        aims = energy[found] > 0
        aim = (particles.event[found][aims], pseudorapidity(tracks[aims]), face[found][aims])
        behind = _momentum_behind(seen, aim, tracks[aims, 3])
        deposits.append(seen)
        flow.append(_neutral(seen, behind, calorimeter, rng, response))
    event, momentum = (np.concatenate(parts) for parts in zip(*flow, strict=True))
    order = np.argsort(event, kind="stable")
    return Measured(
        n_events=particles.n_events,
        track_event=particles.event[found],
        tracks=tracks,
        ecal=deposits[0],
        hcal=deposits[1],
        flow_event=event[order],
        flow=momentum[order],
        flow_is_track=order < len(tracks),
    )


def _seen(
    calorimeter: Calorimeter,
    particles: Particles,
    face: Floats,
    energy: Floats,
    scale: float,
    rng: Rng,
    widening: float,
) -> Deposits:
    """Measured energies in the cells above threshold."""
    hit = energy > 0
    eta = pseudorapidity(particles.p4[hit])
    true = cells.summed(particles.event[hit], eta, face[hit], energy[hit], calorimeter.side)
    seen = cells.smeared(true, widening * calorimeter.width(true.energy, true.eta), rng)
    return cells.above(cells.changed(seen, scale * seen.energy), calorimeter.minimum)


def _tracks(particles: Particles, rng: Rng, response: Response) -> tuple[Integers, Floats]:
    """Rows of the particles with a track, and the tracks' momenta."""
    pt, eta = transverse(particles.p4), pseudorapidity(particles.p4)
    kind = np.abs(particles.pdg)
    efficiency, width = np.zeros(len(pt)), np.zeros(len(pt))
    classes = ((response.electron, kind == 11), (response.muon, kind == 13))
    others = (particles.charge != 0) & (kind != 11) & (kind != 13)
    for tracking, rows in (*classes, (response.hadron, others)):
        efficiency[rows] = _efficiency(tracking, pt[rows], eta[rows])
        width[rows] = _resolution(tracking, pt[rows], eta[rows])
    efficiency[(pt < response.track_minimum) | (np.abs(eta) > TRACKER)] = 0.0
    found = np.flatnonzero(rng.random(len(pt)) < efficiency)
    factor = 1 + response.widening * width[found] * rng.standard_normal(len(found))
    measured = pt[found] * np.maximum(factor, 0.05) * response.scales[0]
    return found, momenta(measured, eta[found], azimuth(particles.p4[found]))


def _efficiency(tracking: Tracking, pt: Floats, eta: Floats) -> Floats:
    barrel_soft, barrel, endcap_soft, endcap = tracking.efficiency
    central = np.where(pt > 1.0, barrel, barrel_soft)
    outer = np.where(pt > 1.0, endcap, endcap_soft)
    return np.asarray(np.where(np.abs(eta) < BARREL, central, outer), dtype=np.float64)


def _resolution(tracking: Tracking, pt: Floats, eta: Floats) -> Floats:
    region = np.searchsorted((0.5, BARREL), np.abs(eta))
    constant, slope = np.array(tracking.resolution)[region].T
    return np.asarray(np.hypot(constant, slope * pt))


def _face_phi(particles: Particles) -> Floats:
    """Azimuth where a particle meets the calorimeter; NaN for those that curl up before it.

    On a circle of radius pt / (0.3 B), at the barrel's radius or at the endcap, whichever is
    first; positive charges turn clockwise.
    """
    pt, pz = transverse(particles.p4), np.abs(particles.p4[:, 2])
    half_turn = 0.15 * FIELD * particles.charge
    with np.errstate(invalid="ignore"):
        barrel = np.arcsin(half_turn * RADIUS / np.maximum(pt, 1e-12))
    endcap = half_turn * HALF_LENGTH / np.maximum(pz, 1e-12)
    to_endcap = np.abs(endcap) < np.where(np.isnan(barrel), np.pi / 2, np.abs(barrel))
    return wrapped(azimuth(particles.p4) - np.where(to_endcap, endcap, barrel))


def _ecal_share(pdg: Integers, response: Response) -> Floats:
    """Part of a particle's energy in the electromagnetic calorimeter."""
    kind = np.abs(pdg)
    share = np.where(np.isin(kind, (11, 22)), 1.0, 0.0)
    return np.where(np.isin(kind, LONG_LIVED), response.ecal_share_of_long_lived, share)


def _momentum_behind(
    seen: Deposits, aim: tuple[Integers, Floats, Floats], energy: Floats
) -> Floats:
    """Sum of the track momenta that point at each cell."""
    row = cells.pointed_at(seen, *aim)
    hit = row >= 0
    return sums(row[hit], energy[hit, None], len(seen))[:, 0]


def _neutral(
    seen: Deposits, behind: Floats, calorimeter: Calorimeter, rng: Rng, response: Response
) -> tuple[Integers, Floats]:
    """Events and momenta of the energy that tracks don't account for, uniform in its cell."""
    excess = seen.energy - behind
    width = response.widening * calorimeter.width(seen.energy, seen.eta)
    needed = np.where(behind > 0, response.significance * width, 0.0)
    keep = excess > np.maximum(needed, calorimeter.minimum)
    shift = (rng.random((2, int(keep.sum()))) - 0.5) * (calorimeter.side * CELL)
    eta, phi = seen.eta[keep] + shift[0], seen.phi[keep] + shift[1]
    return seen.event[keep], momenta(excess[keep] / np.cosh(eta), eta, phi)
