"""The rules of generated data, on the shipped jets: each test is named after a trap."""

import json
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from fivesigma_datasets.jets.detector import RESPONSE
from fivesigma_datasets.shuffling import auc
from fivesigma_datasets.toptag import events, shifts
from fivesigma_datasets.toptag.events import Task, make
from fivesigma_datasets.toptag.folder import to_csv
from fivesigma_datasets.toptag.processes import COMMON, PROCESSES, QCD, TOP
from fivesigma_scoring import Outcome
from sklearn.ensemble import HistGradientBoostingClassifier

RANKING = "auc"
SPLITS = ("public", "private")
Array = np.ndarray[Any, Any]
Jets = Any  # as the fixtures give it
Scored = Any


def one_sided(value: Array, positive: Array) -> float:
    """AUC of a variable or of its negative."""
    found = auc(value, positive)
    return max(found, 1 - found)


def test_ids_and_rows_say_nothing_about_the_label(train: Jets, test: Jets) -> None:
    for jets in (train, test):
        orders = [jets.table["id"].to_numpy(), np.arange(len(jets.table))]
        orders += [jets.table["event"].to_numpy()]
        for order in orders:
            assert one_sided(order, jets.signal) <= 0.52


def test_ids_and_rows_say_nothing_about_split_and_variant(test: Jets) -> None:
    ids = test.table["id"].to_numpy()
    public = (test.table["usage"] == "public").to_numpy()
    assert one_sided(ids, public) <= 0.52
    for variant in shifts.VARIANTS:
        assert one_sided(ids, (test.table["variant"] == variant).to_numpy()) <= 0.52


def test_pt_and_eta_alone_do_not_tell_the_classes(train: Jets, test: Jets) -> None:
    for jets in (train, test):
        for name in ("pt", "eta"):
            assert one_sided(jets.table[name].to_numpy(), jets.signal) <= 0.52, name
        assert one_sided(jets.table["eta"].abs().to_numpy(), jets.signal) <= 0.52
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=6, random_state=1)
    inputs = [jets.table.select("pt", "eta").to_numpy() for jets in (train, test)]
    model.fit(inputs[0], train.signal)
    assert auc(model.predict_proba(inputs[1])[:, 1], test.signal) <= 0.52


def test_pt_and_eta_do_not_tell_the_variants(test: Jets) -> None:
    for variant in shifts.VARIANTS:
        rows = (test.table["variant"] == variant).to_numpy()
        for name in ("pt", "eta"):
            assert one_sided(test.table[name].to_numpy(), rows) <= 0.53, (variant, name)


def test_no_published_file_names_a_variant_or_a_label_of_test_jets(small_folder: Path) -> None:
    settings = tomllib.loads((small_folder / "challenge.toml").read_text())
    published = {file["path"] for file in settings["files"].values()}
    assert not published & {"solution.parquet", "manifest.json"}
    assert pl.read_parquet(small_folder / "test.parquet").columns == ["id", "pt", "eta", "mass"]
    with h5py.File(small_folder / "test.h5") as file:
        assert set(file) == {"id", "constituents", "images"}
    sample = pl.read_csv(small_folder / "sample_submission.csv")
    assert sample.columns == ["id", "Class", "Score"]


def test_jets_of_one_event_are_never_divided(train: Jets, test: Jets) -> None:
    assert not set(train.table["event"]) & set(test.table["event"])
    places = test.table.group_by("event").agg(
        pl.len(), pl.col("usage", "variant", "label").n_unique()
    )
    assert (places.select("usage", "variant", "label") == 1).to_numpy().all()
    assert (places["len"] == 2).sum() > 100
    assert places["len"].max() == 2


def test_events_with_two_jets_are_not_neighbours(test: Jets) -> None:
    """Else the second jet of an event could be recognised by its row."""
    rows = test.table.with_row_index("row").group_by("event").agg(pl.col("row"))
    pairs = np.array(rows.filter(pl.col("row").list.len() == 2)["row"].to_list(), dtype=np.int64)
    apart = np.abs(np.diff(pairs, axis=1))
    assert np.median(apart) > len(test.table) / 6


def test_classes_are_balanced_everywhere(train: Jets, test: Jets) -> None:
    table = pl.concat([jets.table.select("usage", "variant", "label") for jets in (train, test)])
    counts = table.group_by("usage", "variant").agg((pl.col("label") == "s").mean())
    assert len(counts) == 7
    assert (counts["label"] == 0.5).all()


def variables(jets: Jets) -> dict[str, Array]:
    """What is published, and plain sums of it."""
    table = jets.table
    sums = jets.images.sum(axis=(2, 3), dtype=np.float64)
    lit = (jets.images > 0).sum(axis=(2, 3))
    pt = np.hypot(jets.constituents[..., 1], jets.constituents[..., 2])
    return {
        **{name: table[name].to_numpy() for name in ("pt", "eta", "mass")},
        "distance of the mass": (table["mass"] - 172.5).abs().to_numpy(),
        "constituents": (pt > 0).sum(axis=1),
        "hardest constituent": pt[:, 0],
        **{f"sum of channel {k}": sums[:, k] for k in range(3)},
        **{f"pixels of channel {k}": lit[:, k] for k in range(3)},
    }


def test_no_constant_and_no_single_variable_gets_half_way_to_the_quick_baseline(
    test: Jets, scored: Scored, references: list[Outcome]
) -> None:
    constant = {"id": test.table["id"], "Class": ["s"] * len(test.table)}
    chance = scored(to_csv(pl.DataFrame(constant).with_columns(Score=pl.lit(0.5))))
    for split in SPLITS:
        start, quick = (one.scores[split][RANKING].value for one in (chance, references[-1]))
        assert start == pytest.approx(0.5, abs=1e-9)
        rows = (test.table["usage"] == split).to_numpy()
        for name, value in variables(test).items():
            best = one_sided(value[rows], test.signal[rows])
            assert best < (start + quick) / 2, (split, name, best, quick)


def test_sigma_is_smaller_than_the_distance_between_baselines(
    references: list[Outcome],
) -> None:
    for split in SPLITS:
        found = [one.scores[split][RANKING] for one in references]
        for worse, better in pairwise(found):
            assert better.value - worse.value > 3 * max(worse.sigma, better.sigma)
        assert 0.001 < found[-1].sigma < 0.01


def test_the_shifts_are_seen_in_the_calorimeters(small_folder: Path, test: Jets) -> None:
    """The sums of the channels move as the manifest says, for each split on its own."""
    manifest = json.loads((small_folder / "manifest.json").read_text())
    sums = pl.DataFrame(test.images.sum(axis=(2, 3), dtype=np.float64), schema=["t", "e", "h"])
    means = pl.concat([test.table, sums], how="horizontal").group_by("usage", "variant")
    means = means.agg(pl.col("t", "e", "h").mean())
    for usage in SPLITS:
        scales = manifest["settings"]["shifts"][usage]["energy-scale"]["scales"]
        nominal, shifted = (
            means.filter(usage=usage, variant=variant).select("t", "e", "h").row(0)
            for variant in ("nominal", "energy-scale")
        )
        # Jets are chosen by the pt that is measured, so that the sum of all stays: only the
        # hadronic part over the tracks' follows the scales.
        found = (shifted[2] / shifted[0]) / (nominal[2] / nominal[0])
        assert found == pytest.approx(scales[2] / scales[0], abs=0.05), usage


def test_shifts_are_drawn_for_each_split_alone() -> None:
    draws: dict[str, list[list[float]]] = {usage: [] for usage in SPLITS}
    for seed in range(300):
        for usage in SPLITS:
            scale = shifts.response_of(usage, shifts.ENERGY_SCALE, seed)
            smearing = shifts.response_of(usage, shifts.SMEARING, seed)
            assert replace(scale, scales=RESPONSE.scales) == RESPONSE
            assert replace(smearing, widening=RESPONSE.widening) == RESPONSE
            draws[usage].append([scale.scales[1], scale.scales[2], smearing.widening])
    public, private = (np.array(draws[usage]) for usage in SPLITS)
    assert not (public == private).any()
    for column in range(3):
        assert abs(np.corrcoef(public[:, column], private[:, column])[0, 1]) < 0.15
    away = np.abs(public[:, :2] - 1)
    assert (away.min(axis=0) >= (0.01, 0.03)).all()
    assert (away.max(axis=0) <= (0.03, 0.10)).all()
    assert ((public[:, 2] > 1.2) & (public[:, 2] < 1.6)).all()


def test_training_and_nominal_jets_have_no_shift() -> None:
    for seed in range(20):
        assert shifts.response_of("train", shifts.NOMINAL, seed) == RESPONSE
        for usage in SPLITS:
            assert shifts.response_of(usage, shifts.NOMINAL, seed) == RESPONSE


def test_generator_settings_alone_do_not_tell_the_classes(small_folder: Path) -> None:
    """Closure: with the other class's hard process, a class gives the other class's jets."""
    hard = [set(process.settings) for process in PROCESSES]
    assert all(one.startswith(("HardQCD:", "Top:")) for one in hard[0] | hard[1])
    assert not any(one.startswith(("HardQCD:", "Top:")) for one in COMMON)
    exchanged = replace(TOP, settings=QCD.settings, tops=QCD.tops)
    jets, again = (make(Task(process, RESPONSE, (1, 2, 3), 400)) for process in (QCD, exchanged))
    assert len(jets["pt"]) > 8
    assert all((jets[name] == again[name]).all() for name in jets)
    settings = json.loads((small_folder / "manifest.json").read_text())["settings"]
    assert settings["common"] == list(COMMON)
    assert settings["processes"] == {one.name: list(one.settings) for one in PROCESSES}


def test_without_the_cut_on_the_mass_the_mass_alone_would_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Why there is a cut: a single variable would be far more than half-way to any baseline."""
    monkeypatch.setattr(events, "MASS_RANGE", (0.0, np.inf))
    mass = [make(Task(one, RESPONSE, (3, 2, 1), 500))["mass"] for one in (QCD, TOP)]
    assert min(map(len, mass)) > 120
    top = np.repeat([False, True], list(map(len, mass)))
    assert auc(-np.abs(np.concatenate(mass) - 172.5), top) > 0.9
