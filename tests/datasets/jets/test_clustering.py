"""Jets, constituents and substructure of a few momenta."""

import numpy as np
import pytest
from fivesigma_datasets.jets.clustering import (
    Jets,
    anti_kt,
    constituents,
    n_subjettiness,
    soft_drop,
)
from fivesigma_datasets.jets.kinematics import Floats, Integers, mass, momenta, transverse


@pytest.fixture
def event_and_p4() -> tuple[Integers, Floats]:
    """Event 0: two prongs 0.6 apart with a soft wide particle, and a jet across phi = pi."""
    pt = np.array([300.0, 200.0, 5.0, 100.0, 90.0, 400.0])
    eta = np.array([0.3, -0.3, 0.9, 1.0, 1.0, 0.0])
    phi = np.array([0.0, 0.0, 0.0, 3.1, -3.1, 1.0])
    return np.array([0, 0, 0, 0, 0, 2]), momenta(pt, eta, phi)


@pytest.fixture
def jets(event_and_p4: tuple[Integers, Floats]) -> Jets:
    return anti_kt(*event_and_p4, 3, radius=1.0, min_pt=50.0)


def test_jets_stand_by_event_and_pt(jets: Jets, event_and_p4: tuple[Integers, Floats]) -> None:
    p4 = event_and_p4[1]
    assert jets.event.tolist() == [0, 0, 2]
    assert jets.p4[0] == pytest.approx(p4[:3].sum(axis=0))
    assert jets.p4[1] == pytest.approx(p4[3:5].sum(axis=0))  # across phi = pi
    assert jets.p4[2] == pytest.approx(p4[5])
    assert [
        jets.member[a:b].tolist() for a, b in zip(jets.first, jets.first[1:], strict=False)
    ] == [
        [0, 1, 2],
        [3, 4],
        [5],
    ]


def test_a_smaller_radius_splits_and_a_threshold_drops(
    event_and_p4: tuple[Integers, Floats],
) -> None:
    found = anti_kt(*event_and_p4, 3, radius=0.4, min_pt=150.0)
    assert transverse(found.p4) == pytest.approx(
        [300.0, 200.0, transverse(event_and_p4[1][3:5].sum(axis=0)), 400.0]
    )


def test_constituents_are_hardest_first_with_energy_first(
    jets: Jets, event_and_p4: tuple[Integers, Floats]
) -> None:
    table = constituents(jets, event_and_p4[1], keep=2)
    assert table.shape == (3, 2, 4)
    assert table[0] == pytest.approx(event_and_p4[1][:2][:, [3, 0, 1, 2]])
    assert table[2, 1].tolist() == [0.0] * 4


def test_soft_drop_removes_the_soft_wide_particle_and_keeps_two_prongs(
    jets: Jets, event_and_p4: tuple[Integers, Floats]
) -> None:
    groomed = soft_drop(jets.take(np.array([0, 1])), event_and_p4[1])
    assert groomed[0] == pytest.approx(event_and_p4[1][:2].sum(axis=0))
    assert mass(groomed)[0] < mass(jets.p4)[0]
    assert groomed[1] == pytest.approx(event_and_p4[1][3:5].sum(axis=0))


def test_subjettiness_counts_prongs(jets: Jets, event_and_p4: tuple[Integers, Floats]) -> None:
    tau = n_subjettiness(jets, event_and_p4[1], radius=1.0)
    assert tau.shape == (3, 3)
    assert (np.diff(tau, axis=1) <= 1e-12).all()
    assert tau[0, 1] < 0.1 * tau[0, 0]  # two prongs: a second axis explains nearly everything
    assert tau[2] == pytest.approx(0.0, abs=1e-9)


def test_jets_can_be_taken_by_mask_and_index(jets: Jets) -> None:
    for rows in (np.array([True, False, True]), np.array([0, 2])):
        taken = jets.take(rows)
        assert taken.event.tolist() == [0, 2]
        assert taken.first.tolist() == [0, 3, 4]
        assert taken.member.tolist() == [0, 1, 2, 5]


def test_no_particles_no_jets() -> None:
    none = anti_kt(np.zeros(0, dtype=np.int64), np.zeros((0, 4)), 2, radius=1.0, min_pt=1.0)
    assert len(none) == 0
    low = anti_kt(np.array([1]), momenta(*np.ones((3, 1))), 2, radius=1.0, min_pt=10.0)
    assert len(low) == 0
    assert constituents(low, momenta(*np.ones((3, 1))), 5).shape == (0, 5, 4)
