"""Shuffling, splitting and normalising a table of labelled events."""

from collections.abc import Mapping

import numpy as np
import polars as pl

SIGNAL_TOTAL = 691.988607712
BACKGROUND_TOTAL = 410_999.847322
TOTALS = {"s": SIGNAL_TOTAL, "b": BACKGROUND_TOTAL}
"""Expected events after selection: the sums of the weights of every split, as in 2014."""

PROPORTIONS = {"train": 250, "public": 100, "private": 450}
"""In thousands of events, as in 2014."""

FIRST_ID = 100_000


def renumber(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Rows shuffled, then new ids: training events first, test events after them."""
    order = np.random.default_rng([seed, 2]).permutation(len(table))
    shuffled = table[order].sort(pl.col("usage") != "train", maintain_order=True)
    ids = pl.Series("EventId", np.arange(FIRST_ID, FIRST_ID + len(table), dtype=np.int64))
    return shuffled.with_columns(ids)


def normalise(table: pl.DataFrame, totals: Mapping[str, float] = TOTALS) -> pl.DataFrame:
    """Weights scaled so that both classes have their totals in each usage.

    A sum that is right to 1e-6 already is left alone, so that official weights stay as they are.
    """
    total = pl.when(pl.col("Label") == "s").then(totals["s"]).otherwise(totals["b"])
    sums = pl.col("Weight").sum().over("usage", "Label")
    right = ((sums / total) - 1).abs() < 1e-6
    scaled = pl.when(right).then(pl.col("Weight")).otherwise(pl.col("Weight") * total / sums)
    return table.with_columns(scaled.alias("Weight"))
