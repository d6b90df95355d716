"""Order, ids and usage of jets: whole events, shuffled by seed."""

import numpy as np
import polars as pl

from fivesigma_datasets.jets.kinematics import Integers
from fivesigma_datasets.shuffling import assigned

PROPORTIONS = {"train": 50.0, "public": 15.0, "private": 35.0}
FIRST_ID = 100_000


def order_and_usage(group: Integers, seed: int) -> tuple[Integers, pl.Series]:
    """A random order of the rows, training first, and the usage of each row as it stands.

    Rows with the same ``group`` (one event) have the same usage.
    """
    groups, member = np.unique(group, return_inverse=True)
    usage = assigned(pl.Series(np.zeros(len(groups), dtype=np.int64)), PROPORTIONS, seed)
    of_row = usage[member]
    shuffled = np.random.default_rng([seed, 2]).permutation(len(group))
    is_test = (of_row != "train").to_numpy()[shuffled]
    return shuffled[np.argsort(is_test, kind="stable")], of_row
