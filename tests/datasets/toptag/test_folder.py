"""The folder: complete, accepted, small, the same twice, and what a killed run leaves."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_datasets import BUILTINS, DataError, demo_submissions, prepare
from fivesigma_datasets.chunks import chunk_folder
from fivesigma_datasets.shuffling import auc
from fivesigma_datasets.toptag import figures, simulate
from fivesigma_datasets.toptag import prepare as toptag
from fivesigma_datasets.toptag import ragged as ragged_module
from fivesigma_datasets.toptag.folder import FIGURES, HERE, INPUTS, numbered
from fivesigma_datasets.toptag.matching import bins, matched, most_matched
from fivesigma_datasets.toptag.ragged import joined, reordered, taken
from fivesigma_scoring import Outcome

MEGABYTE = 1_000_000
Scored = Any  # as the fixtures give it


def test_small_folder_is_complete_and_accepted_by_the_platform(small_folder: Path) -> None:
    definition = read_definition(small_folder)
    assert (definition.slug, definition.truth_public) == ("toptag", True)
    assert definition.teams.max_size == 4
    test_set = definition.test_sets["main"]
    assert (test_set.variants, test_set.group) == ("variant", "event")
    assert definition.phases[0].variant_rank == "mean"
    named = [definition.card, *(file.path for file in definition.files.values())]
    for path in (*named, test_set.solution, test_set.sample):
        assert (small_folder / path).is_file(), path
    assert set(FIGURES) <= set(named)
    card = (small_folder / "README.md").read_text()
    for heading in ("Physics", "Task", "Data", "Metric", "What the metric ignores", "Citation"):
        assert f"## {heading}" in card
    assert "small table" in card.split("## These data")[1]


def test_the_shipped_data_are_small() -> None:
    size = sum(path.stat().st_size for path in toptag.SMALL.rglob("*") if path.is_file())
    assert 5 * MEGABYTE < size <= 14 * MEGABYTE


def test_small_data_come_twice_as_the_same_bytes(small_folder: Path, tmp_path: Path) -> None:
    told: list[str] = []
    prepare("toptag", tmp_path / "again", report=told.append)
    for path in small_folder.rglob("*"):
        if path.is_file():
            again = tmp_path / "again" / path.relative_to(small_folder)
            assert again.read_bytes() == path.read_bytes(), path.name
    assert any("Pythia" in line for line in told)


def test_the_manifest_counts_and_settings_fit(small_folder: Path) -> None:
    manifest = json.loads((small_folder / "manifest.json").read_text())
    solution = pl.read_parquet(small_folder / "solution.parquet")
    counts = solution.group_by("usage", "variant", "label").len().rows()
    for usage, variant, label, n in counts:
        assert manifest["counts"][f"{usage}/{variant}/{label}"] == n
    settings = toptag._settings(manifest["jets"], manifest["seed"], {})["settings"]
    assert manifest["settings"] == json.loads(json.dumps(settings))
    assert set(manifest["versions"]) >= {"pythia8mc", "fastjet", "numpy"}


def test_damaged_shipped_jets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "small"
    broken.mkdir()
    for path in toptag.SMALL.iterdir():
        if path.is_file():
            (broken / path.name).write_bytes(path.read_bytes())
    (broken / "solution.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(toptag, "SMALL", broken)
    with pytest.raises(DataError, match="reinstall"):
        prepare("toptag", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("background", "ranks"), [(49_999, "auc"), (50_000, "rejection_at_30")])
def test_the_ranking_metric_follows_the_size(background: int, ranks: str) -> None:
    usage = np.repeat(["train", "public", "private"], [80_000, background // 3, background])
    table = pl.DataFrame({"usage": usage[: 80_000 + background], "label": "b"})
    assert toptag._ranking(table)["metric"] == f'"{ranks}"'
    full = simulate.cells(toptag.FULL_EVENTS)
    assert sum(cell.wanted for cell in full if cell.usage == "private") >= 50_000


def test_nothing_is_written_over_and_little_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("keep")
    for size in ("small", "full"):
        with pytest.raises(DataError, match="not empty"):
            prepare("toptag", tmp_path / "full", size=size, seed=1)
    assert (tmp_path / "full" / "file").read_text() == "keep"
    for wrong in ({"events": 59}, {"processes": 0}, {"seed": -1}):
        with pytest.raises(DataError, match="at least 60 jets"):
            generated(tmp_path / "out", **wrong)


def generated(out: Path, stop_after: int = 10**9, **options: int) -> list[str]:
    told: list[str] = []
    calls: list[int] = []

    def progress(done: int, total: int, what: str) -> None:
        assert 0 <= done <= total
        calls.append(done)
        if len(calls) >= stop_after:
            raise KeyboardInterrupt

    chosen = {"events": 60, "seed": 4, "processes": 1} | options
    BUILTINS["toptag"].generate(out, progress=progress, report=told.append, **chosen)
    return told


@pytest.mark.usefixtures("undrawn")
def test_a_seed_gives_the_same_bytes_with_any_processes_and_after_being_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generated(tmp_path / "two" / "out", processes=2)
    with pytest.raises(KeyboardInterrupt):
        generated(tmp_path / "one" / "out", stop_after=9)
    kept = chunk_folder(tmp_path / "one" / "out")
    made = {path.name: path.stat().st_mtime_ns for path in kept.glob("*.npz")}
    assert len(made) == 9
    assert not (tmp_path / "one" / "out").exists()
    generated(tmp_path / "one" / "out")
    assert not kept.exists()
    first, second = (tmp_path / name / "out" for name in ("one", "two"))
    names = {path.name for path in first.iterdir()}
    assert names == {path.name for path in second.iterdir()} >= {*INPUTS, "manifest.json"}
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"out"}
    definition = read_definition(first)
    assert not definition.truth_public
    assert "figure-jets" not in definition.files
    assert "figures/" not in (first / "README.md").read_text()
    table = pl.read_parquet(first / "solution.parquet")
    assert len(table) + len(pl.read_parquet(first / "train.parquet")) == 60
    seed = str(json.loads((first / "manifest.json").read_text())["seed"])
    assert seed == "4"


def test_figures_are_drawn_from_the_data_or_left_out(
    small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train.parquet", "train.h5"):
        (tmp_path / name).symlink_to(small_folder / name)
    told: list[str] = []
    figures.draw(tmp_path, told.append)
    assert not told
    for name in FIGURES:
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "mplhep", None)
        figures.draw(tmp_path / "elsewhere", told.append)
    assert told == ["figures left out: matplotlib and mplhep are not installed (extra plot)"]


def test_reference_submissions_get_better_and_the_sample_is_the_first(
    small_folder: Path, references: list[Outcome]
) -> None:
    for split in ("public", "private"):
        values = [one.scores[split]["auc"].value for one in references]
        assert values == sorted(values)
        assert 0.6 < values[0] < 0.75
        assert values[-1] > 0.9
    files = demo_submissions(small_folder)
    assert (small_folder / "sample_submission.csv").read_bytes() == files[0][2]
    assert len({name for name, _, _ in files}) == len(files) == 3


def test_the_starter_trains_and_writes_a_submission(
    small_folder: Path, tmp_path: Path, scored: Scored, references: list[Outcome]
) -> None:
    lines = (HERE / "starter.py").read_text().splitlines()
    assert len(lines) < 80
    settings = tomllib.loads((small_folder / "challenge.toml").read_text())
    for file in settings["files"].values():
        if not file["path"].startswith("figures/"):
            (tmp_path / file["path"]).symlink_to(small_folder / file["path"])
    ran = subprocess.run(
        [sys.executable, "starter.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1].startswith("fivesigma submit toptag -f prediction.csv -m ")
    scores = scored((tmp_path / "prediction.csv").read_bytes()).scores
    for split in ("public", "private"):
        assert scores[split]["auc"].value > references[1].scores[split]["auc"].value + 0.05


def test_the_card_tells_what_the_reference_submissions_score(references: list[Outcome]) -> None:
    card = (HERE / "README.md").read_text()
    cell = r"\| (0\.\d+) ± (0\.\d+) "
    rows = re.findall(rf"^\| [a-z (),']+ {cell}{cell}\|$", card, re.MULTILINE)
    assert len(rows) == len(references)
    for numbers, one in zip(rows, references, strict=True):
        found = [one.scores[split]["auc"] for split in ("public", "private")]
        expected = [number for each in found for number in (each.value, each.sigma)]
        assert list(map(float, numbers)) == pytest.approx(expected, abs=0.0006)
    nominal = references[-1].variants["private"]["nominal"]["auc"].value
    assert f"without shifts the last has {nominal:.3f} on the private part" in card


def test_images_come_in_one_line(small_folder: Path) -> None:
    images = h5py.File(small_folder / "train.h5")["images"][:]
    assert images.shape == (len(pl.read_parquet(small_folder / "train.parquet")), 3, 40, 40)
    assert images.dtype == np.float16


def test_matching_takes_the_same_number_from_every_bin() -> None:
    rng = np.random.default_rng(3)
    pt = [rng.uniform(550, 650, 4000), 650 - 100 * rng.random(4000) ** 2]
    eta = [rng.normal(0, 0.7, 4000).clip(-1.9, 1.9), rng.uniform(-1.9, 1.9, 4000)]
    numbers = [bins(*one, wanted=2000) for one in zip(pt, eta, strict=True)]
    assert most_matched(*numbers) >= 2000
    rows = matched(*numbers, 2000, rng)
    counts = [np.bincount(n[r], minlength=200) for n, r in zip(numbers, rows, strict=True)]
    assert (counts[0] == counts[1]).all()
    assert [len(set(one.tolist())) for one in rows] == [2000, 2000]
    means = [pt[k][rows[k]].mean() for k in (0, 1)]
    assert abs(pt[0].mean() - pt[1].mean()) > 10
    assert abs(means[0] - means[1]) < 1


def ragged(n: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Jets whose every number tells which jet it belongs to."""
    rng = np.random.default_rng(seed)
    count, lit = rng.integers(0, 5, n), rng.integers(0, 4, n)
    name = np.arange(n) + 1000 * seed
    return {
        "name": name,
        "count": count,
        "lit": lit,
        "p4": np.repeat(name, count)[:, None] * np.ones(4),
        "pixel": np.repeat(name, lit),
        "energy": np.repeat(name, lit),
    }


def test_jets_are_put_in_order_through_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ragged_module, "BUCKET", 13)
    parts = [ragged(n, seed) for seed, n in enumerate((30, 1, 0, 44))]
    place = np.random.default_rng(5).permutation(75)
    cuts = np.split(place, np.cumsum([30, 1, 0]))
    kept = tmp_path / "kept"
    found = joined(list(reordered(zip(cuts, parts, strict=True), kept)))
    assert not kept.exists()
    expected = taken(joined(parts), np.argsort(place))
    for name, values in expected.items():
        assert (found[name] == values).all(), name
    assert (np.repeat(found["name"], found["count"]) == found["p4"][:, 0]).all()
    assert (np.repeat(found["name"], found["lit"]) == found["pixel"]).all()


def test_rows_and_numbers_of_events_are_shuffled_and_events_stay_together() -> None:
    label = np.repeat(["b", "s"], 4000)
    table = pl.DataFrame({"event": np.arange(8000) // 2, "label": label})
    usage = np.where(table["event"].to_numpy() % 3 == 0, "train", "private")
    after = numbered(table.with_columns(pl.Series("usage", usage)), seed=6)
    assert after["id"].to_list() == list(range(100_000, 108_000))
    assert (after["usage"] == "train").to_list() == sorted(after["usage"] == "train", reverse=True)
    for (_,), part in after.group_by("usage"):
        signal = (part["label"] == "s").to_numpy()
        for order in (part["id"], part["event"]):
            assert abs(auc(order.to_numpy(), signal) - 0.5) < 0.06
    assert (after["event"].value_counts()["count"] == 2).all()
    before = table["event"].to_numpy()[after["source"].to_numpy()]
    assert len(set(zip(before.tolist(), after["event"].to_list(), strict=True))) == 4000
    assert not numbered(table.with_columns(pl.Series("usage", usage)), seed=7).equals(after)
