"""Reference submissions that anybody could make from the published files alone."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from fivesigma_datasets.higgsml.features import UNDEFINED, Floats
from fivesigma_datasets.higgsml.split import BACKGROUND_TOTAL, SIGNAL_TOTAL

WINDOWS = {"DER_mass_MMC": (100.0, 150.0), "DER_mass_vis": (70.0, 100.0)}
"""Mass windows in GeV: around the Higgs boson's 125, and around its visible mass."""

NOT_FEATURES = ("EventId", "Weight", "Label")

REGULARISATION = 10.0
MIN_EFFECTIVE = 40.0
"""Effective number of background training events that a cut must keep."""

STUMPS = 150
THRESHOLDS = 24


def mass_window(test: pl.DataFrame) -> pl.DataFrame:
    """Events with a mass in the window are signal; ranked by distance from its middle.

    The mass is the estimate of the tau pair's; the visible one where a table has no estimate.
    """
    name = next(name for name in WINDOWS if name in test.columns)
    mass, (low, high) = test[name].to_numpy().astype(np.float64), WINDOWS[name]
    closeness = -np.abs(mass - (low + high) / 2)
    return submission(test["EventId"], closeness, (mass > low) & (mass < high))


def logistic_regression(train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    """Logistic regression on standardised features and their squares."""
    columns, scaler = _inputs(train, None)
    target, weight = _targets(train)
    squares = np.hstack([np.ones((len(columns), 1)), columns, columns**2])
    beta = np.zeros(squares.shape[1])
    for _ in range(12):  # Newton's method converges long before
        probability = 1 / (1 + np.exp(-np.clip(squares @ beta, -30, 30)))
        slope = squares.T @ (weight * (target - probability)) - 1e-4 * beta
        curvature = (squares * (weight * probability * (1 - probability))[:, None]).T @ squares
        beta += np.linalg.solve(curvature + 1e-4 * np.eye(len(beta)), slope)
    other, _ = _inputs(test, scaler)
    score = np.hstack([np.ones((len(other), 1)), other, other**2]) @ beta
    return _decide(train, squares @ beta, test, score)


def boosted_stumps(train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    """Gradient boosting with one cut on one feature per step."""
    columns, scaler = _inputs(train, None)
    other, _ = _inputs(test, scaler)
    edges = np.quantile(columns, np.linspace(0.03, 0.97, THRESHOLDS), axis=0).T
    bins, other_bins = _binned(columns, edges), _binned(other, edges)
    target, weight = _targets(train)
    score, predicted = np.zeros(len(columns)), np.zeros(len(other))
    for _ in range(STUMPS):
        probability = 1 / (1 + np.exp(-score))
        feature, cut, low, high = _best_stump(
            bins, weight * (target - probability), weight * probability * (1 - probability)
        )
        score += 0.3 * np.where(bins[:, feature] > cut, high, low)
        predicted += 0.3 * np.where(other_bins[:, feature] > cut, high, low)
    return _decide(train, score, test, predicted)


def submission(ids: pl.Series, score: Floats, selected: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """Kaggle's format: the larger RankOrder (1 … n), the more signal-like."""
    rank = np.empty(len(score), dtype=np.int64)
    rank[np.argsort(score, kind="stable")] = np.arange(1, len(score) + 1)
    label = pl.Series("Class", np.where(selected, "s", "b"))
    return pl.DataFrame({"EventId": ids, "RankOrder": rank}).with_columns(label)


def demo_submissions(folder: Path) -> list[tuple[str, str, bytes]]:
    """File name, message and content of three honest submissions, worst first."""
    train = pl.read_parquet(folder / "train.parquet")
    test = pl.read_parquet(folder / "test.parquet")
    tables = (
        ("mass_window.csv", "Mass window 100-150 GeV", mass_window(test)),
        ("logistic.csv", "Logistic regression with squares", logistic_regression(train, test)),
        ("stumps.csv", f"{STUMPS} boosted stumps", boosted_stumps(train, test)),
    )
    return [(name, message, to_csv(table)) for name, message, table in tables]


def to_csv(table: pl.DataFrame) -> bytes:
    """The table as CSV with a header."""
    buffer = io.BytesIO()
    table.write_csv(buffer)
    return buffer.getvalue()


Scaler = tuple[Floats, Floats, Floats]


def _inputs(table: pl.DataFrame, scaler: Scaler | None) -> tuple[Floats, Scaler]:
    """Standardised features without angles; undefined values become the median."""
    names = [
        name for name in table.columns if name not in NOT_FEATURES and not name.endswith("_phi")
    ]
    values = table.select(names).to_numpy().astype(np.float64)
    values = np.where(values == UNDEFINED, np.nan, values)
    if scaler is None:
        median = np.nan_to_num(np.nanmedian(values, axis=0))
        filled = np.where(np.isnan(values), median, values)
        scaler = (median, filled.mean(axis=0), np.maximum(filled.std(axis=0), 1e-9))
    median, mean, width = scaler
    filled = np.where(np.isnan(values), median, values)
    return np.clip((filled - mean) / width, -4.0, 4.0), scaler


def _targets(train: pl.DataFrame) -> tuple[Floats, Floats]:
    """Targets and weights that give both classes the same total."""
    target = (train["Label"] == "s").to_numpy().astype(np.float64)
    weight = train["Weight"].to_numpy().astype(np.float64)
    for value in (0.0, 1.0):
        weight = np.where(target == value, weight / weight[target == value].sum(), weight)
    return target, weight


def _binned(columns: Floats, edges: Floats) -> npt.NDArray[np.int64]:
    return np.stack(
        [np.searchsorted(edge, column) for edge, column in zip(edges, columns.T, strict=True)],
        axis=1,
    )


def _best_stump(
    bins: npt.NDArray[np.int64], slope: Floats, curvature: Floats
) -> tuple[int, int, float, float]:
    """Feature, bin and both leaf values of the cut that lowers the loss most."""
    n_features, size = bins.shape[1], THRESHOLDS + 1
    flat = (bins + np.arange(n_features) * size).ravel()
    shape = (n_features, size)
    length = n_features * size
    g = np.bincount(flat, np.repeat(slope, n_features), length).reshape(shape).cumsum(axis=1)
    h = np.bincount(flat, np.repeat(curvature, n_features), length).reshape(shape).cumsum(axis=1)
    g_high, h_high = g[:, -1:] - g, h[:, -1:] - h
    gain = g**2 / (h + 1e-3) + g_high**2 / (h_high + 1e-3)
    feature, cut = divmod(int(gain[:, :-1].argmax()), size - 1)
    low, high = g / (h + 1e-3), g_high / (h_high + 1e-3)
    return feature, cut, float(low[feature, cut]), float(high[feature, cut])


def _decide(train: pl.DataFrame, seen: Floats, test: pl.DataFrame, score: Floats) -> pl.DataFrame:
    """The best cut on the training events among those that keep enough background to trust.

    Tighter cuts look better on the events that were fitted than they are.
    """
    order = np.argsort(-seen, kind="stable")
    weight = train["Weight"].to_numpy().astype(np.float64)[order]
    signal = (train["Label"] == "s").to_numpy()[order]
    s, b = np.cumsum(weight * signal), np.cumsum(weight * ~signal)
    effective = b**2 / np.maximum(np.cumsum((weight * ~signal) ** 2), 1e-300)
    s, b = s * SIGNAL_TOTAL / s[-1], b * BACKGROUND_TOTAL / b[-1] + REGULARISATION
    significance = np.where(effective >= MIN_EFFECTIVE, (s + b) * np.log1p(s / b) - s, 0.0)
    cut = seen[order][int(significance.argmax())]
    return submission(test["EventId"], score, score >= cut)
