"""A seeded split into public and private rows, for solutions that bring no usage column."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

IGNORED, PUBLIC, PRIVATE = 0, 1, 2
USAGES = {"ignored": IGNORED, "public": PUBLIC, "private": PRIVATE}


def make_usage(
    label: ArrayLike,
    *,
    public: float,
    seed: int,
    stratify: bool | ArrayLike = True,
    group: ArrayLike | None = None,
) -> NDArray[np.int8]:
    """Draw the public rows; the same arguments give the same split on every machine.

    Parameters
    ----------
    label
        Class of each row, shape (n,).
    public
        Share of public rows, between 0 and 1, both excluded.
    seed
        Seed of the Mersenne Twister, at least 0.
    stratify
        True keeps the share within each class, an array (n,) within each of its values, False only
        on the whole.
    group
        Rows with equal values, shape (n,), stay on the same side; the strata are then those of each
        group's first row, and the share is one of groups.

    Returns
    -------
    int8 (n,)
        1 public, 2 private.

    Raises
    ------
    ValueError
        The share is not between 0 and 1, the seed is negative, or the shapes differ.

    """
    if not 0 < public < 1:
        raise ValueError(f"The public share must lie between 0 and 1, not {public}.")
    rows = np.asarray(label)
    if isinstance(stratify, bool | np.bool_):
        strata = rows if stratify else np.zeros(rows.shape, np.int8)
    else:
        strata = np.asarray(stratify)
    if group is not None:
        _, first, unit = np.unique(np.asarray(group), return_index=True, return_inverse=True)
        strata = strata[first]
    usage = _draw(strata, public, seed)
    return usage if group is None else usage[unit]


def _draw(strata: NDArray[np.generic], public: float, seed: int) -> NDArray[np.int8]:
    """RandomState keeps its stream for ever, unlike the newer generators."""
    random = np.random.RandomState(np.random.MT19937(seed))
    usage = np.full(strata.size, PRIVATE, np.int8)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        count = int(np.floor(public * members.size + 0.5))
        usage[random.permutation(members)[:count]] = PUBLIC
    return usage
