"""The layout of MLHEP 2018: imported, reported, and refused where it is not what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_datasets import DataError, prepare

EVENTS = 40
Arrays = dict[str, np.ndarray]


def arrays_of(folder: Path, stage: int) -> Arrays:
    """The first training events of a stage as dense images."""
    table = pl.read_parquet(folder / f"train_stage-{stage}.parquet")
    table = table.with_columns(pl.col("event").rank("dense") - 1).filter(pl.col("event") < EVENTS)
    at = table["event"].to_numpy(), table["voxel"].to_numpy()
    data = np.zeros((EVENTS, 256 * 256), np.float32)
    label = np.zeros((EVENTS, 256 * 256), np.uint8)
    data[at], label[at] = table["charge"].to_numpy(), table["class"].to_numpy()
    shape = (EVENTS, 256, 256)
    return {"data": data.reshape(shape), "label": label.reshape(shape)}


def write(path: Path, arrays: Arrays) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, compression="gzip", compression_opts=1)
    return path


@pytest.fixture(scope="module")
def stage_1(images_folder: Path) -> Arrays:
    return arrays_of(images_folder, 1)


def test_files_of_all_stages_become_a_challenge(images_folder: Path, tmp_path: Path) -> None:
    names = {1: "train_1-2.hdf5", 2: "train_3-4.hdf5", 3: "train_5-6.hdf5"}
    files = [write(tmp_path / names[stage], arrays_of(images_folder, stage)) for stage in names]
    told: list[str] = []
    prepare("lartpc", tmp_path / "out", data=files, seed=3, report=told.append)
    definition = read_definition(tmp_path / "out")
    assert definition.truth_public
    assert "2018" in definition.summary
    assert list(definition.test_sets) == ["stage-1", "stage-2", "stage-3"]
    for stage in names:
        assert f"{names[stage]}: {EVENTS} events of stage {stage}" in told
    parts = [
        pl.read_parquet(tmp_path / "out" / f"{kind}_stage-2.parquet").drop("class", strict=False)
        for kind in ("train", "test")
    ]
    ours = pl.concat(parts).select("voxel", "charge").sort("voxel", "charge")
    theirs = pl.read_parquet(images_folder / "train_stage-2.parquet")
    theirs = theirs.filter(pl.col("event").rank("dense") <= EVENTS).select("voxel", "charge")
    assert ours.equals(theirs.sort("voxel", "charge"))
    assert "drawn at random" in (tmp_path / "out" / "README.md").read_text()


def test_one_file_is_a_challenge_of_one_stage_with_a_channel_axis(
    stage_1: Arrays, tmp_path: Path
) -> None:
    with_channel = {name: values[:, None] for name, values in stage_1.items()}
    with_channel["label"] = with_channel["label"].astype(np.float32)
    path = write(tmp_path / "train.h5", with_channel)
    prepare("lartpc", tmp_path / "out", data=[path], seed=3)
    definition = read_definition(tmp_path / "out")
    assert [phase.slug for phase in definition.phases] == ["phase-1", "phase-1-final"]
    prepare("lartpc", tmp_path / "again", data=[path], seed=3)
    prepare("lartpc", tmp_path / "other", data=[path], seed=4)
    same, again, other = (
        (tmp_path / name / "solution_stage-1.parquet").read_bytes()
        for name in ("out", "again", "other")
    )
    assert same == again != other


def test_volumes_of_2018_are_read_event_by_event(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    path = tmp_path / "train_1-2.hdf5"
    with h5py.File(path, "w") as file:
        shape, chunks = (20, 192, 192, 192), (1, 64, 64, 64)
        data = file.create_dataset("data", shape, "f4", chunks=chunks, compression="gzip")
        label = file.create_dataset("label", shape, "u1", chunks=chunks, compression="gzip")
        for event in range(20):
            x, y = generator.integers(0, 64, 2)
            data[event, x, y, :60] = 5.0
            label[event, x, y, :60] = np.repeat([1, 2], 30)
    prepare("lartpc-3d", tmp_path / "out", data=[path], seed=1)
    test = pl.read_parquet(tmp_path / "out" / "test_stage-1.parquet")
    assert test["event"].n_unique() == 12
    assert (test.group_by("event").len()["len"] == 60).all()
    assert ((test["voxel"] % 192) < 60).all()
    assert read_definition(tmp_path / "out").test_sets["stage-1"].shape == [192, 192, 192]


def test_events_that_score_by_themselves_and_unlit_truth_are_left_out_and_told(
    stage_1: Arrays, tmp_path: Path
) -> None:
    data, label = stage_1["data"].copy(), stage_1["label"].copy()
    label[3] = np.where(label[3] > 0, 2, 0)  # one class
    data[4] = np.where(np.arange(256)[:, None] == 0, data[4], 0)
    label[4] = np.where(data[4] > 0, label[4], 0)  # hardly any pixel
    lit = np.argwhere(label[5] > 0)[0]
    data[5, lit[0], lit[1]] = 0
    path = write(tmp_path / "train.h5", {"data": data, "label": label})
    told: list[str] = []
    prepare("lartpc", tmp_path / "out", data=[path], seed=3, report=told.append)
    assert any("2 events left out" in line for line in told)
    assert any("1 labelled pixels without charge" in line for line in told)


Change = Callable[[Arrays], Arrays]


def changed(name: str, event: int, value: Any) -> Change:
    def change(arrays: Arrays) -> Arrays:
        values = arrays[name].astype(np.float64)
        lit = np.argwhere(arrays["data"][event] > 0)[0]
        values[event, lit[0], lit[1]] = value
        return {**arrays, name: values}

    return change


REFUSED: dict[str, tuple[Change, str]] = {
    "no labels": (lambda a: {"data": a["data"]}, "no array /label, but /data"),
    "other names": (lambda a: {"x": a["data"], "label": a["label"]}, "no array /data, but /label"),
    "text": (lambda a: {**a, "label": np.array([b"a"] * 3)}, "/label is .*, not numbers"),
    "other lengths": (lambda a: {**a, "label": a["label"][:-1]}, "both must be alike"),
    "other shape": (lambda a: {n: v[:, :128] for n, v in a.items()}, "of shape .128, 256."),
    "volumes": (lambda a: {n: v[:, :, :, None].repeat(2, 3) for n, v in a.items()}, "lartpc-3d"),
    "negative": (changed("data", 2, -7.5), r"event 2: /data has negative values \(least -7.5\)"),
    "not finite": (changed("data", 6, np.nan), "event 6: /data has values that are not finite"),
    "codes": (changed("label", 1, 11), "event 1: /label has the value 11; classes are"),
    "halves": (changed("label", 1, 1.5), "event 1: /label has the value 1.5"),
    "not finite class": (changed("label", 1, np.nan), "event 1: /label has the value nan"),
    "labels as data": (lambda a: {**a, "data": a["label"]}, "/data holds the classes themselves"),
    "transposed": (
        lambda a: {**a, "label": a["label"].transpose(0, 2, 1)},
        "With the axes of /label reversed they would have: the arrays are transposed",
    ),
    "events shifted": (
        lambda a: {**a, "label": np.roll(a["label"], 1, axis=0)},
        "no charge in /data. The events of the two arrays may be in different orders",
    ),
    "few": (lambda a: {n: v[:5] for n, v in a.items()}, "only 5 events can be used"),
    "no class 1": (
        lambda a: {**a, "label": np.where(a["label"] == 1, 3, a["label"]).astype(np.uint8)},
        "/label never has the class 1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_files_are_refused_and_told_why(case: str, stage_1: Arrays, tmp_path: Path) -> None:
    change, words = REFUSED[case]
    path = write(tmp_path / "train.h5", change(stage_1))
    with pytest.raises(DataError, match=words) as caught:
        prepare("lartpc", tmp_path / "out", data=[path], seed=1)
    assert "train.h5" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_what_is_no_hdf5_file_is_told(stage_1: Arrays, tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("data,label\n")
    whole = write(tmp_path / "whole.h5", stage_1)
    cut = tmp_path / "cut.h5"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for path, words in (
        (tmp_path / "text.h5", "text.h5 is no HDF5 file"),
        (tmp_path / "absent.h5", "is not a file"),
        (tmp_path, "is not a file"),
        (cut, "cut.h5"),
    ):
        with pytest.raises(DataError, match=words):
            prepare("lartpc", tmp_path / "out", data=[path], seed=1)
