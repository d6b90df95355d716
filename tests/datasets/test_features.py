"""The formulas against rows of the 2014 table."""

import numpy as np
import polars as pl
import pytest
from fivesigma_datasets.higgsml.features import (
    DERIVED,
    FEATURES,
    NEEDS_ONE_JET,
    NEEDS_TWO_JETS,
    Reconstructed,
    features,
)
from fivesigma_datasets.higgsml.missing_mass import missing_mass

# Published values have three decimals, so a product of large factors differs a little. The dijet
# mass has jets of their own mass, which is not published.
TOLERANCE = {
    "DER_mass_transverse_met_lep": 0.2,
    "DER_mass_vis": 0.2,
    "DER_pt_h": 0.1,
    "DER_pt_tot": 0.25,
    "DER_prodeta_jet_jet": 0.005,
    "DER_deltar_tau_lep": 0.0025,
    "DER_sum_pt": 0.01,
    "DER_pt_ratio_lep_tau": 0.0015,
    "DER_lep_eta_centrality": 0.004,
    "DER_deltaeta_jet_jet": 0.0015,
    "DER_mass_MMC": 1e-9,
}


def objects(table: pl.DataFrame, mass: float = 0.0) -> Reconstructed:
    def momentum(prefix: str) -> np.ndarray:
        names = [f"{prefix}_{axis}" for axis in ("pt", "eta", "phi")]
        values = table.select(names).to_numpy().astype(float)
        values[values == -999.0] = 0.0
        return np.column_stack([values, np.full(len(table), mass)])

    number = table["PRI_jet_num"].to_numpy()
    first, second = momentum("PRI_jet_leading"), momentum("PRI_jet_subleading")
    third = np.zeros_like(first)
    total = table["PRI_jet_all_pt"].to_numpy()
    third[number == 3, 0] = (total - first[:, 0] - second[:, 0])[number == 3]
    met, phi = table["PRI_met"].to_numpy(), table["PRI_met_phi"].to_numpy()
    mmc = table["DER_mass_MMC"].to_numpy().astype(float)
    return Reconstructed(
        tau=momentum("PRI_tau"),
        lep=momentum("PRI_lep"),
        jets=np.stack([first, second, third], axis=1),
        met=np.column_stack([met * np.cos(phi), met * np.sin(phi)]),
        sum_et=table["PRI_met_sumet"].to_numpy(),
        mmc=np.where(mmc == -999.0, np.nan, mmc),
    )


@pytest.mark.parametrize("name", sorted(TOLERANCE))
def test_derived_features_of_real_rows_follow_from_the_primitive_ones(
    real_table: pl.DataFrame, name: str
) -> None:
    ours = features(objects(real_table))[name]
    assert np.abs(ours - real_table[name].to_numpy()).max() < TOLERANCE[name]


def test_two_derived_features_need_a_looser_look(real_table: pl.DataFrame) -> None:
    ours = features(objects(real_table))
    centrality = ours["DER_met_phi_centrality"] - real_table["DER_met_phi_centrality"].to_numpy()
    assert np.quantile(np.abs(centrality), 0.99) < 0.01
    pairs = real_table["PRI_jet_num"].to_numpy() >= 2
    ratio = ours["DER_mass_jet_jet"][pairs] / real_table["DER_mass_jet_jet"].to_numpy()[pairs]
    assert 0.95 < np.median(ratio) <= 1.0
    assert set(TOLERANCE) | {"DER_met_phi_centrality", "DER_mass_jet_jet"} == set(DERIVED)


def test_columns_have_the_published_names_and_order(real_table: pl.DataFrame) -> None:
    assert list(features(objects(real_table.head(3)))) == real_table.columns[1:31]
    assert real_table.columns[1:31] == list(FEATURES)


def test_undefined_values_follow_the_number_of_jets(real_table: pl.DataFrame) -> None:
    ours = features(objects(real_table))
    number = real_table["PRI_jet_num"].to_numpy()
    for names, least in ((NEEDS_ONE_JET, 1), (NEEDS_TWO_JETS, 2)):
        for name in names:
            assert np.array_equal(ours[name] == -999.0, number < least)
    assert np.array_equal(ours["PRI_jet_num"], number)


def tau_pair(met_x: float, met_y: float) -> float:
    """Back-to-back tau products at 45 and 40 GeV along the x axis."""
    tau = np.array([[40.0, 0.2, np.pi, 0.0]])
    lep = np.array([[45.0, -0.1, 0.0, 0.0]])
    return float(missing_mass(tau, lep, np.array([[met_x, met_y]]), np.array([10.0]))[0])


def test_missing_mass_grows_with_the_missing_momentum_along_a_tau() -> None:
    assert 85.0 < tau_pair(0.0, 0.0) < tau_pair(60.0, 0.0) < 300.0


def test_missing_mass_is_undefined_where_no_neutrino_can_have_gone() -> None:
    assert np.isnan(tau_pair(0.0, 60.0))
