"""Sums that do not depend on who computes them."""

import os
import subprocess
import sys

import numpy as np
import pytest
from fivesigma_scoring.sums import dot, dot_columns

PROGRAM = """
import numpy as np
from fivesigma_scoring import score
random = np.random.default_rng(1)
truth = random.normal(100, 30, 300_001)
mine = truth + random.normal(0, 10, truth.size)
weight = random.uniform(0.5, 2, truth.size)
label = truth > 120
for metric in ("mae", "rmse", "bias"):
    print(score(metric, truth, mine, weight))
print(score("auc", label, mine, weight, weighted=True))
print(score("ams", label, mine > 115, weight, normalise={"s": 700, "b": 4e5}))
"""


def test_products_are_summed_as_a_loop_does() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(size=(2, 1000))
    assert dot(one, other) == pytest.approx(sum(a * b for a, b in zip(one, other, strict=True)))
    columns = random.normal(size=(1000, 2))
    assert dot_columns(one, columns) == pytest.approx([dot(one, c.copy()) for c in columns.T])


def test_scores_are_the_same_with_any_number_of_threads_and_any_kernel() -> None:
    settings = [
        {"OPENBLAS_NUM_THREADS": "1"},
        {"OPENBLAS_NUM_THREADS": "2"},
        {"OPENBLAS_CORETYPE": "Haswell"},
        {"OPENBLAS_CORETYPE": "Nehalem"},
    ]
    answers = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, **setting},
            capture_output=True,
            check=True,
        ).stdout
        for setting in settings
    }
    assert len(answers) == 1
