"""Four-momenta as arrays (…, 4) of px, py, pz, E in GeV, and what follows from them."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


def transverse(p4: Floats) -> Floats:
    """Transverse momentum."""
    return np.hypot(p4[..., 0], p4[..., 1])


def pseudorapidity(p4: Floats) -> Floats:
    """Eta; finite for momenta along the beam."""
    return np.arcsinh(p4[..., 2] / np.maximum(transverse(p4), 1e-12))


def azimuth(p4: Floats) -> Floats:
    """Phi in [-pi, pi]."""
    return np.arctan2(p4[..., 1], p4[..., 0])


def mass(p4: Floats) -> Floats:
    """Invariant mass; zero where rounding makes its square negative."""
    squared = p4[..., 3] ** 2 - (p4[..., :3] ** 2).sum(axis=-1)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def momenta(pt: Floats, eta: Floats, phi: Floats, mass: float | Floats = 0.0) -> Floats:
    """(px, py, pz, E) along a new last axis."""
    pz = pt * np.sinh(eta)
    energy = np.sqrt(pt**2 + pz**2 + np.asarray(mass) ** 2)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pz, energy], axis=-1)


def wrapped(angle: Floats) -> Floats:
    """Angle differences in [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def sums(index: Integers, values: Floats, size: int) -> Floats:
    """Sums of the rows of ``values`` (n, k) with the same ``index``, shape (size, k)."""
    columns = [np.bincount(index, weights=column, minlength=size) for column in values.T]
    return np.stack(columns, axis=1)


def pairs(first: Integers, last: Integers) -> tuple[Integers, Integers]:
    """Every (i, j) with ``first[i] <= j < last[i]``: ranges of rows, flattened."""
    sizes = last - first
    owner = np.repeat(np.arange(len(first)), sizes)
    begin = np.repeat(first - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    return owner, np.arange(len(owner)) + begin


def padded(owner: Integers, values: npt.NDArray[Any], n: int, size: int) -> npt.NDArray[Any]:
    """Rows grouped by ascending ``owner`` as (n, size, …): zeros behind, what is over left out."""
    position = np.arange(len(owner)) - np.searchsorted(owner, owner, side="left")
    keep = position < size
    table = np.zeros((n, size, *values.shape[1:]), dtype=values.dtype)
    table[owner[keep], position[keep]] = values[keep]
    return table
