"""The shipped table: is the mass in the images, and nowhere else?"""

import numpy as np
import polars as pl
import pytest
from fivesigma_datasets.jets.kinematics import Floats
from fivesigma_datasets.shuffling import auc
from fivesigma_datasets.topmass.features import NAMES
from fivesigma_datasets.topmass.layout import Form, Pictures
from fivesigma_datasets.topmass.settings import MASS_RANGE, MAX_ETA, PT_RANGE
from scipy.stats import ks_2samp, kstest
from sklearn.ensemble import HistGradientBoostingRegressor

LOW, HIGH = MASS_RANGE
INSIDE = [f"{what}_{radius}" for what in ("pt", "mass") for radius in (0.2, 0.4, 0.6, 0.8)]


def relative_mae(
    seen: Floats, target: pl.Series, other: Floats, truth: pl.Series, trees: int = 100
) -> float:
    """Test error of a boosted tree over that of the best constant."""
    model = HistGradientBoostingRegressor(
        loss="absolute_error", max_iter=trees, learning_rate=0.1, max_leaf_nodes=15, random_state=0
    )
    predicted = model.fit(seen, target.to_numpy()).predict(other)
    best = np.abs(truth.to_numpy() - (LOW + HIGH) / 2).mean()
    return float(np.abs(predicted - truth.to_numpy()).mean() / best)


def test_target_is_flat_from_85_to_500_after_acceptance(
    train: pl.DataFrame, test_jets: pl.DataFrame
) -> None:
    for mass in (train["mass"], *(part["mass"] for part in test_jets.partition_by("usage"))):
        assert LOW <= float(mass.min()) < LOW + 1
        assert HIGH - 1 < float(mass.max()) <= HIGH
        assert kstest(mass.to_numpy(), "uniform", (LOW, HIGH - LOW)).pvalue > 1e-3


def test_target_has_no_comb_and_no_repeated_value(
    train: pl.DataFrame, test_jets: pl.DataFrame
) -> None:
    mass = np.sort(np.concatenate([train["mass"], test_jets["mass"]]))
    assert (np.diff(mass) > 0).all()
    for tooth in (0.1, 0.5, 1.0, 5.0, 10.0):
        assert kstest(mass % tooth, "uniform", (0, tooth)).pvalue > 1e-3
    gaps = np.diff(mass) * len(mass) / (HIGH - LOW)  # of a comb, all alike; here exponential
    assert gaps.std() == pytest.approx(1.0, abs=0.05)


def test_pt_is_independent_of_mass(train: pl.DataFrame, test_jets: pl.DataFrame) -> None:
    jets = pl.concat([train, test_jets.select(train.columns)])
    assert abs(np.corrcoef(jets["pt"], jets["mass"])[0, 1]) < 0.04
    light = jets.filter(pl.col("mass") < 190)["pt"].to_numpy()
    heavy = jets.filter(pl.col("mass") > 395)["pt"].to_numpy()
    assert ks_2samp(light, heavy).statistic < 0.06


def test_columns_without_the_image_are_no_better_than_a_constant(
    train: pl.DataFrame, test_jets: pl.DataFrame, image_sum: Floats, inputs: tuple[Floats, Floats]
) -> None:
    for names in (["pt", "ieta", "iphi"], ["pt"], ["id"]):
        tables = [table.select(names).to_numpy() for table in (train, test_jets)]
        assert relative_mae(tables[0], train["mass"], tables[1], test_jets["mass"]) >= 0.97
    layers = [NAMES.index(f"pt_{layer}") for layer in ("tracks", "ecal", "hcal")]
    sums = [columns[:, layers].sum(axis=1, keepdims=True) for columns in inputs]
    assert relative_mae(sums[0], train["mass"], sums[1], test_jets["mass"]) >= 0.97


def test_a_file_drawn_from_the_prior_is_worse_than_a_constant(
    train: pl.DataFrame, test_jets: pl.DataFrame
) -> None:
    truth = test_jets["mass"].to_numpy()
    drawn = np.random.default_rng(1).choice(train["mass"].to_numpy(), len(truth))
    assert np.abs(drawn - truth).mean() > 1.2 * np.abs(292.5 - truth).mean()


def test_mass_and_substructure_in_the_window_reach_six_tenths_of_a_constant(
    train: pl.DataFrame, test_jets: pl.DataFrame, inputs: tuple[Floats, Floats]
) -> None:
    """0.60 ± 0.04 in the whole window; what is within 0.8 of the axis is worth less."""
    whole = relative_mae(inputs[0], train["mass"], inputs[1], test_jets["mass"])
    assert whole == pytest.approx(0.60, abs=0.04)
    near = [NAMES.index(name) for name in INSIDE]
    inner = relative_mae(inputs[0][:, near], train["mass"], inputs[1][:, near], test_jets["mass"])
    assert whole + 0.04 < inner < 0.78


def test_image_sum_follows_jet_pt(test_jets: pl.DataFrame, image_sum: Floats) -> None:
    assert np.corrcoef(image_sum, test_jets["pt"])[0, 1] > 0.9


def test_images_are_the_same_all_around_phi(test_jets: pl.DataFrame, image_sum: Floats) -> None:
    """A window that stops at pi would lose half of the jets there."""
    ratio = image_sum / test_jets["pt"].to_numpy()
    at_pi = test_jets["iphi"].is_in([0, 1, 2, 69, 70, 71]).to_numpy()
    assert at_pi.sum() > 500
    assert ratio[at_pi].mean() == pytest.approx(ratio[~at_pi].mean(), rel=0.02)
    assert test_jets["iphi"].min() == 0
    assert test_jets["iphi"].max() == 71
    assert kstest(test_jets["iphi"].to_numpy() + 0.5, "uniform", (0, 72)).pvalue > 1e-3


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_mean_occupancy_has_no_moire(test_images: tuple[Pictures, Form], channel: int) -> None:
    lit = test_images[0][:, channel] > 0
    occupancy = lit.mean(axis=0)
    band = np.concatenate([occupancy[:6].ravel(), occupancy[-6:].ravel()])  # far from the jet: flat
    assert band.std() < 1.3 * np.sqrt(band.mean() / len(lit))
    for half in (occupancy, occupancy.T):
        assert half[::2].sum() / half[1::2].sum() == pytest.approx(1.0, abs=0.02)


def test_the_check_on_moire_sees_one() -> None:
    """125 cells on 64 pixels: every pixel but a few has two cells, and those few are darker."""
    cells = np.random.default_rng(1).poisson(0.02, (4000, 125, 12))
    pixel = np.arange(125) * 64 // 125
    counts = np.zeros((4000, 64, 12))
    np.add.at(counts, (slice(None), pixel), cells)
    occupancy = (counts > 0).mean(axis=0)
    assert occupancy.std() > 1.3 * np.sqrt(occupancy.mean() / 4000)


def test_ids_and_row_numbers_tell_nothing(train: pl.DataFrame, test_jets: pl.DataFrame) -> None:
    for table in (train, test_jets):
        heavy = (table["mass"] > 292.5).to_numpy()
        for order in (table["id"].to_numpy(), np.arange(len(table))):
            assert abs(auc(order, heavy) - 0.5) <= 0.02
            assert abs(np.corrcoef(order, table["mass"])[0, 1]) < 0.04
    private = (test_jets["usage"] == "private").to_numpy()
    assert abs(auc(test_jets["id"].to_numpy(), private) - 0.5) <= 0.02
    assert not set(train["id"]) & set(test_jets["id"])


def test_both_jets_of_an_event_are_in_one_split(test_jets: pl.DataFrame) -> None:
    by_event = test_jets.group_by("group").agg(pl.len(), pl.col("usage").n_unique())
    assert int(by_event["len"].max()) == 2
    assert (by_event["len"] == 2).mean() > 0.3
    assert (by_event["usage"] == 1).all()


def test_splits_look_alike(train: pl.DataFrame, test_jets: pl.DataFrame) -> None:
    parts = [train, *test_jets.partition_by("usage")]
    for name in ("pt", "mass", "ieta"):
        for part in parts[1:]:
            assert ks_2samp(train[name].to_numpy(), part[name].to_numpy()).pvalue > 1e-3


def test_jets_are_within_the_acceptance(train: pl.DataFrame) -> None:
    assert train["pt"].is_between(*PT_RANGE).all()
    assert train["ieta"].abs().max() <= np.ceil(MAX_ETA / 0.0873)
    assert len(train.columns) == 5


def test_images_are_sparse_whole_steps_with_something_in_every_channel(
    test_images: tuple[Pictures, Form],
) -> None:
    images, form = test_images
    assert images.shape[1:] == (3, 64, 64)
    assert images.dtype == np.uint16
    assert (form.step, form.channels) == (0.25, ("tracks", "ecal", "hcal"))
    assert form.width == pytest.approx(2 * 2 * np.pi / 360)
    assert (images > 0).mean() < 0.02
    assert ((images > 0).any(axis=(2, 3)).mean(axis=0) > 0.98).all()
