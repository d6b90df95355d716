"""Jets with lists of different lengths, as flat arrays; and putting many of them in another order.

A table of n jets is a mapping of arrays. ``count`` (n,) and ``lit`` (n,) say how many rows of the
flat ``p4`` (sum, 4) and of ``pixel`` and ``energy`` (sum,) belong to each jet, jet after jet; every
other array has a row per jet.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fivesigma_datasets.chunks import Arrays
from fivesigma_datasets.jets.kinematics import Integers, pairs

SIZES = {"p4": "count", "pixel": "lit", "energy": "lit"}
"""Flat arrays, and the array that says how long each jet's part of them is."""

BUCKET = 20_000
"""Jets put in order at a time: about 30 MB."""


def taken(jets: Mapping[str, npt.NDArray[Any]], rows: npt.NDArray[Any]) -> Arrays:
    """The jets of an index or mask, in its order."""
    index = np.arange(len(jets["count"]))[rows]
    parts = {name: jets[name][index] for name in jets if name not in SIZES}
    for name, size in SIZES.items():
        end = np.cumsum(jets[size])
        parts[name] = jets[name][pairs((end - jets[size])[index], end[index])[1]]
    return parts


def joined(parts: Sequence[Mapping[str, npt.NDArray[Any]]]) -> Arrays:
    """The jets of several tables, one after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def reordered(parts: Iterable[tuple[Integers, Arrays]], kept: Path) -> Iterator[Arrays]:
    """All jets in the order of their places, ``BUCKET`` of them at a time.

    ``parts`` are jets with the place of each in the end, 0 to the number of all jets - 1. They are
    laid down in the folder ``kept`` by their place, so that no more than a bucket is in memory.
    """
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True, mode=0o700)
    for number, (place, jets) in enumerate(parts):
        for chosen in np.unique(place // BUCKET):
            rows = np.flatnonzero(place // BUCKET == chosen)
            path = kept / f"{chosen:06}-{number:06}.npz"
            np.savez(path, place=place[rows], **taken(jets, rows))  # type: ignore[arg-type]  # numpy types its own keyword only
    last = max((int(path.name[:6]) for path in kept.iterdir()), default=-1)
    for chosen in range(last + 1):
        found = joined([_read(path) for path in sorted(kept.glob(f"{chosen:06}-*.npz"))])
        order = np.argsort(found.pop("place"), kind="stable")
        yield taken(found, order)
    shutil.rmtree(kept)


def _read(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
