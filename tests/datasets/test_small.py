"""The shipped HiggsML table: rules of any generated table, and likeness to real rows."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_datasets import DataError, prepare
from fivesigma_datasets.higgsml import prepare as higgsml
from fivesigma_datasets.higgsml.features import (
    FEATURES,
    NEEDS_ONE_JET,
    NEEDS_TWO_JETS,
    UNDEFINED,
)
from fivesigma_datasets.higgsml.processes import COMMON, PROCESSES
from fivesigma_datasets.higgsml.simulate import (
    Task,
    chunk_size,
    generate_chunk,
    rows_of,
    settings,
)
from fivesigma_datasets.higgsml.split import BACKGROUND_TOTAL, SIGNAL_TOTAL
from fivesigma_datasets.shuffling import auc

WINDOW = pl.col("DER_mass_MMC").is_between(100.0, 150.0, closed="none")


def weights(table: pl.DataFrame, label: str) -> np.ndarray:
    return table.filter(pl.col("Label") == label)["Weight"].to_numpy()


def ams(table: pl.DataFrame) -> float:
    """AMS of the mass window, both classes scaled to their totals."""
    share = {
        label: part.filter(WINDOW)["Weight"].sum() / part["Weight"].sum()
        for (label,), part in table.group_by("Label")
    }
    s, b = share["s"] * SIGNAL_TOTAL, share["b"] * BACKGROUND_TOTAL + 10.0
    return float(np.sqrt(2 * ((s + b) * np.log1p(s / b) - s)))


def weighted_median(table: pl.DataFrame, name: str) -> float:
    ordered = table.filter(pl.col(name) != UNDEFINED).sort(name)
    total = ordered["Weight"].cum_sum().to_numpy()
    return float(ordered[name][int(np.searchsorted(total, total[-1] / 2))])


def test_table_is_big_enough_and_split_in_the_official_proportions(
    small_table: pl.DataFrame,
) -> None:
    counts = dict(small_table.group_by("usage").len().rows())
    assert counts["public"] + counts["private"] >= 100_000
    assert counts["train"] >= 45_000
    assert counts["private"] / counts["public"] == pytest.approx(4.5, rel=0.002)
    assert counts["train"] / counts["public"] == pytest.approx(2.5, rel=0.002)


def test_manifest_counts_and_checksums_fit(small_folder: Path, small_table: pl.DataFrame) -> None:
    manifest = json.loads((small_folder / "manifest.json").read_text())
    assert manifest["counts"] == dict(small_table.group_by("usage").len().sort("usage").rows())
    assert manifest["sha256"].keys() == {"train.parquet", "test.parquet", "solution.parquet"}
    assert manifest["settings"]["common"] == list(COMMON)
    assert manifest["settings"] == json.loads(json.dumps(settings()))


def test_a_damaged_shipped_table_is_refused(
    small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "small"
    broken.mkdir()
    shutil.copytree(higgsml.SMALL, broken, dirs_exist_ok=True)
    (broken / "events.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(higgsml, "SMALL", broken)
    with pytest.raises(DataError, match="reinstall"):
        prepare("higgsml", tmp_path / "out")


def test_every_split_has_the_official_totals(small_table: pl.DataFrame) -> None:
    for (usage,), part in small_table.group_by("usage"):
        assert weights(part, "s").sum() == pytest.approx(SIGNAL_TOTAL, rel=1e-9), usage
        assert weights(part, "b").sum() == pytest.approx(BACKGROUND_TOTAL, rel=1e-9), usage


def test_ids_and_rows_say_nothing_about_the_label(small_folder: Path) -> None:
    solution = pl.read_parquet(small_folder / "solution.parquet")
    test = pl.read_parquet(small_folder / "test.parquet")
    train = pl.read_parquet(small_folder / "train.parquet")
    assert test["EventId"].to_list() == solution["EventId"].to_list()
    for ids, label in ((test["EventId"], solution["label"]), (train["EventId"], train["Label"])):
        signal = (label == "s").to_numpy()
        for order in (ids.to_numpy(), np.arange(len(ids))):
            assert abs(auc(order, signal) - 0.5) <= 0.02
    public = (solution["usage"] == "public").to_numpy()
    assert abs(auc(solution["EventId"].to_numpy(), public) - 0.5) <= 0.02


def test_published_tables_do_not_hold_the_truth(small_folder: Path) -> None:
    test = pl.read_parquet(small_folder / "test.parquet")
    train = pl.read_parquet(small_folder / "train.parquet")
    assert test.columns == ["EventId", *FEATURES]
    assert train.columns == ["EventId", *FEATURES, "Weight", "Label"]
    assert not set(test["EventId"]) & set(train["EventId"])
    assert test["EventId"].n_unique() == len(test)


def test_undefined_pattern(small_table: pl.DataFrame) -> None:
    assert small_table["PRI_jet_num"].is_between(0, 3).all()
    for names, least in ((NEEDS_ONE_JET, 1), (NEEDS_TWO_JETS, 2)):
        for name in names:
            undefined = small_table[name] == UNDEFINED
            assert (undefined == (small_table["PRI_jet_num"] < least)).all()
    maybe = ("DER_mass_MMC", *NEEDS_ONE_JET, *NEEDS_TWO_JETS)
    rest = small_table.select(set(FEATURES) - set(maybe))
    assert min(rest.min().row(0)) > UNDEFINED
    values = small_table.select(FEATURES)
    assert values.select(pl.all_horizontal(pl.all().is_finite().all())).item()


def test_background_weights_are_even_enough(small_table: pl.DataFrame) -> None:
    for _, part in small_table.group_by("usage"):  # each is normalised by itself
        background = weights(part, "b")
        assert background.max() / np.median(background) <= 6
        assert background.sum() ** 2 / (background**2).sum() / len(background) >= 0.6


def test_missing_fractions_are_those_of_real_events(
    small_table: pl.DataFrame, real_table: pl.DataFrame
) -> None:
    for label in ("s", "b"):
        for name, points in (
            ("DER_mass_MMC", 0.05),
            ("PRI_jet_leading_pt", 0.10),
            ("PRI_jet_subleading_pt", 0.08),
        ):
            ours, theirs = (
                float(part.filter(pl.col(name) == UNDEFINED)["Weight"].sum() / part["Weight"].sum())
                for part in (
                    table.filter(pl.col("Label") == label) for table in (small_table, real_table)
                )
            )
            assert abs(ours - theirs) <= points, (label, name, ours, theirs)
    overall = (small_table["DER_mass_MMC"] == UNDEFINED).to_numpy().mean()
    assert abs(overall - 0.15) <= 0.05


# How far weighted medians may be from those of the real rows, relative to them.
MEDIANS = {
    "b": {
        "DER_mass_MMC": 0.10,
        "DER_mass_transverse_met_lep": 0.06,
        "DER_mass_vis": 0.05,
        "DER_deltar_tau_lep": 0.08,
        "DER_sum_pt": 0.08,
        "DER_pt_ratio_lep_tau": 0.08,
        "PRI_tau_pt": 0.06,
        "PRI_lep_pt": 0.06,
        "PRI_met": 0.08,
        "PRI_met_sumet": 0.10,
        "PRI_jet_leading_pt": 0.12,
    },
    "s": {
        "DER_mass_MMC": 0.05,
        "DER_mass_transverse_met_lep": 0.13,
        "DER_mass_vis": 0.05,
        "DER_pt_h": 0.10,
        "DER_deltar_tau_lep": 0.05,
        "DER_sum_pt": 0.12,
        "DER_pt_ratio_lep_tau": 0.08,
        "PRI_tau_pt": 0.06,
        "PRI_lep_pt": 0.06,
        "PRI_met": 0.12,
        "PRI_met_sumet": 0.10,
        "PRI_jet_leading_pt": 0.20,
    },
}


@pytest.mark.parametrize("label", ["s", "b"])
def test_medians_are_those_of_real_events(
    small_table: pl.DataFrame, real_table: pl.DataFrame, label: str
) -> None:
    ours, theirs = (table.filter(pl.col("Label") == label) for table in (small_table, real_table))
    for name, tolerance in MEDIANS[label].items():
        ratio = weighted_median(ours, name) / weighted_median(theirs, name)
        assert abs(ratio - 1) <= tolerance, (name, ratio)


def test_mass_window_is_as_hard_as_in_2014(small_table: pl.DataFrame) -> None:
    assert ams(small_table) == pytest.approx(1.54, abs=0.15)


def test_no_constant_and_no_single_feature_decides(small_table: pl.DataFrame) -> None:
    signal = (small_table["Label"] == "s").to_numpy()
    for name in FEATURES:
        value = auc(small_table[name].to_numpy(), signal)
        assert max(value, 1 - value) < 0.80, name


def test_shipped_rows_come_from_the_seed_in_the_manifest(
    small_folder: Path, small_table: pl.DataFrame
) -> None:
    manifest = json.loads((small_folder / "manifest.json").read_text())
    vbf = next(process for process in PROCESSES if process.name == "VBF")
    size = chunk_size(rows_of(vbf, manifest["events"]))
    chunk = generate_chunk(Task(vbf, 0, manifest["seed"], size))
    features = {name: chunk[name] for name in ("PRI_lep_pt", "DER_mass_vis")}
    again = pl.DataFrame(features).cast(pl.Float32)
    assert len(again) > 150
    assert len(again.join(small_table, on=again.columns, how="semi")) == len(again)
