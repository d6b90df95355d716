"""Why a mask misses the lit pixels: which change of it would meet them.

Each change is tried on some events, with nothing but the mask and the published inputs.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.segmentation.columns import COORDINATES
from fivesigma_scoring.segmentation.prediction import Pixels
from fivesigma_scoring.segmentation.universe import MaskUniverse

EVENTS = 20
SEARCHED = 8
LIT_SEARCHED = 1 << 24
MOST_PIXELS = 1 << 27
TIMES_BETTER, LEAST_BETTER = 2.0, 0.5

Index = NDArray[np.int64]
Move = Callable[[Index], Index]
"""Where the pixels of an event go, indices in C order; those that leave the event are dropped."""
Change = tuple[str, float]
"""What the mask looks like, and the share of lit pixels it would meet."""


def diagnose(share: float, pixels: Pixels, universe: MaskUniverse) -> tuple[str | None, float]:
    """The change that raises the share of labelled lit pixels most, in words, and that share.

    Parameters
    ----------
    share
        As it is.
    pixels, universe
        The mask and its test set, all of whose events have lit pixels.

    Returns
    -------
    (str or None, float)
        None where no change at least doubles the share and brings it above one half.

    """
    tried = [*_moved(pixels, universe), *_given_away(pixels, universe)]
    best = _best(tried, share)
    if best is None:
        best = _best(_shuffled(pixels, universe), share)
    return (None, share) if best is None else best


def _best(changes: Sequence[Change], share: float) -> Change | None:
    least = max(LEAST_BETTER, TIMES_BETTER * share)
    better = [change for change in changes if change[1] > least]
    return max(better, key=lambda change: change[1], default=None)


def _chosen(universe: MaskUniverse, count: int) -> list[int]:
    """Places of some events, evenly spread."""
    rows = universe.format.rows
    return sorted({at * rows // count for at in range(count)})


def _met(labelled: Index, universe: MaskUniverse, place: int) -> int:
    lit = universe.lit_of(place)
    return int(np.isin(labelled, lit, kind="sort").sum())


def _moved(pixels: Pixels, universe: MaskUniverse) -> list[Change]:
    """Changes within each event."""
    chosen = _chosen(universe, EVENTS)
    labelled = [pixels.labelled(place) for place in chosen]
    lit = [universe.lit_of(place).astype(np.int64) for place in chosen]
    total = sum(one.size for one in lit)
    shape = universe.format.shape
    return [
        (words, sum(map(partial(_met_by, move, universe), labelled, chosen)) / total)
        for words, move in (*moves(shape), *_offset(tuple(shape), labelled, lit))
    ]


def _met_by(move: Move, universe: MaskUniverse, labelled: Index, place: int) -> int:
    return _met(move(labelled), universe, place)


def moves(shape: Sequence[int]) -> Iterator[tuple[str, Move]]:
    """Mistakes with the index of a pixel, in words, and what undoes each; likelier ones first."""
    names = COORDINATES.get(len(shape), ("the first axis", "the second axis"))[: len(shape)]
    for axes in list(itertools.permutations(range(len(shape))))[:0:-1]:
        yield _transposed(names, axes), partial(_permute, tuple(shape), axes)
    for step, what in ((-1, "1-based: with 1 subtracted"), (1, "too small by one: with 1 added")):
        yield f"The index of the pixels looks {what}", partial(_shift, tuple(shape), step)
    if len(shape) > 1:
        yield from _axis_moves(tuple(shape), names)


def _transposed(names: Sequence[str], axes: Sequence[int]) -> str:
    """Words for a file whose axes stand in the order `axes`."""
    found = ", ".join(names[axis] for axis in axes)
    fortran = " (Fortran order)" if list(axes) == sorted(axes, reverse=True) else ""
    return f"The axes look transposed{fortran}: read as {found} instead of {', '.join(names)}"


def _axis_moves(shape: tuple[int, ...], names: Sequence[str]) -> Iterator[tuple[str, Move]]:
    for step, what in ((-1, "1-based: with 1 subtracted"), (1, "too small by one: with 1 added")):
        together = dict.fromkeys(range(len(shape)), step)
        yield f"All coordinates look {what}", partial(_translate, shape, together)
        for axis, name in enumerate(names):
            yield f"{name} looks {what}", partial(_translate, shape, {axis: step})
    for axis, name in enumerate(names):
        yield f"{name} looks mirrored: counted from the other end", partial(_mirror, shape, axis)


def _offset(
    shape: tuple[int, ...], labelled: Sequence[Index], lit: Sequence[Index]
) -> Iterator[tuple[str, Move]]:
    """A move by several pixels: as far as the middles of masks and inputs are apart, mostly."""
    apart = [
        np.median(np.unravel_index(inputs, shape), axis=1)
        - np.median(np.unravel_index(mask, shape), axis=1)
        for mask, inputs in zip(labelled, lit, strict=True)
        if mask.size and inputs.size
    ]
    steps = np.rint(np.median(apart, axis=0)).astype(int).tolist() if apart else [0]
    if max(map(abs, steps)) < 2:
        return  # a single pixel is among the other moves
    names = COORDINATES.get(len(shape), ("index",))
    words = [
        f"{abs(step)} {'added to' if step > 0 else 'subtracted from'} {name}"
        for step, name in zip(steps, names, strict=True)
        if step
    ]
    moved = {axis: step for axis, step in enumerate(steps) if step}
    yield f"The pixels look shifted: with {' and '.join(words)}", partial(_translate, shape, moved)


def _shift(shape: tuple[int, ...], step: int, index: Index) -> Index:
    moved = index + step
    inside = (moved >= 0) & (moved < math.prod(shape))
    return np.asarray(moved[inside])


def _permute(shape: tuple[int, ...], axes: tuple[int, ...], index: Index) -> Index:
    """Indices in C order of the transposed event, as those of the event."""
    places = np.unravel_index(index, tuple(shape[axis] for axis in axes))
    back = [places[axes.index(axis)] for axis in range(len(shape))]
    return np.asarray(np.ravel_multi_index(back, shape), np.int64)


def _translate(shape: tuple[int, ...], steps: dict[int, int], index: Index) -> Index:
    places = list(np.unravel_index(index, shape))
    inside = np.ones(index.size, bool)
    for axis, step in steps.items():
        places[axis] = places[axis] + step
        inside &= (places[axis] >= 0) & (places[axis] < shape[axis])
    kept = [values[inside] for values in places]
    return np.asarray(np.ravel_multi_index(kept, shape), np.int64)


def _mirror(shape: tuple[int, ...], axis: int, index: Index) -> Index:
    places = list(np.unravel_index(index, shape))
    places[axis] = shape[axis] - 1 - places[axis]
    return np.asarray(np.ravel_multi_index(places, shape), np.int64)


def _given_away(pixels: Pixels, universe: MaskUniverse) -> list[Change]:
    """Changes of the event that each mask is for."""
    chosen = _chosen(universe, EVENTS)
    labelled = [pixels.labelled(place) for place in chosen]
    changes = []
    for words, receiver in _receivers(universe):
        kept = [(mask, int(receiver[at])) for mask, at in zip(labelled, chosen, strict=True)]
        kept = [(mask, at) for mask, at in kept if at >= 0]
        total = sum(universe.lit_of(at).size for _, at in kept)
        met = sum(_met(mask, universe, at) for mask, at in kept)
        changes.append((words, met / total if total else 0.0))
    return changes


def _receivers(universe: MaskUniverse) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Words for a mistake, and the event that each mask is for, (events,); -1 for none."""
    rows, position = universe.format.rows, universe.events.position
    places = np.arange(rows)
    for step, which in ((1, "next"), (-1, "previous")):
        moved = places + step
        yield (
            f"The events look shifted by one: with each mask given to the {which} event",
            np.where((moved >= 0) & (moved < rows), moved, -1),
        )
    if np.array_equal(position, places):
        return
    yield "The masks look sorted by event id: in the order of the sample", position
    for step, which in ((1, "small"), (-1, "large")):
        rank = universe.ordered + step
        inside = (rank >= 0) & (rank < rows)
        yield (
            f"The event ids look too {which} by one: with each mask given to its neighbour",
            np.where(inside, position[rank.clip(0, rows - 1)], -1),
        )


def _shuffled(pixels: Pixels, universe: MaskUniverse) -> list[Change]:
    """Whether masks fit other events, whichever; looks through as many as time allows."""
    upto = int(np.searchsorted(universe.offsets, LIT_SEARCHED, "right")) - 1
    if upto < 2 or universe.size > MOST_PIXELS:
        return []
    bounds = universe.offsets[: upto + 1]
    shares, fits_itself = [], 0
    painted = np.zeros(universe.size, np.uint8)
    for place in _chosen(universe, SEARCHED):
        labelled = pixels.labelled(place)
        painted[labelled] = 1
        met = np.add.reduceat(painted[universe.lit[: bounds[-1]]], bounds[:-1], dtype=np.int64)
        painted[labelled] = 0
        fit = met / np.diff(bounds)
        best = int(fit.argmax())
        fits_itself += best == place
        shares.append(float(fit[best]))
    if 2 * fits_itself > len(shares):
        return []
    words = "The events look shuffled: with each mask given to the event that it fits best"
    return [(words, float(np.median(shares)))]
