"""Choosing jets of two classes so that both have the same pt and eta."""

import numpy as np

from fivesigma_datasets.jets.kinematics import Floats, Integers
from fivesigma_datasets.toptag.processes import MAX_ETA, PT_RANGE

MOST_BINS = 10
"""Bins in pt and in |eta|: 10 GeV and 0.2 wide where there are jets enough."""

JETS_PER_BIN = 20


def bins(pt: Floats, eta: Floats, wanted: int) -> Integers:
    """The number of each jet's bin; finer, the more jets are wanted."""
    n = int(np.clip(np.sqrt(wanted / JETS_PER_BIN), 1, MOST_BINS))
    low, high = PT_RANGE
    first = np.clip((pt - low) / (high - low) * n, 0, n - 1).astype(np.int64)
    second = np.clip(np.abs(eta) / MAX_ETA * n, 0, n - 1).astype(np.int64)
    return first * n + second


def most_matched(one: Integers, other: Integers) -> int:
    """Pairs of jets in the same bin that two classes can form."""
    size = 1 + max(one.max(initial=0), other.max(initial=0))
    return int(
        np.minimum(np.bincount(one, minlength=size), np.bincount(other, minlength=size)).sum()
    )


def matched(
    one: Integers, other: Integers, wanted: int, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Rows of either class, ``wanted`` of each, that fill the bins alike; at random within a bin.

    There must be as many pairs.
    """
    size = 1 + max(one.max(initial=0), other.max(initial=0))
    common = np.minimum(np.bincount(one, minlength=size), np.bincount(other, minlength=size))
    rows = tuple(_first_of_bins(numbers, common, rng) for numbers in (one, other))
    pairs = rng.choice(len(rows[0]), wanted, replace=False)
    return rows[0][pairs], rows[1][pairs]


def _first_of_bins(numbers: Integers, common: Integers, rng: np.random.Generator) -> Integers:
    """Rows by bin, as many of each bin as ``common`` says."""
    order = rng.permutation(len(numbers))
    order = order[np.argsort(numbers[order], kind="stable")]
    ordered = numbers[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left")
    return np.asarray(order[rank < common[ordered]])
