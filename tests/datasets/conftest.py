import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fivesigma_datasets import prepare

REAL = Path(__file__).parents[3] / "shared" / "data" / "higgsml-real-9998"


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder with rows of the 2014 table."""
    if not REAL.is_dir():
        pytest.skip("the real HiggsML rows are not at ../shared/data")
    return REAL


@pytest.fixture(scope="session")
def real_table(real: Path) -> pl.DataFrame:
    return pl.read_csv(real / "contiguous_7521.csv")


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("small") / "higgsml"
    prepare("higgsml", out)
    return out


@pytest.fixture(scope="session")
def small_manifest(small_folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((small_folder / "manifest.json").read_text())
    return manifest


@pytest.fixture(scope="session")
def small_table(small_folder: Path) -> pl.DataFrame:
    """All rows of the shipped table with Weight, Label and usage."""
    train = pl.read_parquet(small_folder / "train.parquet").with_columns(usage=pl.lit("train"))
    solution = pl.read_parquet(small_folder / "solution.parquet")
    test = pl.read_parquet(small_folder / "test.parquet").join(solution, on="EventId")
    test = test.rename({"weight": "Weight", "label": "Label"})
    return pl.concat([train, test.select(train.columns)])
