"""The shipped jets, and jets in the layout of the reference set."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from fivesigma_backend.challenges.compiling import scoring_of
from fivesigma_backend.challenges.definition import read_definition
from fivesigma_datasets import demo_submissions, prepare
from fivesigma_datasets.toptag import figures
from fivesigma_datasets.toptag.folder import INPUTS
from fivesigma_datasets.toptag.reference_layout import MOMENTA, TRUTH
from fivesigma_scoring import Outcome, compile_solution, score_file


@dataclass(frozen=True)
class Jets:
    """Shipped jets with their truth: a table (id, pt, eta, mass, label, usage, variant, event)."""

    table: pl.DataFrame
    constituents: np.ndarray[Any, Any]
    images: np.ndarray[Any, Any]

    @property
    def signal(self) -> np.ndarray[Any, Any]:
        return (self.table["label"] == "s").to_numpy()


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("toptag") / "small"
    prepare("toptag", out)
    return out


def _read(folder: Path, name: str, table: pl.DataFrame) -> Jets:
    with h5py.File(folder / f"{name}.h5") as file:
        assert file["id"][:].tolist() == table["id"].to_list()
        return Jets(table, file["constituents"][:], file["images"][:])


@pytest.fixture(scope="session")
def train(small_folder: Path) -> Jets:
    table = pl.read_parquet(small_folder / "train.parquet")
    named = table.with_columns(usage=pl.lit("train"), variant=pl.lit("nominal"))
    return _read(small_folder, "train", named)


@pytest.fixture(scope="session")
def test(small_folder: Path) -> Jets:
    table = pl.read_parquet(small_folder / "test.parquet")
    solution = pl.read_parquet(small_folder / "solution.parquet")
    return _read(small_folder, "test", table.join(solution, on="id", maintain_order="left"))


@pytest.fixture(scope="session")
def reference_table(train: Jets) -> pl.DataFrame:
    """400 shipped jets as rows of the reference set; the true top is the jet with its mass."""
    n = 400
    momenta = train.constituents[:n].reshape(n, -1)
    total = train.constituents[:n].sum(axis=1, dtype=np.float64)
    top = train.signal[:n]
    total[:, 0] = np.sqrt((total[:, 1:] ** 2).sum(axis=1) + 173.0**2)
    truth = np.where(top[:, None], total, 0.0).astype(np.float32)
    table = pl.from_numpy(np.hstack([momenta, truth]), schema=[*MOMENTA, *TRUTH])
    return table.with_columns(ttv=pl.lit(0), is_signal_new=pl.Series(top.astype(np.int64)))


Scored = Callable[[bytes], Outcome]


@pytest.fixture(scope="session")
def scored(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """What the platform's scoring says of a submission to the shipped challenge."""
    folder = tmp_path_factory.mktemp("scored")
    spec, phases = scoring_of(read_definition(small_folder), "main")
    files = (small_folder / "solution.parquet", small_folder / "sample_submission.csv")
    compile_solution(*files, folder / "compiled", test_set=spec, phases=phases)

    def score(content: bytes) -> Outcome:
        file = folder / "submission.csv"
        file.write_bytes(content)
        outcome = score_file(file, file.name, folder / "compiled", "challenge")
        assert outcome.report.ok, outcome.report
        return outcome

    return score


@pytest.fixture(scope="session")
def references(
    small_folder: Path, scored: Scored, tmp_path_factory: pytest.TempPathFactory
) -> list[Outcome]:
    """The reference submissions scored, made from published files alone, worst first."""
    published = tmp_path_factory.mktemp("published")
    for name in (*INPUTS, "challenge.toml"):
        shutil.copyfile(small_folder / name, published / name)
    return [scored(content) for _name, _message, content in demo_submissions(published)]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders without pictures, which take longer than all the rest."""
    monkeypatch.setattr(figures, "draw", lambda _folder, _report: None)
