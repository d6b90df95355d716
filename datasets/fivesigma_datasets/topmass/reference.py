"""Reference submissions, made with numpy from the published files alone."""

import io
from pathlib import Path

import numpy as np
import polars as pl

from fivesigma_datasets.jets.kinematics import Floats
from fivesigma_datasets.topmass.features import NAMES, features
from fivesigma_datasets.topmass.layout import read_images

BEST_CONSTANT = 292.5
"""The middle of 85 … 500 GeV has the smallest mean absolute error of all constants: 103.75 GeV."""

TRAINING = 5000
"""Training jets that the fits use, so that they take seconds."""

LANDMARKS = 600
REACH = 7.0
"""Width of the kernel in units of the standardised features' spread."""

PENALTY = 0.3
AT_ONCE = 512


def constant(test: pl.DataFrame) -> pl.DataFrame:
    """The best constant for every jet."""
    return submission(test, np.full(len(test), BEST_CONSTANT))


def submission(test: pl.DataFrame, mass: Floats) -> pl.DataFrame:
    """The columns of a prediction file."""
    return test.select("id").with_columns(mass=pl.Series(np.round(mass, 2)))


def columns_of(folder: Path, part: str, rows: int | None = None) -> Floats:
    """Features of the images of ``train`` or ``test`` and the jets' pt, block by block."""
    table = pl.read_parquet(folder / f"{part}.parquet")
    n = len(table) if rows is None else min(rows, len(table))
    blocks = [np.empty((0, len(NAMES)))]
    for begin in range(0, n, AT_ONCE):
        end = min(begin + AT_ONCE, n)
        images, form = read_images(folder / f"{part}_images.h5", slice(begin, end))
        blocks.append(features(images, width=form.width, step=form.step))
    return np.column_stack([np.concatenate(blocks), table["pt"].to_numpy()[:n]])


def straight_line(train: Floats, mass: Floats, test: Floats) -> Floats:
    """Least squares on all features."""
    seen, other = _standardised(train, test)
    slope = _ridge(_with_one(seen), mass)
    return _inside(_with_one(other) @ slope, mass)


def kernel_ridge(train: Floats, mass: Floats, test: Floats) -> Floats:
    """Least squares on Gaussian bells around some training jets, and on the features."""
    seen, other = _standardised(train, test)
    centres = seen[:: max(len(seen) // LANDMARKS, 1)][:LANDMARKS]
    seen, other = (np.hstack([_with_one(x), _bells(x, centres)]) for x in (seen, other))
    return _inside(other @ _ridge(seen, mass), mass)


def demo_submissions(folder: Path) -> list[tuple[str, str, bytes]]:
    """File name, message and content of three honest submissions, worst first."""
    test = pl.read_parquet(folder / "test.parquet")
    mass = pl.read_parquet(folder / "train.parquet")["mass"].to_numpy()[:TRAINING]
    seen, other = columns_of(folder, "train", TRAINING), columns_of(folder, "test")
    fits = (
        ("constant.csv", "The best constant", np.full(len(test), BEST_CONSTANT)),
        ("line.csv", "Straight line in masses and substructure", straight_line(seen, mass, other)),
        ("kernel.csv", "Kernel ridge on masses and substructure", kernel_ridge(seen, mass, other)),
    )
    return [(name, text, to_csv(submission(test, values))) for name, text, values in fits]


def to_csv(table: pl.DataFrame) -> bytes:
    """The table as CSV with a header."""
    buffer = io.BytesIO()
    table.write_csv(buffer)
    return buffer.getvalue()


def _standardised(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Both on the scale of the training jets, outliers pulled in."""
    mean, width = train.mean(axis=0), np.maximum(train.std(axis=0), 1e-9)
    seen, other = (np.clip((x - mean) / width, -4.0, 4.0) for x in (train, test))
    return np.asarray(seen), np.asarray(other)


def _with_one(x: Floats) -> Floats:
    return np.hstack([np.ones((len(x), 1)), x])


def _bells(x: Floats, centres: Floats) -> Floats:
    squared = (x**2).sum(axis=1)[:, None] - 2 * x @ centres.T + (centres**2).sum(axis=1)
    return np.asarray(np.exp(-np.maximum(squared, 0.0) / (2 * REACH**2)))


def _ridge(x: Floats, y: Floats) -> Floats:
    return np.asarray(np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ y))


def _inside(values: Floats, mass: Floats) -> Floats:
    """Predictions within the range of the training masses."""
    return np.asarray(np.clip(values, mass.min(), mass.max()))
