"""A few events from the real generators."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from fivesigma_datasets import DataError
from fivesigma_datasets.__main__ import main
from fivesigma_datasets.chunks import Arrays
from fivesigma_datasets.higgsml import simulate
from fivesigma_datasets.higgsml.features import NEEDS_ONE_JET, NEEDS_TWO_JETS
from fivesigma_datasets.higgsml.processes import PROCESSES, Process
from fivesigma_datasets.higgsml.simulate import Task, chunk_size, generate_chunk
from fivesigma_datasets.pythia import require_generators

EVENTS = 50


def generate(out: Path, *, processes: int, seed: int = 7) -> dict[str, bytes]:
    options = f"higgsml --events {EVENTS} --seed {seed} --processes {processes} --out {out}"
    assert main(options.split()) == 0
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.*")}


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
    columns = generate_chunk(Task(process, index, seed, 50))
    return set(zip(columns["PRI_lep_pt"], columns["PRI_tau_pt"], strict=True))


def test_generator_settings_are_the_same_for_all_processes() -> None:
    own = {setting.split(":")[0] for process in PROCESSES for setting in process.settings}
    allowed = {"HiggsSM", "Top", "WeakSingleBoson", "WeakBosonAndParton", "PhaseSpace"}
    assert own <= allowed | {"23", "24", "25"}  # hard processes and decay channels only


def test_chunks_do_not_depend_on_the_number_of_workers() -> None:
    assert [chunk_size(rows) for rows in (1, 60, 130, 10_000)] == [50, 120, 250, 2000]


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


SCRIPT = """
import sys
from fivesigma_datasets.__main__ import main
from fivesigma_datasets.chunks import Arrays
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


def test_a_run_killed_in_the_middle_goes_on_and_gives_the_same_bytes(
    made: Path, tmp_path: Path
) -> None:
    script, out = tmp_path / "run.py", tmp_path / "out"
    script.write_text(SCRIPT)
    options = ["higgsml", "--events", str(EVENTS), "--seed", "7", "--out", str(out)]
    run = subprocess.Popen([sys.executable, str(script), *options], stderr=subprocess.DEVNULL)
    kept = tmp_path / ".out.chunks"
    while not len(list(kept.glob("*/*.npz"))) >= 2:
        assert run.poll() is None
        time.sleep(0.02)
    run.kill()
    run.wait()
    assert not out.exists()
    first = {path: path.stat().st_mtime_ns for path in kept.glob("*/*.npz")}
    assert 2 <= len(first) < len(PROCESSES) + 2
    remade: list[tuple[str, int]] = []
    unbroken = {str(path.relative_to(made)): path.read_bytes() for path in made.rglob("*.*")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "generate_chunk", counted(remade))
        assert generate(out, processes=1) == unbroken
    assert len(remade) + len(first) >= len(PROCESSES)
    assert not set(remade) & {(path.parent.name, int(path.stem)) for path in first}
    assert not kept.exists()


def counted(made: list[tuple[str, int]]) -> Callable[[Task], Arrays]:
    """The maker of chunks, which writes down what it makes."""

    def make(task: Task) -> Arrays:
        made.append((task.process.name, task.index))
        return generate_chunk(task)

    return make


def test_without_the_generators_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        import importlib.metadata

        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    with pytest.raises(DataError, match=r"fivesigma\[simulate\]"):
        require_generators()
