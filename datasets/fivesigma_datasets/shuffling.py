"""Dividing and shuffling rows by seed, and what an order gives away."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl


def assigned(groups: pl.Series, proportions: Mapping[str, float], seed: int) -> pl.Series:
    """A usage (a key of ``proportions``) per row: seeded, in these proportions in each group.

    ``groups`` is the label, or anything finer whose parts shall be the same everywhere.
    """
    rng = np.random.default_rng([seed, 1])
    usage = np.empty(len(groups), dtype=object)
    values = groups.to_numpy()
    edges = np.cumsum(list(proportions.values())) / sum(proportions.values())
    for value in sorted(groups.unique().to_list()):
        rows = rng.permutation(np.flatnonzero(values == value))
        cuts = np.round(edges[:-1] * len(rows)).astype(int)
        for name, part in zip(proportions, np.split(rows, cuts), strict=True):
            usage[part] = name
    return pl.Series("usage", usage, dtype=pl.String)


def auc(score: npt.NDArray[np.generic], positive: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties count one half; 0.5 where a class is absent."""
    ranks = pl.Series(score).rank("average").to_numpy()
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return 0.5
    wins = float(ranks[positive].sum()) - n_positive * (n_positive + 1) / 2
    return wins / (n_positive * n_negative)
