"""Ranges, Bragg peak, showers, decays and scattering of simulated particles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from fivesigma_datasets.lartpc import argon, ending, losses
from fivesigma_datasets.lartpc.particles import (
    ELECTRON,
    MUON_MINUS,
    MUON_PLUS,
    PHOTON,
    PION_PLUS,
    PROTON,
    PROTONS,
    SHOWER,
    TRACK,
    Deposits,
    Particles,
)
from fivesigma_datasets.lartpc.showers import photons_end
from fivesigma_datasets.lartpc.transport import walk

Beam = Callable[..., Particles]
SIZE = 600.0  # cm, so that nothing leaves
MIDDLE = (300.0, 300.0, 200.0)


def sums(deposits: Deposits, values: np.ndarray, count: int, label: int) -> np.ndarray:
    chosen = deposits.label == label
    return np.bincount(deposits.event[chosen], values[chosen], count)


def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.mark.parametrize("energy", [100, 200, 300])
def test_protons_stop_where_pstar_says(
    beam: Beam, monkeypatch: pytest.MonkeyPatch, energy: float
) -> None:
    """Path and its straggling, about 1.1 % at these energies (Janni's tables); no interactions."""
    monkeypatch.setattr(argon, "NUCLEAR_LENGTH", 1e9)
    left = walk(beam(PROTON, energy, 100, MIDDLE), SIZE, rng())
    paths = sums(left, left.length, 100, PROTONS)
    assert paths.mean() == pytest.approx((energy / 29.9317) ** (1 / 0.586304), rel=0.02)
    assert 0.008 < paths.std() / paths.mean() < 0.016
    depth = left.position[:, 2].max() - MIDDLE[2]
    assert depth < 1.05 * paths.mean()
    energies = np.bincount(left.event, left.energy, 100)
    assert energies == pytest.approx(np.full(100, energy))  # nothing is lost or made


def test_the_bragg_peak_comes_by_itself(beam: Beam, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss of a stopping proton at 1, 3 and 10 cm from its end, MeV/cm: that of its energy."""
    monkeypatch.setattr(argon, "NUCLEAR_LENGTH", 1e9)
    left = walk(beam(PROTON, 200, 100, MIDDLE), SIZE, rng())
    order = np.lexsort((np.arange(len(left.event)), left.event))
    table = argon.range_table(argon.PROTON_MASS)
    rest, loss = [], []
    for event in range(100):
        mine = order[(left.event[order] == event) & (left.label[order] == PROTONS)]
        length, energy = left.length[mine], left.energy[mine]
        rest.append(length[::-1].cumsum()[::-1] - length / 2)
        loss.append(energy / length)
    at, value = np.concatenate(rest), np.concatenate(loss)
    found = [value[abs(at - distance) < 0.25].mean() for distance in (1.0, 3.0, 10.0)]
    expected = table.loss_at(table.energy_of(np.array([1.0, 3.0, 10.0])))
    assert found == pytest.approx(expected, rel=0.05)
    last = value[at < 0.2].mean()
    assert last > 6 * table.loss_at(np.array([200.0]))[0]


def test_protons_interact_with_the_nuclear_length(beam: Beam) -> None:
    """Of protons of 300 MeV, 1 - exp(-51/85.7) interact before they stop."""
    left = walk(beam(PROTON, 300, 400, MIDDLE), SIZE, rng())
    along = np.zeros(400)
    np.maximum.at(along, left.event, left.position[:, 2] - MIDDLE[2])
    stopped = (along > 47).mean()
    assert stopped == pytest.approx(np.exp(-49 / argon.NUCLEAR_LENGTH), abs=0.08)


def test_showers_have_the_track_length_of_the_critical_energy(beam: Beam) -> None:
    """All charged paths together: X0 E/Ec (Rossi, approximation B)."""
    for energy, count in ((200, 60), (600, 30)):
        left = walk(beam(ELECTRON, energy, count, MIDDLE), SIZE, rng())
        paths = left.length[left.length > 1e-3].sum() / count
        expected = argon.RADIATION_LENGTH * energy / argon.CRITICAL_ENERGY
        assert paths == pytest.approx(expected, rel=0.20)
        assert np.bincount(left.event, left.energy).mean() == pytest.approx(energy, rel=0.03)


def test_showers_are_as_long_and_wide_as_liquid_argon_makes_them(beam: Beam) -> None:
    """Mean depth ln(E/Ec) + 1.5 X0 (Longo, b = 0.5); most of it within a Molière radius of 9.0 cm.

    The rule of 90 % is for showers of many GeV: at 0.6 GeV photons of a few MeV, with a free path
    of 25 cm, carry more of the energy. Widths of such showers are held against real images.
    """
    left = walk(beam(ELECTRON, 600, 60, MIDDLE), SIZE, rng())
    depth = np.average(left.position[:, 2] - MIDDLE[2], weights=left.energy)
    expected = np.log(600 / argon.CRITICAL_ENERGY) + 1.5
    assert depth / argon.RADIATION_LENGTH == pytest.approx(expected, rel=0.2)
    radius = np.hypot(left.position[:, 0] - MIDDLE[0], left.position[:, 1] - MIDDLE[1])
    inside = left.energy[radius < 9.04].sum() / left.energy.sum()
    assert inside == pytest.approx(0.87, abs=0.06)


@pytest.mark.parametrize("energy", [1.0, 300.0])
def test_photons_interact_after_their_free_path(beam: Beam, energy: float) -> None:
    photons = beam(PHOTON, energy, 20_000, MIDDLE)
    photons_end(photons, rng())
    rates = (argon.pair_rate, argon.compton_rate, argon.photoelectric_rate)
    rate = sum(float(one(np.array([energy]))[0]) for one in rates)
    assert (photons.position[:, 2] - MIDDLE[2]).mean() == pytest.approx(1 / rate, rel=0.03)


def test_interactions_of_photons_keep_the_energy(beam: Beam) -> None:
    """Pairs and their annihilation, Compton scattering, absorption."""
    photons = beam(PHOTON, 20.0, 5000, MIDDLE)
    made = photons_end(photons, rng())
    assert sum(len(one) for one in made) > 2 * len(photons) * 0.9
    total = np.zeros(5000)
    for one in made:
        np.add.at(total, one.event, one.energy)
    assert total == pytest.approx(np.full(5000, 20.0))


def test_michel_electrons_have_their_spectrum_and_end_point() -> None:
    """x² (3 - 2x) up to 52.83 MeV; mean 0.7 of it."""
    energy = ending.michel_energy(rng(), 40_000)
    assert pytest.approx(52.83, abs=0.005) == ending.MICHEL_END
    assert energy.max() <= ending.MICHEL_END
    assert energy.max() > 52.5
    assert energy.mean() == pytest.approx(0.7 * 52.83, rel=0.01)
    share = np.histogram(energy / ending.MICHEL_END, [0, 0.25, 0.5, 0.75, 1])[0] / len(energy)
    edges = np.array([0, 0.25, 0.5, 0.75, 1])
    assert share == pytest.approx(np.diff(2 * edges**3 - edges**4), abs=0.01)


def test_positive_muons_and_pions_decay_and_negative_ones_mostly_do_not(beam: Beam) -> None:
    shares = {}
    for kind in (MUON_PLUS, MUON_MINUS, PION_PLUS):
        left = walk(beam(kind, 40, 200, MIDDLE), SIZE, rng())
        shares[kind] = (sums(left, left.energy, 200, SHOWER) > 5).mean()
    assert shares[MUON_PLUS] > 0.95
    assert shares[MUON_MINUS] == pytest.approx(1 - ending.CAPTURED, abs=0.1)
    assert shares[PION_PLUS] > 0.8


def test_muons_knock_on_as_many_electrons_as_the_formula_says(beam: Beam) -> None:
    """ξ (1/T - 1/T_max) per cm above T = 1 MeV: 0.096, and their energies fall like 1/T²."""
    particles = beam(MUON_PLUS, 5000, 40_000, MIDDLE)
    length = np.full(40_000, losses.STEP)
    _, energy, electrons = losses.knocked_on(particles, length, rng())
    assert len(electrons) / (40_000 * losses.STEP) == pytest.approx(0.0966, rel=0.1)
    assert (energy > 2).sum() / (energy > 0).sum() == pytest.approx(0.5, abs=0.05)
    assert (electrons.energy >= losses.DELTA_CUT).all()


def test_scattering_is_highlands_whatever_the_step(beam: Beam) -> None:
    """A muon of 1 GeV after 14 cm: 13.6/(βp) rad in a plane, within the 10 % of the logarithm."""
    direction = beam(MUON_PLUS, 1000, 20_000, MIDDLE)
    steps = 28
    generator = rng()
    for _ in range(steps):
        length = np.full(20_000, argon.RADIATION_LENGTH / steps)
        direction.direction = losses.scattered(direction, length, generator)
    plane = np.arctan2(direction.direction[:, 0], direction.direction[:, 2]).std()
    momentum_beta = 1000 * (1000 + 2 * argon.MUON_MASS) / (1000 + argon.MUON_MASS)
    assert plane == pytest.approx(13.6 / momentum_beta, rel=0.12)


def test_what_a_track_leaves_has_its_class(beam: Beam) -> None:
    left = walk(beam(MUON_PLUS, 300, 20, MIDDLE), SIZE, rng())
    assert set(np.unique(left.label)) == {SHOWER, TRACK}  # delta rays and Michel electrons
    assert sums(left, left.energy, 20, TRACK).mean() > 250
