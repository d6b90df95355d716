"""From deposited energy to lit pixels with charge and truth.

Recombination, diffusion on the way to the wires, projection (images), noise, threshold, dead
wires. Charge is in thousands of electrons.
"""

import math
from dataclasses import dataclass

import numpy as np

from fivesigma_datasets.lartpc import argon
from fivesigma_datasets.lartpc.layout import PIXEL, Layout
from fivesigma_datasets.lartpc.particles import Deposits, Floats, Index

DRIFT_SPEED = 1.6e5  # cm/s at 0.5 kV/cm and 87 K, Walkowiak, NIM A 449 (2000) 288
DIFFUSION = {"along": 6.2, "across": 16.3}
"""cm²/s at 0.5 kV/cm, Li et al., NIM A 816 (2016) 160."""
NOISE = 0.5
"""Thousands of electrons: equivalent noise charge of cold electronics, MicroBooNE, JINST 12 (2017)
P08003 (about 400 after filtering)."""
DEAD_BANDS = (2, 5)  # number of bands, from … to
DEAD_WIDTH = (3, 10)  # wires, from … to
ROUNDED = 0.1  # thousands of electrons, one count of the digitiser
LIMIT = 409.5
"""Thousands of electrons, full scale: 4,095 counts."""
MOST_CLASSES = 4


@dataclass(frozen=True)
class Lit:
    """Lit pixels of many events, ascending by event and pixel.

    ``event`` and ``voxel`` int64 (n,), ``charge`` in thousands of electrons (n,), ``label`` uint8
    (n,): the class that left the largest charge, 0 for noise.
    """

    event: Index
    voxel: Index
    charge: Floats
    label: Index


def ionisation(deposits: Deposits) -> Floats:
    """Thousands of electrons that escape recombination at each deposit."""
    kept = argon.survival(deposits.energy / deposits.length)
    return deposits.energy * kept / argon.WORK_FUNCTION / 1e3


def spread(deposits: Deposits, layout: Layout) -> tuple[Index, Floats]:
    """Pixel and charge of each deposit's shares, after diffusion: int64 (n, k), (n, k).

    Pixels are numbered through all events; -1 outside. Axis 0 of an event is the drift, the last
    one the wire; an image has no height.
    """
    axes = (0, 2) if len(layout.shape) == 2 else (0, 1, 2)
    time = np.maximum(deposits.position[:, 0], 0.0) / DRIFT_SPEED
    index = deposits.event[:, None] * layout.pixels
    share = ionisation(deposits)[:, None]
    inside = np.ones_like(index, bool)
    stride = layout.pixels
    for axis, edge in zip(axes, layout.shape, strict=True):
        stride //= edge
        width = np.sqrt(2 * DIFFUSION["across" if axis else "along"] * time)
        pixel, part = _one_axis(deposits.position[:, axis], width)
        ok = (pixel >= 0) & (pixel < edge)
        index = (index[:, :, None] + (pixel * stride)[:, None, :]).reshape(len(pixel), -1)
        share = (share[:, :, None] * part[:, None, :]).reshape(len(pixel), -1)
        inside = (inside[:, :, None] & ok[:, None, :]).reshape(len(pixel), -1)
    return np.where(inside, index, -1), share


def _one_axis(position: Floats, width: Floats) -> tuple[Index, Floats]:
    """The pixel of each position and its two neighbours, and their shares of a Gaussian, (n, 3)."""
    pixel = np.floor(position / PIXEL).astype(np.int64)[:, None] + np.array([-1, 0, 1])
    edges = (np.concatenate([pixel, pixel[:, -1:] + 1], axis=1) * PIXEL - position[:, None]) / (
        np.maximum(width, 1e-4)[:, None]
    )
    below = np.interp(edges, GRID, NORMAL)
    below[:, 0], below[:, -1] = 0.0, 1.0  # what is further away stays with the neighbour
    return pixel, np.diff(below, axis=1)


GRID = np.linspace(-6, 6, 2401)
NORMAL = np.array([math.erfc(-x / math.sqrt(2)) / 2 for x in GRID.tolist()])


def gathered(deposits: Deposits, layout: Layout) -> tuple[Index, Floats, Index]:
    """Pixels with charge, ascending (m,); their charge (m,); the class that left most (m,)."""
    index, share = spread(deposits, layout)
    keys = index * MOST_CLASSES + deposits.label[:, None]
    keep = (index >= 0) & (share > 1e-3)
    if not keep.any():
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)
    found, where = np.unique(keys[keep], return_inverse=True)
    charge = np.bincount(where, share[keep], len(found)).astype(np.float64)
    found = found[np.lexsort((charge, found // MOST_CLASSES))]
    pixel, first = np.unique(found // MOST_CLASSES, return_index=True)
    last = np.append(first[1:], len(found)) - 1  # the largest charge of each pixel
    total = np.bincount(np.searchsorted(pixel, index[keep]), share[keep], len(pixel))
    return (
        pixel.astype(np.int64),
        total.astype(np.float64),
        found[last].astype(np.int64) % MOST_CLASSES,
    )


def read_out(
    deposits: Deposits, events: int, layout: Layout, rng: np.random.Generator, *, gaps: bool
) -> Lit:
    """Lit pixels: those above threshold with their noise, and those that noise alone lights.

    `gaps` lets bands of wires be dead, others in each event. A lit pixel has a true class where
    particles left at least the threshold in it.
    """
    pixel, charge, label = gathered(deposits, layout)
    threshold = layout.threshold * NOISE
    label = np.where(charge >= threshold, label, 0)
    seen = charge + NOISE * rng.standard_normal(len(charge))
    noisy, alone = _noise(pixel, events, layout, rng)
    pixel = np.concatenate([pixel, noisy])
    label = np.concatenate([label, np.zeros(len(noisy), np.int64)])
    seen = np.concatenate([seen, alone])
    keep = seen >= threshold
    if gaps:
        wire, event = pixel % layout.shape[-1], pixel // layout.pixels
        keep &= ~_dead(events, layout, rng)[event, wire]
    order = np.argsort(pixel[keep], kind="stable")
    pixel, seen = pixel[keep][order], np.minimum(seen[keep][order], LIMIT)
    counted = np.round(seen / ROUNDED) * ROUNDED
    return Lit(pixel // layout.pixels, pixel % layout.pixels, counted, label[keep][order])


def _noise(
    taken: Index, events: int, layout: Layout, rng: np.random.Generator
) -> tuple[Index, Floats]:
    """Pixels without charge that noise lights, and how much it puts there."""
    chance = math.erfc(layout.threshold / math.sqrt(2)) / 2
    total = events * layout.pixels
    places = np.unique(rng.integers(0, total, rng.binomial(total, chance)))
    places = np.setdiff1d(places, taken, assume_unique=True)
    # The tail of a Gaussian above the threshold, by its inverse.
    tail = np.interp(-chance * rng.uniform(size=len(places)), -TAIL[::-1], TAIL_AT[::-1])
    return places, NOISE * tail


TAIL_AT = np.linspace(8, 2, 1201)
TAIL = np.array([math.erfc(x / math.sqrt(2)) / 2 for x in TAIL_AT.tolist()])


def _dead(events: int, layout: Layout, rng: np.random.Generator) -> np.ndarray:
    """Which wires of each event are dead, bool (events, wires)."""
    wires = layout.shape[-1]
    dead = np.zeros((events, wires), bool)
    for event in dead:
        for _ in range(rng.integers(DEAD_BANDS[0], DEAD_BANDS[1] + 1)):
            width = int(rng.integers(DEAD_WIDTH[0], DEAD_WIDTH[1] + 1))
            start = int(rng.integers(0, wires - width))
            event[start : start + width] = True
    return dead
