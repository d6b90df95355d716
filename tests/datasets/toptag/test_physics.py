"""The shipped jets are what the card says: masses, kinematics, images, and made from their seed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fivesigma_datasets.jets import clustering, kinematics
from fivesigma_datasets.toptag import shifts
from fivesigma_datasets.toptag.events import STEP, make
from fivesigma_datasets.toptag.processes import MASS_RANGE, MAX_ETA, PT_RANGE, RADIUS, TOP
from fivesigma_datasets.toptag.reference import NAMES, features_of
from fivesigma_datasets.toptag.simulate import planned

Array = np.ndarray[Any, Any]
Jets = Any  # as the fixtures give it


def clustered(jets: Jets) -> tuple[clustering.Jets, Array]:
    """The constituents as FastJet's jets, and their momenta."""
    owner, column = np.nonzero(jets.constituents[..., 0] > 0)
    p4 = jets.constituents[owner, column][:, [1, 2, 3, 0]].astype(np.float64)
    n = len(jets.constituents)
    first = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n))])
    total = kinematics.sums(owner, p4, n)
    return clustering.Jets(np.arange(n), total, first, np.arange(len(p4))), p4


def soft_drop_masses(jets: Jets) -> Array:
    return kinematics.mass(clustering.soft_drop(*clustered(jets)))


@pytest.fixture(scope="module")
def groomed(train: Jets, test: Jets) -> dict[bool, Array]:
    """Soft-drop masses in GeV, of tops and of QCD jets."""
    masses = np.concatenate([soft_drop_masses(jets) for jets in (train, test)])
    signal = np.concatenate([train.signal, test.signal])
    return {kind: masses[signal == kind] for kind in (True, False)}


def test_soft_drop_masses_of_tops_peak_at_the_top_and_at_the_w(groomed: dict[bool, Array]) -> None:
    counts, edges = np.histogram(groomed[True], np.arange(0, 210, 5))
    assert 160 <= edges[counts.argmax()] < 175
    w_peak = counts[15:17].mean()  # 75 to 85 GeV: the b quark is groomed away
    assert w_peak > 2 * counts[12:15].mean()
    assert w_peak > 1.15 * counts[17:20].mean()


def test_soft_drop_masses_of_qcd_jets_have_no_such_peaks(groomed: dict[bool, Array]) -> None:
    counts = {kind: np.histogram(groomed[kind], np.arange(0, 210, 5))[0] for kind in groomed}
    assert counts[True][32:36].sum() > 1.7 * counts[False][32:36].sum()
    assert counts[False][15:17].mean() < counts[False][17:20].mean()
    assert np.median(groomed[False]) < np.median(groomed[True]) - 5


def test_two_of_three_subjets_of_a_top_are_a_w(train: Jets) -> None:
    lightest = features_of(train.constituents, train.table)[:, NAMES.index("mass of lightest pair")]
    edges = np.arange(0, 130, 10)
    tops, qcd = (np.histogram(lightest[rows], edges)[0] for rows in (train.signal, ~train.signal))
    assert edges[tops.argmax()] == 70
    assert tops[7] > 4 * qcd[7]
    assert edges[qcd.argmax()] < 50


def test_n_subjettiness_tells_three_prongs_from_fewer(train: Jets) -> None:
    jets, p4 = clustered(train)
    some = jets.take(np.arange(1500))
    tau = clustering.n_subjettiness(some, p4, radius=RADIUS)
    ratio = tau[:, 2] / tau[:, 1]
    signal = train.signal[:1500]
    assert np.median(ratio[signal]) < np.median(ratio[~signal]) - 0.15


def test_constituents_images_and_columns_are_of_one_jet(train: Jets, test: Jets) -> None:
    for jets in (train, test):
        _, p4 = found = clustered(jets)
        total = found[0].p4
        table = jets.table
        assert kinematics.transverse(total) == pytest.approx(table["pt"].to_numpy(), rel=1e-3)
        assert kinematics.pseudorapidity(total) == pytest.approx(table["eta"].to_numpy(), abs=1e-3)
        assert kinematics.mass(total) == pytest.approx(table["mass"].to_numpy(), abs=1.2)
        assert np.abs(kinematics.mass(total) - table["mass"].to_numpy()).mean() < 0.2
        assert (p4[:, 3] >= np.sqrt((p4[:, :3].astype(float) ** 2).sum(axis=1))).all()
        pt = np.hypot(jets.constituents[..., 1], jets.constituents[..., 2])
        assert (np.diff(pt, axis=1) <= 2e-3 * pt[:, :-1]).all()
        assert not jets.constituents[pt == 0].any()
        calorimeters = jets.images[:, 1:].sum(axis=(1, 2, 3), dtype=np.float64)
        assert np.median(calorimeters / table["pt"].to_numpy()) == pytest.approx(1, abs=0.12)
        assert ((jets.images / STEP) % 1 == 0).all()


def test_jets_are_in_the_ranges_of_the_card(train: Jets, test: Jets) -> None:
    for table in (train.table, test.table):
        assert table["pt"].is_between(*PT_RANGE).all()
        assert table["mass"].is_between(*MASS_RANGE).all()
        assert (table["eta"].abs() <= MAX_ETA).all()
        for name, (low, high) in (("pt", PT_RANGE), ("mass", MASS_RANGE)):
            assert table[name].min() < low + 1
            assert table[name].max() > high - 1


def test_the_tracks_are_in_the_middle_of_the_image(train: Jets) -> None:
    mean = train.images.mean(axis=0, dtype=np.float64)
    rows = np.arange(40) - 19.5
    for channel in mean:
        for axis in (0, 1):
            profile = channel.sum(axis=axis)
            assert abs((profile * rows).sum() / profile.sum()) < 1


def test_shipped_jets_come_from_the_seed_in_the_manifest(small_folder: Path, test: Jets) -> None:
    manifest = json.loads((small_folder / "manifest.json").read_text())
    seed = manifest["seed"]
    plan = next(
        plan
        for plan in planned(manifest["jets"], seed)
        if plan.task.process == TOP
        and plan.task.response == shifts.response_of("public", shifts.SMEARING, seed)
    )
    fresh = make(plan.task)
    table = test.table.filter(usage="public", variant=shifts.SMEARING, label="s")
    shipped = set(np.float32(table["mass"].to_numpy()).tolist())
    found = [value in shipped for value in fresh["mass"].astype(np.float32).tolist()]
    assert len(found) > 200
    assert np.mean(found) > 0.6
