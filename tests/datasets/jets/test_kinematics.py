"""Four-momenta, and ranges of rows made flat."""

import numpy as np
import pytest
from fivesigma_datasets.jets.kinematics import (
    azimuth,
    mass,
    momenta,
    padded,
    pairs,
    pseudorapidity,
    sums,
    transverse,
    wrapped,
)


def test_momenta_there_and_back() -> None:
    pt, eta, phi = np.array([1.0, 50.0, 600.0]), np.array([0.0, -2.4, 1.1]), np.array([0, 3.1, -3])
    p4 = momenta(pt, eta, phi, mass=np.array([0.0, 80.4, 172.5]))
    assert transverse(p4) == pytest.approx(pt)
    assert pseudorapidity(p4) == pytest.approx(eta)
    assert azimuth(p4) == pytest.approx(phi)
    assert mass(p4) == pytest.approx([0.0, 80.4, 172.5], abs=1e-3)


def test_momenta_along_the_beam_and_rounding_stay_finite() -> None:
    beam = np.array([[0.0, 0.0, 10.0, 10.0], [3.0, 4.0, 0.0, np.nextafter(5.0, 0)]])
    assert np.isfinite(pseudorapidity(beam)).all()
    assert mass(beam).tolist() == [0.0, 0.0]


def test_angles_wrap_at_pi() -> None:
    angle = np.array([0.0, np.pi - 0.1 + 0.2, -np.pi - 0.1, 7 * np.pi])
    assert wrapped(angle) == pytest.approx([0.0, -np.pi + 0.1, np.pi - 0.1, -np.pi])


def test_pairs_are_every_row_of_every_range() -> None:
    owner, row = pairs(np.array([0, 4, 4, 2]), np.array([2, 4, 6, 3]))
    assert owner.tolist() == [0, 0, 2, 2, 3]
    assert row.tolist() == [0, 1, 4, 5, 2]


def test_padding_keeps_order_and_leaves_out_what_is_over() -> None:
    table = padded(np.array([0, 0, 0, 2]), np.array([1.0, 2.0, 3.0, 4.0]), n=3, size=2)
    assert table.tolist() == [[1.0, 2.0], [0.0, 0.0], [4.0, 0.0]]


def test_sums_by_owner() -> None:
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    assert sums(np.array([2, 0, 2]), values, 3).tolist() == [[2.0, 20.0], [0.0, 0.0], [5.0, 50.0]]
