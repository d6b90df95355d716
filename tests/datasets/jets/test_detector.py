"""The detector response on particles made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from fivesigma_datasets.jets import detector
from fivesigma_datasets.jets.detector import BARREL, RESPONSE, Response, measure
from fivesigma_datasets.jets.kinematics import (
    Floats,
    azimuth,
    momenta,
    pseudorapidity,
    transverse,
    wrapped,
)
from fivesigma_datasets.jets.particles import Particles

N = 4000
PION, PHOTON, KAON_LONG, MUON, ELECTRON, LAMBDA = 211, 22, 130, 13, 11, 3122


def alone(
    pdg: int, pt: float, eta: float = 0.1, phi: float | Floats = 0.3, n: int = N
) -> Particles:
    """One such particle in each of n events."""
    p4 = momenta(np.full(n, pt), np.full(n, eta), np.broadcast_to(phi, n))
    return Particles(np.arange(n), np.full(n, pdg), p4, n)


def seen(pdg: int, pt: float, eta: float = 0.1, response: Response = RESPONSE) -> detector.Measured:
    return measure(alone(pdg, pt, eta), np.random.default_rng(3), response)


@pytest.mark.parametrize(
    ("pdg", "pt", "eta", "efficiency"),
    [
        (PION, 0.5, 0.1, 0.70),
        (PION, 20.0, 1.4, 0.95),
        (PION, 20.0, 1.6, 0.85),
        (-PION, 20.0, 2.6, 0.0),
        (PION, 0.05, 0.1, 0.0),
        (ELECTRON, 20.0, 0.1, 0.95),
        (MUON, 20.0, 0.1, 0.99),
        (PHOTON, 20.0, 0.1, 0.0),
        (KAON_LONG, 20.0, 0.1, 0.0),
    ],
)
def test_tracking_efficiency(pdg: int, pt: float, eta: float, efficiency: float) -> None:
    error = 4 * (efficiency * (1 - efficiency) / N) ** 0.5
    assert len(seen(pdg, pt, eta).tracks) / N == pytest.approx(efficiency, abs=error + 1e-9)


def test_track_resolution_grows_with_pt() -> None:
    for pt in (5.0, 300.0):
        width = (transverse(seen(PION, pt).tracks) / pt).std()
        assert width == pytest.approx(np.hypot(0.01, 1.5e-4 * pt), rel=0.06)


@pytest.mark.parametrize(
    ("pdg", "ecal", "hcal"),
    [(PHOTON, 1, 0), (ELECTRON, 1, 0), (PION, 0, 1), (KAON_LONG, 0, 1), (MUON, 0, 0)],
)
def test_who_leaves_energy_where(pdg: int, ecal: float, hcal: float) -> None:
    event = seen(pdg, 100.0)
    assert event.ecal.energy.sum() / N == pytest.approx(100.5 * ecal, rel=0.02)
    assert event.hcal.energy.sum() / N == pytest.approx(100.5 * hcal, rel=0.02)


def test_lambdas_share_their_energy() -> None:
    event = seen(LAMBDA, 100.0)
    assert event.ecal.energy.mean() == pytest.approx(30.15, rel=0.02)
    assert event.hcal.energy.mean() == pytest.approx(70.35, rel=0.02)


@pytest.mark.parametrize(("pdg", "energy"), [(PHOTON, 50.0), (KAON_LONG, 50.0)])
def test_calorimeter_resolution(pdg: int, energy: float) -> None:
    event = seen(pdg, energy / np.cosh(0.1))
    constant, stochastic, noise = (RESPONSE.ecal if pdg == PHOTON else RESPONSE.hcal).terms
    width = np.sqrt((constant * energy) ** 2 + stochastic**2 * energy + noise**2)
    deposits = event.ecal if pdg == PHOTON else event.hcal
    assert deposits.energy.std() == pytest.approx(width, rel=0.05)


def test_the_flow_counts_a_charged_particle_once() -> None:
    for pdg in (PION, ELECTRON):
        event = seen(pdg, 30.0)
        total = np.bincount(event.flow_event, weights=transverse(event.flow), minlength=N)
        assert np.median(total) == pytest.approx(30.0, rel=0.02)
        with_track = total[np.unique(event.flow_event[event.flow_is_track])]
        assert len(with_track) == len(event.tracks)
        assert with_track.mean() == pytest.approx(30.0, rel=0.03)


def test_neutral_energy_beside_a_track_is_kept_where_significant() -> None:
    photon, electron = alone(PHOTON, 60.0), alone(ELECTRON, 20.0)
    both = Particles(
        np.repeat(np.arange(N), 2),
        np.tile([PHOTON, ELECTRON], N),
        np.stack([photon.p4, electron.p4], axis=1).reshape(-1, 4),
        N,
    )
    turn = detector._face_phi(both)[1] - 0.3  # the photon is put where the electron arrives
    both.p4[::2] = alone(PHOTON, 60.0, phi=0.3 + turn).p4
    event = measure(both, np.random.default_rng(4))
    total = np.bincount(event.flow_event, weights=transverse(event.flow), minlength=N)
    assert np.median(total) == pytest.approx(80.0, rel=0.02)


def test_charged_particles_turn_and_soft_ones_curl_up() -> None:
    radius = 5.0 / (0.3 * 3.8)  # metres, of a circle at 5 GeV
    turn = np.arcsin(1.29 / 2 / radius)
    face = detector._face_phi(alone(PION, 5.0, phi=3.1, n=1))
    assert wrapped(face - 3.1)[0] == pytest.approx(-turn)
    assert wrapped(detector._face_phi(alone(-PION, 5.0, phi=3.1, n=1)) - 3.1)[0] == (
        pytest.approx(turn)
    )
    assert detector._face_phi(alone(PHOTON, 5.0, n=1))[0] == pytest.approx(0.3)
    assert np.isnan(detector._face_phi(alone(PION, 0.7, n=1))[0])
    forward = wrapped(detector._face_phi(alone(PION, 5.0, eta=2.4, n=1)) - 0.3)[0]
    assert forward == pytest.approx(-3.0 / (2 * radius * np.sinh(2.4)))
    assert len(seen(PION, 0.7).hcal) == 0
    assert len(seen(PION, 5.0).hcal) > 0.9 * N


def test_shifted_variants_move_what_they_name() -> None:
    nominal, shifted = (
        seen(PHOTON, 40.0),
        seen(PHOTON, 40.0, response=replace(RESPONSE, scales=(1.0, 1.1, 1.0))),
    )
    assert shifted.ecal.energy == pytest.approx(1.1 * nominal.ecal.energy)
    wide = seen(PHOTON, 40.0, response=replace(RESPONSE, widening=2.0))
    assert wide.ecal.energy.std() == pytest.approx(2 * nominal.ecal.energy.std(), rel=0.06)
    tracks = seen(PION, 40.0, response=replace(RESPONSE, scales=(0.9, 1.0, 1.0))).tracks
    assert transverse(tracks).mean() == pytest.approx(36.0, rel=0.01)


def test_resolution_is_worse_in_the_endcap() -> None:
    inner, outer = seen(PHOTON, 40.0, 0.1), seen(PHOTON, 40.0, BARREL + 0.1)
    relative = [part.ecal.energy.std() / part.ecal.energy.mean() for part in (inner, outer)]
    assert relative[1] > 1.5 * relative[0]


def test_nothing_in_nothing_out_and_the_same_seed_sees_the_same() -> None:
    empty = Particles(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 4)), 3)
    event = measure(empty, np.random.default_rng(1))
    assert len(event.flow) == len(event.ecal) == len(event.hcal) == len(event.tracks) == 0
    assert np.array_equal(seen(PION, 9.0).flow, seen(PION, 9.0).flow)


def test_directions_survive() -> None:
    event = measure(alone(PHOTON, 80.0, eta=-1.3, phi=np.pi - 1e-3), np.random.default_rng(5))
    assert np.abs(pseudorapidity(event.flow) + 1.3).max() < detector.CELL
    assert np.abs(wrapped(azimuth(event.flow) - np.pi)).max() < detector.CELL + 1e-3
