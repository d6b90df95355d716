from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_datasets import prepare
from fivesigma_datasets.jets.kinematics import Floats
from fivesigma_datasets.topmass.layout import Form, Pictures, read_images
from fivesigma_datasets.topmass.reference import columns_of
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Fits of small tables lose more by waiting for busy cores than they win by using two."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped small table as a challenge folder."""
    out = tmp_path_factory.mktemp("small") / "topmass"
    prepare("topmass", out)
    return out


@pytest.fixture(scope="session")
def train(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "train.parquet")


@pytest.fixture(scope="session")
def test_jets(folder: Path) -> pl.DataFrame:
    """The test table with the truth in its own order."""
    solution = pl.read_parquet(folder / "solution.parquet")
    test = pl.read_parquet(folder / "test.parquet")
    return test.join(solution, on="id", validate="1:1", maintain_order="left")


@pytest.fixture(scope="session")
def test_images(folder: Path) -> tuple[Pictures, Form]:
    return read_images(folder / "test_images.h5")


@pytest.fixture(scope="session")
def image_sum(test_images: tuple[Pictures, Form]) -> Floats:
    images, form = test_images
    return np.asarray(images.sum(axis=(1, 2, 3)) * form.step)


@pytest.fixture(scope="session")
def inputs(folder: Path) -> tuple[Floats, Floats]:
    """Masses and substructure of the training and of the test images."""
    return columns_of(folder, "train"), columns_of(folder, "test")
