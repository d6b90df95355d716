"""Shuffling, splitting and normalising a table of labelled events."""

import numpy as np
import numpy.typing as npt
import polars as pl

SIGNAL_TOTAL = 691.988607712
BACKGROUND_TOTAL = 410_999.847322
"""Expected events after selection: the sums of the weights of every split, as in 2014."""

PROPORTIONS = {"train": 250, "public": 100, "private": 450}
"""In thousands of events, as in 2014."""

FIRST_ID = 100_000


def assign_usage(groups: pl.Series, seed: int) -> pl.Series:
    """``train``, ``public`` or ``private`` per row: seeded, in the official proportions per group.

    ``groups`` is the label, or anything finer whose parts shall be the same everywhere.
    """
    rng = np.random.default_rng([seed, 1])
    usage = np.empty(len(groups), dtype=object)
    values = groups.to_numpy()
    edges = np.cumsum(list(PROPORTIONS.values())) / sum(PROPORTIONS.values())
    for value in sorted(groups.unique().to_list()):
        rows = rng.permutation(np.flatnonzero(values == value))
        cuts = np.round(edges[:-1] * len(rows)).astype(int)
        for name, part in zip(PROPORTIONS, np.split(rows, cuts), strict=True):
            usage[part] = name
    return pl.Series("usage", usage, dtype=pl.String)


def renumber(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Rows shuffled, then new ids: training events first, test events after them."""
    order = np.random.default_rng([seed, 2]).permutation(len(table))
    shuffled = table[order].sort(pl.col("usage") != "train", maintain_order=True)
    ids = pl.Series("EventId", np.arange(FIRST_ID, FIRST_ID + len(table), dtype=np.int64))
    return shuffled.with_columns(ids)


def normalise(table: pl.DataFrame) -> pl.DataFrame:
    """Weights scaled so that both classes have their totals in each usage.

    A sum that is right to 1e-6 already is left alone, so that official weights stay as they are.
    """
    total = pl.when(pl.col("Label") == "s").then(SIGNAL_TOTAL).otherwise(BACKGROUND_TOTAL)
    sums = pl.col("Weight").sum().over("usage", "Label")
    right = ((sums / total) - 1).abs() < 1e-6
    scaled = pl.when(right).then(pl.col("Weight")).otherwise(pl.col("Weight") * total / sums)
    return table.with_columns(scaled.alias("Weight"))


def auc(score: npt.NDArray[np.generic], positive: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties count one half; 0.5 where a class is absent."""
    ranks = pl.Series(score).rank("average").to_numpy()
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return 0.5
    wins = float(ranks[positive].sum()) - n_positive * (n_positive + 1) / 2
    return wins / (n_positive * n_negative)
