"""The folder itself: complete, accepted, documented as it is."""

import io
import json
import runpy
import shutil
import sys
import tomllib
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_datasets import BUILTINS, DataError, demo_submissions, folders, prepare
from fivesigma_datasets.topmass import figures
from fivesigma_datasets.topmass import folder as writing
from fivesigma_datasets.topmass import prepare as preparing
from fivesigma_datasets.topmass.layout import FILES, Form, read_images, write_images
from fivesigma_datasets.topmass.settings import MASS_RANGE, SMALL_GRID
from fivesigma_datasets.topmass.split import order_and_usage
from fivesigma_scoring import Estimate, score

PUBLISHED = ("train.parquet", "test.parquet", "train_images.h5", "test_images.h5")


def scored(folder: Path, content: bytes, metric: str, usage: str) -> Estimate:
    solution = pl.read_parquet(folder / "solution.parquet").filter(pl.col("usage") == usage)
    answer = pl.read_csv(io.BytesIO(content))
    joined = solution.join(answer, on="id", validate="1:1", suffix="_predicted")
    return score(metric, joined["mass"].to_numpy(), joined["mass_predicted"].to_numpy())


def test_folder_is_complete_and_accepted_by_the_platform(folder: Path) -> None:
    definition = read_definition(folder)
    assert definition.slug == "topmass"
    settings = tomllib.loads((folder / "challenge.toml").read_text())
    assert settings["truth_public"] is True
    test_set = settings["test_sets"]["main"]
    assert test_set["range"] == [0, 5000]
    files = [settings["card"], *(file["path"] for file in settings["files"].values())]
    for path in (*files, test_set["solution"], test_set["sample"]):
        assert (folder / path).is_file()
    (phase,) = settings["phases"]
    assert phase["metric"] == "mae"
    columns = ["mre", "rmse", "bias", "median_absolute_error", "resolution_68"]
    assert phase["metrics"] == columns


def test_card_has_its_sections_and_its_pictures(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    sections = ("Physics", "Task", "Data", "Metric", "What the metric ignores")
    for heading in (*sections, "How simulated tables are made", "Citation and licence"):
        assert f"## {heading}" in card
    assert "small table" in card.split("## These data")[1]
    for name in figures.FIGURES:
        assert f"({name})" in card


def test_shipped_files_are_those_of_their_manifest_and_not_too_large() -> None:
    folders.verified(writing.SHIPPED)
    size = sum(path.stat().st_size for path in writing.SHIPPED.rglob("*") if path.is_file())
    assert size < 12e6


def test_a_damaged_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = shutil.copytree(writing.SHIPPED, tmp_path / "shipped")
    (copied / "test_images.h5").write_bytes(b"gone")
    monkeypatch.setattr(preparing, "SHIPPED", copied)
    with pytest.raises(DataError, match="reinstall"):
        prepare("topmass", tmp_path / "out")


def test_small_data_come_twice_as_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    prepare("topmass", tmp_path / "again")
    for path in (path for path in folder.rglob("*") if path.is_file()):
        again = tmp_path / "again" / path.relative_to(folder)
        assert again.read_bytes() == path.read_bytes()


def test_the_line_of_the_card_reads_the_images(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = (folder / "README.md").read_text()
    line = next(line.strip() for line in card.splitlines() if "images = h5py" in line)
    monkeypatch.chdir(folder)
    names: dict[str, object] = {"h5py": h5py}
    exec(line.replace("[:]", "[:10]"), names)
    images = names["images"]
    assert isinstance(images, np.ndarray)
    assert images.shape == (10, 3, 64, 64)
    assert images.max() > 10


def test_tables_and_images_have_the_same_rows(folder: Path) -> None:
    for part in ("train", "test"):
        table = pl.read_parquet(folder / f"{part}.parquet")
        with h5py.File(folder / f"{part}_images.h5") as file:
            assert file["images"].shape[0] == len(table)
    solution = pl.read_parquet(folder / "solution.parquet")
    assert solution["id"].equals(pl.read_parquet(folder / "test.parquet")["id"])
    assert "mass" not in pl.read_parquet_schema(folder / "test.parquet")


@pytest.mark.parametrize("usage", ["public", "private"])
def test_the_sample_scores_as_documented(folder: Path, usage: str) -> None:
    sample = (folder / "sample_submission.csv").read_bytes()
    found = scored(folder, sample, "mae", usage)
    assert found.value == pytest.approx(103.75, abs=4 * found.sigma)


@pytest.mark.parametrize("usage", ["public", "private"])
@pytest.mark.parametrize(
    ("metric", "best", "value"), [("mae", 292.5, 103.75), ("mre", 206.2, 0.4161)]
)
def test_best_constants(folder: Path, usage: str, metric: str, best: float, value: float) -> None:
    ids = pl.read_parquet(folder / "test.parquet").select("id")

    def of(constant: float) -> Estimate:
        table = ids.with_columns(mass=pl.lit(constant))
        return scored(folder, table.write_csv().encode(), metric, usage)

    found = of(best)
    assert found.value == pytest.approx(value, abs=4 * found.sigma)
    for other in (best - 60, best + 60):
        assert of(other).value > found.value


def test_demo_submissions_use_published_files_only_and_get_better(
    folder: Path, tmp_path: Path
) -> None:
    for name in (*PUBLISHED, "challenge.toml"):
        shutil.copyfile(folder / name, tmp_path / name)
    files = demo_submissions(tmp_path)
    found = [scored(folder, content, "mae", "private") for _, _, content in files]
    values = [one.value for one in found]
    assert values == sorted(values, reverse=True)
    table = [float(x) for x in documented(folder)]
    assert values == pytest.approx(table, abs=0.06)
    assert min(-np.diff(values)) > 5 * found[0].sigma  # the metric tells them apart
    assert len({name for name, _, _ in files}) == len(files) == 3


def documented(folder: Path) -> list[str]:
    """Private values of the card's table."""
    card = (folder / "README.md").read_text()
    rows = card.split("|---|---|---|\n")[1].split("\n\n")[0].splitlines()
    return [row.split("|")[3].split("±")[0].strip() for row in rows]


def test_starter_is_short_trains_and_writes_a_valid_file(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    starter = folder / "starter.py"
    assert len(starter.read_text().splitlines()) < 80
    for part, n in (("train", 1000), ("test", 200)):
        images, form = read_images(folder / f"{part}_images.h5", slice(0, n))
        write_images(tmp_path / f"{part}_images.h5", form, iter([images]), n)
        pl.read_parquet(folder / f"{part}.parquet")[:n].write_parquet(tmp_path / f"{part}.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["starter.py"])
    runpy.run_path(str(starter))
    told = capsys.readouterr().out
    assert float(told.split("jets: ")[1].split(" GeV")[0]) < 85
    assert told.rstrip().splitlines()[-1].startswith("fivesigma submit topmass -f prediction.csv")
    prediction = pl.read_csv(tmp_path / "prediction.csv")
    assert prediction.columns == ["id", "mass"]
    assert prediction["id"].equals(pl.read_parquet(tmp_path / "test.parquet")["id"])
    assert prediction["mass"].is_between(0, 5000).all()


def test_without_matplotlib_figures_are_left_out_and_nobody_points_at_them(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    told: list[str] = []
    figures.draw(folder, told.append)
    assert "left out" in told[0]
    for name in FILES:
        shutil.copyfile(folder / name, tmp_path / name)
    writing.complete(tmp_path, writing.About("x", [], truth_public=True))
    assert "figures/" not in (tmp_path / "README.md").read_text()
    assert "figures/" not in (tmp_path / "challenge.toml").read_text()
    assert read_definition(tmp_path).slug == "topmass"


def test_toml_follows_the_data(tmp_path: Path) -> None:
    about = writing.About('Weigh "well".', [], truth_public=False, plausible=31.4)
    settings = tomllib.loads(writing.toml(about))
    assert settings["summary"] == 'Weigh "well".'
    assert settings["truth_public"] is False
    assert settings["test_sets"]["main"]["plausible"] == {"metric": "mae", "bound": 31.4}


def test_events_are_never_split_and_the_order_is_random() -> None:
    group = np.repeat(np.arange(4000), 2)
    order, usage = order_and_usage(group, 3)
    assert np.array_equal(np.sort(order), np.arange(8000))
    by_event = usage.to_numpy().reshape(-1, 2)
    assert (by_event[:, 0] == by_event[:, 1]).all()
    assert abs(np.corrcoef(order[:4000], np.arange(4000))[0, 1]) < 0.06
    assert (usage.to_numpy()[order[:4000]] == "train").all()
    assert np.array_equal(order_and_usage(group, 3)[0], order)
    assert not np.array_equal(order_and_usage(group, 4)[0], order)


def test_images_written_block_by_block_are_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    images = rng.poisson(0.1, (150, 3, 8, 8)).astype(np.uint16)
    form = Form(pixels=8, width=0.1, step=0.5)
    write_images(tmp_path / "a.h5", form, iter(np.array_split(images, 4)), 150)
    write_images(tmp_path / "b.h5", form, iter([images]), 150)
    again, found = read_images(tmp_path / "a.h5")
    assert found == form
    assert np.array_equal(again, images)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert np.array_equal(read_images(tmp_path / "a.h5", slice(140, 150))[0], images[140:])


def test_registry_and_manifest(folder: Path) -> None:
    assert BUILTINS["topmass"].name == "topmass"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sum(manifest["counts"].values()) == manifest["events"] == 20_000
    assert "PartonLevel:MPI = on" in manifest["settings"]["generator"]
    assert manifest["versions"].keys() >= {"pythia8mc", "fastjet", "numpy"}


def test_the_shipped_table_is_what_its_seed_and_the_present_settings_make(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    now = json.loads(json.dumps(preparing.recorded_settings(SMALL_GRID)))
    assert manifest["settings"] == now
    drawn = []
    for chunk in preparing.chunks(manifest["events"], manifest["seed"], SMALL_GRID):
        _first, second = np.random.SeedSequence([chunk.seed, chunk.index]).spawn(2)
        drawn.append(np.random.default_rng(second).uniform(*MASS_RANGE, chunk.jets))
    tables = ("train.parquet", "solution.parquet")
    shipped = np.concatenate([pl.read_parquet(folder / name)["mass"] for name in tables])
    assert np.array_equal(np.sort(shipped), np.sort(np.concatenate(drawn)))
