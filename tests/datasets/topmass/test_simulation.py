"""A few hundred jets from the real generators."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_datasets import DataError, folders, pythia
from fivesigma_datasets.__main__ import main
from fivesigma_datasets.chunks import chunk_folder
from fivesigma_datasets.jets.clustering import anti_kt, soft_drop
from fivesigma_datasets.jets.kinematics import Floats, mass
from fivesigma_datasets.topmass import prepare as preparing
from fivesigma_datasets.topmass import simulate
from fivesigma_datasets.topmass.prepare import CHUNK, chunks, dense, together
from fivesigma_datasets.topmass.settings import (
    FULL_GRID,
    GENERATOR,
    MASS_RANGE,
    PT_RANGE,
    RADIUS,
    SHOT_ETA,
    SHOT_PT,
    SMALL_GRID,
    SMALL_LIMIT,
    grid_of,
)
from fivesigma_datasets.topmass.simulate import Batch, Chunk, make_chunk, sparse
from fivesigma_datasets.topmass.source import drawn, make_source
from scipy.stats import kstest

JETS = 60


@pytest.fixture(scope="module")
def real_tops() -> Batch:
    """Top pairs of 172.5 GeV, measured."""
    source = make_source()
    generator = pythia.started(GENERATOR, 5, source=source)
    rng = np.random.default_rng(1)
    return simulate._shoot(generator, source, np.full(500, 172.5), (172.5, 172.5), rng)


def groomed(batch: Batch, radius: float, min_pt: float) -> tuple[Floats, Floats]:
    """Histogram of soft-drop masses of the jets nearest to the tops: counts and lower edges."""
    seen = batch.measured
    jets = anti_kt(seen.flow_event, seen.flow, seen.n_events, radius=radius, min_pt=min_pt)
    _top, jet = simulate._matched(batch, jets)
    values = mass(soft_drop(jets.take(jet), seen.flow))
    counts, edges = np.histogram(values, np.arange(20.0, 320.0, 10.0))
    return counts.astype(np.float64), edges[:-1]


def test_soft_drop_mass_peaks_at_the_top(real_tops: Batch) -> None:
    counts, edges = groomed(real_tops, RADIUS, PT_RANGE[0])
    assert 150 <= edges[counts.argmax()] < 190
    inside = counts[(edges >= 150) & (edges < 190)].sum()
    above = counts[(edges >= 190) & (edges < 230)].sum()
    assert inside > 4 * above
    assert inside > 0.3 * counts.sum()


def test_soft_drop_mass_of_narrow_jets_peaks_at_the_w_boson(real_tops: Batch) -> None:
    counts, edges = groomed(real_tops, 0.4, 300.0)
    below_top = edges < 130
    assert 60 <= edges[counts[below_top].argmax()] < 100
    near = counts[(edges >= 70) & (edges < 90)].mean()
    sides = counts[((edges >= 30) & (edges < 60)) | ((edges >= 110) & (edges < 140))].mean()
    assert near > 1.5 * sides


@pytest.fixture(scope="module")
def chunk() -> dict[str, np.ndarray]:
    return make_chunk(Chunk(3, 150, 9, SMALL_GRID))


def test_every_drawn_mass_gets_its_jet(chunk: dict[str, np.ndarray]) -> None:
    _seed, second = np.random.SeedSequence([9, 3]).spawn(2)
    wanted = np.random.default_rng(second).uniform(*MASS_RANGE, 150)
    assert np.array_equal(np.sort(chunk["mass"]), np.sort(wanted))
    assert len(chunk["pt"]) == len(chunk["event"]) == 150
    assert np.bincount(chunk["event"]).max() <= 2
    assert chunk["event"].max() < chunk["shot"][0]
    assert chunk["pixel"].max() < 3 * 64 * 64
    assert chunk["lit"].sum() == len(chunk["pixel"]) == len(chunk["value"])


def test_acceptance_does_not_waste_most_of_the_time(chunk: dict[str, np.ndarray]) -> None:
    assert 150 / (2 * chunk["shot"][0]) > 0.4


def test_other_chunks_and_other_seeds_differ(chunk: dict[str, np.ndarray]) -> None:
    for other in (Chunk(4, 10, 9, SMALL_GRID), Chunk(3, 10, 8, SMALL_GRID)):
        assert not set(make_chunk(other)["mass"]) & set(chunk["mass"])


def test_tops_hardly_heavier_than_the_w_boson_decay_too_and_125_pixels_work() -> None:
    jets = make_chunk(Chunk(0, 6, 1, FULL_GRID, masses=(85.0, 85.1)))
    assert len(jets["mass"]) == 6
    assert jets["pixel"].max() < 3 * 125 * 125
    assert jets["lit"].min() > 10


def test_nothing_but_the_mass_depends_on_the_mass() -> None:
    n = 20_000
    light = drawn(np.full((n, 2), 85.0), np.random.default_rng(1))
    heavy = drawn(np.full((n, 2), 500.0), np.random.default_rng(1))
    for name in ("eta", "pt", "phi"):
        assert np.array_equal(getattr(light, name), getattr(heavy, name))
    assert SHOT_PT[0] <= light.pt.min()
    assert light.pt.max() <= SHOT_PT[1]
    assert np.abs(light.eta).max() <= SHOT_ETA
    root = np.sqrt(light.pt)  # pt with the density pt^-1/2
    edges = np.sqrt(SHOT_PT)
    assert kstest(root, "uniform", (edges[0], edges[1] - edges[0])).pvalue > 1e-3


def generate(out: Path, *, processes: int) -> dict[str, bytes]:
    options = f"topmass --events {JETS} --seed 7 --processes {processes} --out {out}"
    assert main(options.split()) == 0
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    out = tmp_path_factory.mktemp("simulated") / "topmass"
    return out, generate(out, processes=2)


def test_same_seed_same_bytes_whatever_the_number_of_processes(
    tmp_path: Path, made: tuple[Path, dict[str, bytes]]
) -> None:
    alone = generate(tmp_path / "topmass", processes=1)
    assert alone == made[1]
    assert {"train_images.h5", "test_images.h5", "train.parquet"} < set(alone)
    assert not chunk_folder(tmp_path / "topmass").exists()


def test_generated_folder_has_the_jets_and_hides_its_seed(
    made: tuple[Path, dict[str, bytes]],
) -> None:
    out, _files = made
    folders.verified(out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["seed"] == 7
    assert sum(manifest["counts"].values()) == JETS
    assert manifest["settings"]["radius"] == RADIUS
    rows = sum(len(pl.read_parquet(out / f"{part}.parquet")) for part in ("train", "test"))
    assert rows == JETS
    assert "seed" not in (out / "README.md").read_text().split("## These data")[1]
    assert "truth_public = false" in (out / "challenge.toml").read_text()


def test_chunks_are_a_function_of_the_size_alone() -> None:
    sizes = {n: [chunk.jets for chunk in chunks(n, 1, grid_of(n))] for n in (60, 999, 20_500)}
    assert sizes[60] == [50, 10]
    assert sum(sizes[999]) == 999
    assert sizes[20_500] == [*[CHUNK] * 20, 500]
    assert grid_of(SMALL_LIMIT) == SMALL_GRID
    assert grid_of(SMALL_LIMIT + 1) == FULL_GRID


def test_events_of_two_chunks_stay_apart(chunk: dict[str, np.ndarray]) -> None:
    both = together([chunk, chunk])
    first, second = np.split(both["event"], 2)
    assert not set(first) & set(second)
    assert len(both["mass"]) == 300


def test_sparse_images_become_dense_again() -> None:
    images = np.random.default_rng(1).poisson(0.05, (20, 3, 8, 8)).astype(np.uint16)
    images[4] = 0
    form = preparing.Form(pixels=8, width=0.1, step=1.0)
    rows = np.array([5, 4, 0, 19, 4])
    assert np.array_equal(dense(sparse(images), form)(rows), images[rows])
    assert dense(sparse(images), form)(rows[:0]).shape == (0, 3, 8, 8)
    assert sparse(images[:0])["lit"].shape == (0,)


def test_a_generator_that_changes_masses_is_not_used() -> None:
    with pytest.raises(RuntimeError, match="changed the mass"):
        simulate._as_drawn(np.array([100.01]), np.array([99.0, 100.0, 101.0]))
    found = simulate._as_drawn(np.array([100.0000001, 85.0]), np.array([85.0, 100.0, 101.0]))
    assert found.tolist() == [100.0, 85.0]


@pytest.mark.parametrize(
    "options",
    ["--events 10 --seed 1", "--events 100 --seed -1", "--events 100 --seed 1 --processes 0"],
)
def test_impossible_wishes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str
) -> None:
    assert main(["topmass", *options.split(), "--out", str(tmp_path / "x")]) == 2
    assert "Ask for" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        preparing.generate(
            tmp_path,
            events=60,
            seed=1,
            processes=1,
            progress=lambda _done, _total, _what: None,
            report=lambda _line: None,
        )
    assert (tmp_path / "keep").read_text() == "mine"
