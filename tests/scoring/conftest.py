"""A small test set of five events, and ways to bring a file before it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fivesigma_scoring import PredictionFormat, Report, Universe, check_file

Check = Callable[..., Report]


@pytest.fixture
def universe() -> Universe:
    """Ids 100 to 104; the sample lists them backwards."""
    form = PredictionFormat(rows=5, id_column="EventId", min_selected=1)
    return Universe.of(form, np.arange(104, 99, -1))


@pytest.fixture
def check(tmp_path: Path, universe: Universe) -> Check:
    """Write bytes as a file and run the full check on it."""

    def run(data: bytes, filename: str = "mine.csv", universe: Universe = universe) -> Report:
        folder = tmp_path / "universe"
        folder.mkdir(exist_ok=True)
        universe.save(folder)
        path = tmp_path / "blob"
        path.write_bytes(data)
        return check_file(path, filename, folder)

    return run
