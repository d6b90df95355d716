"""A test set of five masses; `check` of the folder above brings a file before it."""

import numpy as np
import pytest
from fivesigma_scoring import PredictionFormat, Universe


@pytest.fixture
def universe() -> Universe:
    """Ids 100 to 104; the sample lists them backwards."""
    form = PredictionFormat(
        rows=5, id_column="event", kind="regression", targets=("mass",), bounds=(0, 5000)
    )
    return Universe.of(form, np.arange(104, 99, -1))
