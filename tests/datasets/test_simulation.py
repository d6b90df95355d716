"""A few events from the real generators."""

import json
import multiprocessing
import os
import signal
from pathlib import Path

import polars as pl
import pytest
from fivesigma_datasets import DataError
from fivesigma_datasets.__main__ import main
from fivesigma_datasets.higgsml import simulate
from fivesigma_datasets.higgsml.features import NEEDS_ONE_JET, NEEDS_TWO_JETS
from fivesigma_datasets.higgsml.processes import PROCESSES, Process
from fivesigma_datasets.higgsml.simulate import chunk_size, generate_chunk, require_generators

EVENTS = 50


def generate(out: Path, *, processes: int, seed: int = 7) -> dict[str, bytes]:
    options = f"higgsml --events {EVENTS} --seed {seed} --processes {processes} --out {out}"
    assert main(options.split()) == 0
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "higgsml"
    generate(out, processes=2)
    return out


def test_same_seed_same_bytes_whatever_the_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = tuple(process for process in PROCESSES if process.name in ("VBF", "ttbar"))
    monkeypatch.setattr(simulate, "PROCESSES", two)  # one of each class is quicker than five
    alone, together = generate(tmp_path / "1", processes=1), generate(tmp_path / "2", processes=2)
    assert alone == together
    assert {"train.parquet", "test.parquet", "solution.parquet", "manifest.json"} < set(alone)


def test_table_has_the_rows_asked_for_and_the_undefined_pattern(made: Path) -> None:
    train, test = (pl.read_parquet(made / f"{name}.parquet") for name in ("train", "test"))
    assert abs(len(train) + len(test) - EVENTS) <= len(PROCESSES)
    table = pl.concat([train.select(test.columns), test])
    for names, least in ((NEEDS_ONE_JET, 1), (NEEDS_TWO_JETS, 2)):
        few = table["PRI_jet_num"] < least
        for name in names:
            assert ((table[name] == -999.0) == few).all()
    defined = table.select(pl.exclude("DER_mass_MMC", *NEEDS_ONE_JET, *NEEDS_TWO_JETS))
    assert float(defined.min().transpose().min().item()) > -999.0
    assert table["PRI_tau_pt"].min() > 20
    assert table["PRI_lep_pt"].min() > 26


def test_manifest_names_versions_settings_seed_and_checksums(made: Path) -> None:
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["seed"] == 7
    assert manifest["versions"].keys() >= {"pythia8mc", "fastjet", "numpy"}
    assert "PartonLevel:MPI = on" in manifest["settings"]["common"]
    assert [part["process"] for part in manifest["processes"]] == [p.name for p in PROCESSES]
    assert sum(manifest["counts"].values()) == sum(p["rows"] for p in manifest["processes"])


def test_a_secret_seed_stays_out_of_everything_published(made: Path) -> None:
    assert "seed" not in (made / "README.md").read_text()
    assert "truth_public = false" in (made / "challenge.toml").read_text()


def test_chunks_with_other_numbers_or_seeds_differ() -> None:
    vbf = next(process for process in PROCESSES if process.name == "VBF")
    first, other, reseeded = (events(vbf, index, seed) for index, seed in ((0, 5), (1, 5), (0, 6)))
    assert first
    assert not first & other
    assert not first & reseeded


def events(process: Process, index: int, seed: int) -> set[tuple[float, float]]:
    columns = generate_chunk(process, index, seed, 50).columns
    return set(zip(columns["PRI_lep_pt"], columns["PRI_tau_pt"], strict=True))


def test_generator_settings_are_the_same_for_all_processes() -> None:
    own = {setting.split(":")[0] for process in PROCESSES for setting in process.settings}
    allowed = {"HiggsSM", "Top", "WeakSingleBoson", "WeakBosonAndParton", "PhaseSpace"}
    assert own <= allowed | {"15", "23", "24", "25"}  # hard processes and decay channels only


def test_chunks_do_not_depend_on_the_number_of_workers() -> None:
    assert [chunk_size(rows) for rows in (1, 30, 100, 10_000)] == [50, 120, 250, 1000]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--events 10 --seed 1", "at least 50 events"),
        ("--events 100 --seed -1", "seed of 0 or more"),
        ("--events 100 --seed 1 --processes 0", "1 process"),
    ],
)
def test_impossible_wishes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str, message: str
) -> None:
    assert main(["higgsml", *options.split(), "--out", str(tmp_path / "x")]) == 2
    assert message in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def die(process: Process, index: int, seed: int, size: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simulate, "get_context", lambda _: multiprocessing.get_context("fork"))
    monkeypatch.setattr(simulate, "generate_chunk", die)
    assert main(["higgsml", "--events", "60", "--seed", "1", "--out", str(tmp_path / "x")]) == 2
    assert "fewer processes" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_without_the_generators_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        import importlib.metadata

        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    with pytest.raises(DataError, match=r"fivesigma\[simulate\]"):
        require_generators()
