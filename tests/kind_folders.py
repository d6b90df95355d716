"""Small but real challenges of masks and of regression, as folders, for tests of whole journeys.

Masks are 12 x 10 pixels with tracks (class 2) along diagonals and showers (class 1) around their
ends; the sample names every lit pixel. The regression is a mass that a noisy feature tells.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tomli_w
from challenge_folder import CLOSES, OPENS

EVENTS, SHAPE = 120, (12, 10)
ROWS = 400
LIMITS: dict[str, int] = {}


def write_masks_challenge(folder: Path) -> Path:
    """A valid folder of the kind segmentation; `truth.npy` holds the truth for the test."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = _masks()
    np.save(folder / "truth.npy", truth)
    usage = np.where(np.arange(EVENTS) % 3 == 0, "public", "private")
    np.savez(folder / "solution.npz", mask=truth, usage=usage)
    write_sparse(folder / "sample.csv", (truth > 0).astype(np.uint8))
    test_set = {
        "solution": "solution.npz",
        "sample": "sample.csv",
        "classes": ["nothing", "shower", "track"],
    }
    phase = {
        "metric": "event_accuracy_p80",
        "metrics": ["event_accuracy_p50", "voxel_accuracy", "class_recall_2", "mean_iou"],
    }
    return _finish(folder, "segmentation", test_set, phase)


def _masks() -> np.ndarray[Any, Any]:
    random = np.random.default_rng(12)
    truth = np.zeros((EVENTS, *SHAPE), np.uint8)
    for event in truth:
        column, length = random.integers(0, 4), random.integers(5, 11)
        steps = np.arange(length)
        event[steps, (column + steps * 2 // 3) % SHAPE[1]] = 2
        row = int(random.integers(8, 10))
        event[row : row + 2, :3][random.random((2, 3)) < 0.8] = 1
    return truth


def write_sparse(path: Path, mask: np.ndarray[Any, Any]) -> Path:
    """A mask as CSV of event, voxel and class, without its zeros."""
    event, row, column = np.nonzero(mask)
    voxel = row * SHAPE[1] + column
    frame = pl.DataFrame({"event": event, "voxel": voxel, "class": mask[event, row, column]})
    frame.write_csv(path)
    return path


def write_regression_challenge(folder: Path) -> Path:
    """A valid folder of the kind regression, with a training file; masses are in GeV."""
    folder.mkdir(parents=True, exist_ok=True)
    test, train = _masses(1), _masses(2)
    train.drop("usage").write_csv(folder / "train.csv")
    test.drop("mass").drop("usage").write_csv(folder / "test.csv")
    test.select("jet", "mass", "usage").write_parquet(folder / "solution.parquet")
    test.select("jet", mass=pl.lit(292.5)).write_csv(folder / "sample.csv")
    test_set = {"solution": "solution.parquet", "sample": "sample.csv", "range": [0.0, 5000.0]}
    phase = {"metric": "bias", "metrics": ["mae", "mre", "rmse", "resolution_68"]}
    files = {"train": {"path": "train.csv", "title": "Training jets"}}
    return _finish(folder, "regression", test_set, phase, files=files)


def _masses(seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    mass = random.uniform(85, 500, ROWS)
    return pl.DataFrame(
        {
            "jet": np.arange(ROWS) + 1000 * seed,
            "mass": mass,
            "tracks": mass * random.normal(1, 0.1, ROWS),
            "usage": np.where(random.random(ROWS) < 0.4, "public", "private"),
        }
    )


def _finish(
    folder: Path, kind: str, test_set: dict[str, Any], phase: dict[str, Any], **more: Any
) -> Path:
    (folder / "README.md").write_text(f"# A small {kind}\n")
    toml = {
        "slug": "tiny",
        "title": f"Tiny {kind}",
        "summary": "For tests.",
        "kind": kind,
        "test_sets": {"main": test_set},
        "phases": [
            {"slug": "final", "title": "The phase", "opens": OPENS, "closes": CLOSES, **phase}
        ],
        **more,
    }
    (folder / "challenge.toml").write_text(tomli_w.dumps(toml))
    return folder
