"""Energy loss, ranges, photons and recombination against published values."""

import numpy as np
import pytest
from fivesigma_datasets.lartpc import argon

# Ranges of muons in liquid argon, g/cm²: Groom, Mokhov, Striganov, ADNDT 78 (2001), table 289.
MUONS = {10: 0.9833, 20: 3.321, 40: 10.58, 100: 42.50, 200: 106.3, 300: 172.5, 400: 238.5}
# Attenuation of photons in argon, cm²/g: NIST, XCOM. Rayleigh scattering, which leaves nothing, is
# in these values and not in ours.
PHOTONS = {0.1: 0.2043, 0.2: 0.1205, 0.5: 0.07958, 1: 0.05762, 2: 0.04074, 5: 0.02802, 10: 0.02451}


def at(value: float) -> np.ndarray:
    return np.array([float(value)])


@pytest.mark.parametrize(("energy", "expected"), MUONS.items())
def test_muon_ranges_are_those_of_the_tables(energy: float, expected: float) -> None:
    table = argon.range_table(argon.MUON_MASS)
    found = float(table.range_of(at(energy))[0]) * argon.DENSITY
    assert found == pytest.approx(expected, rel=0.012)


@pytest.mark.parametrize("energy", [100, 200, 300])
def test_proton_ranges_are_those_of_pstar(energy: float) -> None:
    """PSTAR's for argon as the experiments use them: T = 29.9317 R^0.586304 (MeV, cm; LArSoft)."""
    found = float(argon.range_table(argon.PROTON_MASS).range_of(at(energy))[0])
    assert found == pytest.approx((energy / 29.9317) ** (1 / 0.586304), rel=0.02)


def test_least_loss_is_where_the_tables_have_it() -> None:
    table = argon.range_table(argon.MUON_MASS)
    assert table.loss.min() / argon.DENSITY == pytest.approx(1.508, rel=0.003)
    assert table.energy[table.loss.argmin()] == pytest.approx(266, rel=0.03)


def test_ranges_and_energies_are_each_others_inverse() -> None:
    for mass in (argon.ELECTRON_MASS, argon.MUON_MASS, argon.PROTON_MASS):
        table = argon.range_table(mass)
        energy = np.geomspace(0.05, 900, 40)
        assert table.energy_of(table.range_of(energy)) == pytest.approx(energy, rel=1e-6)


def test_electrons_lose_what_estar_says() -> None:
    """Collision loss in argon, MeV cm²/g (NIST, ESTAR): 1.376 at 1 MeV."""
    table = argon.range_table(argon.ELECTRON_MASS)
    assert table.loss_at(at(1.0))[0] / argon.DENSITY == pytest.approx(1.376, rel=0.02)


def test_electrons_radiate_as_much_as_they_collide_at_the_critical_energy() -> None:
    """Rossi's definition: the loss to collisions is E/X0 at the critical energy."""
    table = argon.range_table(argon.ELECTRON_MASS)
    collisions = float(table.loss_at(at(argon.CRITICAL_ENERGY))[0])
    assert collisions * argon.RADIATION_LENGTH == pytest.approx(argon.CRITICAL_ENERGY, rel=0.05)


def test_radiation_takes_all_the_energy_in_a_radiation_length() -> None:
    """Photons of every energy together: E/X0, up to the 1.4 % of the formula's constant."""
    energy = np.array([10.0, 100.0, 1000.0])
    assert argon.soft_radiation(energy, 1e4) == pytest.approx(energy, rel=0.015)


@pytest.mark.parametrize(("energy", "expected"), PHOTONS.items())
def test_photons_are_attenuated_as_in_xcom(energy: float, expected: float) -> None:
    rates = (argon.pair_rate, argon.compton_rate, argon.photoelectric_rate)
    found = sum(float(rate(at(energy))[0]) for rate in rates) / argon.DENSITY
    assert found == pytest.approx(expected, rel=0.10)


def test_photons_of_high_energy_reach_9_7_of_a_radiation_length() -> None:
    assert 1 / argon.pair_rate(at(1000.0))[0] == pytest.approx(9 / 7 * 14.0)


def test_recombination_is_the_modified_box() -> None:
    """ArgoNeuT, JINST 8 (2013) P08005, at 0.5 kV/cm: 70 % of a minimum ionising track is kept."""
    kept = argon.survival(np.array([2.1, 10.0, 30.0]))
    assert kept[0] == pytest.approx(0.705, abs=0.01)
    assert kept[1] == pytest.approx(0.454, abs=0.01)
    assert kept[2] < 0.27
    assert argon.survival(np.array([0.1])) == argon.survival(np.array([1.7]))
    charge = np.array([2.1, 10.0]) * kept[:2]
    assert charge[1] / charge[0] == pytest.approx(3.06, abs=0.05)  # instead of 4.8 without
