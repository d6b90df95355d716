"""The manifest of the shipped events: checksums, settings, and the seed that makes them again."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from fivesigma_datasets import DataError, prepare
from fivesigma_datasets.lartpc import prepare as lartpc
from fivesigma_datasets.lartpc.folder import tables_of
from fivesigma_datasets.lartpc.layout import STAGES
from fivesigma_datasets.lartpc.simulate import Task, make_chunk, settings


@pytest.mark.parametrize("name", ["lartpc", "lartpc-3d"])
def test_manifest_and_checksums_fit(name: str, images_folder: Path, voxels_folder: Path) -> None:
    folder = images_folder if name == "lartpc" else voxels_folder
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["challenge"] == name
    assert set(manifest["sha256"]) == set(tables_of(STAGES))
    challenge = lartpc.images if name == "lartpc" else lartpc.voxels
    assert manifest["settings"] == json.loads(json.dumps(settings(challenge.layout)))
    for stage in STAGES:
        counts = manifest["counts"][f"stage-{stage}"]
        train, test = (
            pl.read_parquet(folder / f"{kind}_stage-{stage}.parquet") for kind in ("train", "test")
        )
        hidden = ("public", "private", "final-public", "final-private")
        assert counts["train"] == train["event"].n_unique()
        assert sum(counts[part] for part in hidden) == test["event"].n_unique()
        assert counts["lit pixels"] == len(train) + len(test)


@pytest.mark.parametrize(
    "task", [Task("lartpc", 1, False, 2018, 0), Task("lartpc-3d", 3, True, 2018, 0)]
)
def test_anyone_can_make_the_shipped_events_again(
    images_folder: Path, voxels_folder: Path, task: Task
) -> None:
    """From the seed in the manifest: the pixels and charges of the first events are all there.

    Other processors may round otherwise, so a few per cent of the pixels may differ.
    """
    folder = images_folder if task.name == "lartpc" else voxels_folder
    assert json.loads((folder / "manifest.json").read_text())["seed"] == task.seed
    files = (f"{kind}_stage-{task.stage}.parquet" for kind in ("train", "test"))
    shipped = pl.concat(
        [pl.read_parquet(folder / name).select("voxel", "charge") for name in files]
    )
    made = pl.DataFrame(make_chunk(task)).filter(pl.col("event") < 25)
    found = made.join(shipped.unique(), on=["voxel", "charge"], how="semi")
    assert len(found) > 0.95 * len(made)


def test_damaged_shipped_data_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "shipped"
    broken.mkdir()
    (broken / "manifest.json").write_bytes((lartpc.images.shipped / "manifest.json").read_bytes())
    monkeypatch.setattr(lartpc.Challenge, "shipped", broken)
    with pytest.raises(DataError, match="reinstall"):
        prepare("lartpc", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_shipped_data_are_small() -> None:
    folder = lartpc.images.shipped.parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 10e6
