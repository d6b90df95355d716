"""Calorimeter cells."""

import numpy as np
import pytest
from fivesigma_datasets.jets import cells
from fivesigma_datasets.jets.cells import CELL, TOWER, numbers, pointed_at, summed

ONE = np.array([1.0])


def test_a_cell_is_a_crystal_of_the_barrel_and_a_tower_five_of_them() -> None:
    assert pytest.approx(0.0174, abs=1e-4) == CELL
    assert pytest.approx(0.0873, abs=1e-4) == CELL * TOWER


def test_energies_of_one_cell_are_summed_and_events_kept_apart() -> None:
    event = np.array([0, 0, 0, 1])
    eta = np.array([0.5, 0.501, -0.5, 0.5]) * CELL
    phi = np.array([0.1, 0.2, 0.1, 0.1]) * CELL
    found = summed(event, eta, phi, np.array([1.0, 2.0, 4.0, 8.0]), side=1)
    assert found.event.tolist() == [0, 0, 1]
    assert found.ieta.tolist() == [-1, 0, 0]
    assert found.energy.tolist() == [4.0, 3.0, 8.0]


@pytest.mark.parametrize("side", [1, TOWER])
def test_phi_wraps_and_the_centre_of_a_cell_is_in_it(side: int) -> None:
    for phi in (np.pi - 1e-9, -np.pi, np.pi, 0.3):
        ieta, iphi = numbers(np.array([-1.2]), np.array([phi]), side)
        assert 0 <= iphi[0] < 360 // side
        found = summed(np.array([0]), np.array([-1.2]), np.array([phi]), ONE, side)
        again = numbers(found.eta, found.phi, side)
        assert (again[0][0], again[1][0]) == (ieta[0], iphi[0])
    assert numbers(ONE, np.array([np.pi]))[1] == numbers(ONE, np.array([-np.pi]))[1]


def test_tracks_find_the_cell_they_point_at() -> None:
    lit = summed(np.array([0, 3]), np.array([0.3, 0.3]), np.array([1.0, 1.0]), np.ones(2), 1)
    rows = pointed_at(lit, np.array([3, 0, 3, 1]), np.full(4, 0.3), np.array([1, 1, -1, 1.0]))
    assert rows.tolist() == [1, 0, -1, -1]
    nothing = cells.above(lit, 5.0)
    assert pointed_at(nothing, np.array([0]), ONE, ONE).tolist() == [-1]


def test_smearing_keeps_mean_and_width_and_never_goes_below_zero() -> None:
    n = 40_000
    true = summed(np.arange(n), np.zeros(n), np.zeros(n), np.full(n, 10.0), 1)
    seen = cells.smeared(true, np.full(n, 4.0), np.random.default_rng(1)).energy
    assert seen.min() > 0
    assert seen.mean() == pytest.approx(10.0, abs=5 * 4.0 / n**0.5)
    assert seen.std() == pytest.approx(4.0, rel=0.05)
