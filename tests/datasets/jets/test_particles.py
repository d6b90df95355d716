"""Which particles reach the detector, and with which charge."""

import awkward as ak
import numpy as np
import pytest
from fivesigma_datasets import pythia
from fivesigma_datasets.jets.particles import ACCEPTANCE, NEGATIVE, POSITIVE, Particles, visible

LONG_LIVED = ("ParticleDecays:limitTau0 = on", "ParticleDecays:tau0Max = 10.")


def charges(*pdg: int) -> list[int]:
    n = len(pdg)
    return Particles(np.zeros(n, int), np.array(pdg), np.zeros((n, 4)), 1).charge.tolist()


def test_charges_are_those_of_the_generator_for_all_that_flies_ten_millimetres() -> None:
    data = pythia.started(("ProcessLevel:all = off", *LONG_LIVED), 1).particleData
    flying = [11, 13, *(pdg for pdg in range(100, 4000) if data.isHadron(pdg))]
    flying = [
        pdg
        for pdg in flying
        if data.chargeType(pdg) and (not data.canDecay(pdg) or data.tau0(pdg) > 10.0)
    ]
    assert {abs(pdg) for pdg in flying} == {*POSITIVE, *NEGATIVE}
    assert charges(*flying) == [data.chargeType(pdg) // 3 for pdg in flying]
    assert charges(*(-pdg for pdg in flying)) == [-data.chargeType(pdg) // 3 for pdg in flying]
    assert charges(22, 130, 310, 2112, -3122) == [0] * 5


@pytest.fixture
def batch() -> ak.Record:
    """Two events: a pion, a neutrino, something decayed; something along the beam, a photon."""
    rows = [
        [(211, 91, 3.0, 0.0, 1.0), (12, 91, 5.0, 0.0, 0.0), (24, -22, 9.0, 0.0, 0.0)],
        [],
        [(2212, 63, 0.1, 0.0, 900.0), (22, 91, 0.0, 2.0, -1.0)],
    ]
    names = ("id", "status", "px", "py", "pz")
    flat = ak.Array([[dict(zip(names, row, strict=True)) for row in event] for event in rows])
    energy = np.sqrt(flat.px**2 + flat.py**2 + flat.pz**2)
    p = ak.zip({"px": flat.px, "py": flat.py, "pz": flat.pz, "e": energy})
    return ak.Record({"prt": ak.zip({"id": flat.id, "status": flat.status, "p": p}, depth_limit=2)})


def test_final_visible_particles_inside_the_calorimeters_are_kept(batch: ak.Record) -> None:
    seen = visible(batch)
    assert seen.n_events == 3
    assert seen.event.tolist() == [0, 2]
    assert seen.pdg.tolist() == [211, 22]
    assert seen.p4[0].tolist() == pytest.approx([3.0, 0.0, 1.0, np.sqrt(10.0)])
    assert ACCEPTANCE == 3.0
