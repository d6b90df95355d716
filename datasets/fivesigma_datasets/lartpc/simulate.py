"""Events of a stage, in chunks that any process can make."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.chunks import Arrays, made_in_order
from fivesigma_datasets.lartpc import argon, detector, ending, losses, showers
from fivesigma_datasets.lartpc.detector import Lit, read_out
from fivesigma_datasets.lartpc.events import EASY, ENERGIES, FIRST, FURTHER, HARD, SECOND, primaries
from fivesigma_datasets.lartpc.layout import IMAGES, PARTS, STAGES, VOXELS, Layout
from fivesigma_datasets.lartpc.particles import NOTHING, PROTONS, TRACK, Bools, Index
from fivesigma_datasets.lartpc.transport import walk

CHUNK = 100
"""Events tried at once."""
LEAST_LABELLED = 50
LEAST_OF_A_CLASS = 5
MOST_OF_A_CLASS = {1: 0.65, 2: 0.55, 3: 0.55}
"""An event is taken if so many pixels have a class, two classes have so many, and none has a
larger share: otherwise a file with one class for every pixel would score well."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Task:
    """A chunk: which of the two layouts, stage, difficulty, and its seeds."""

    name: str
    stage: int
    hard: bool
    seed: int
    index: int


def make_chunk(task: Task) -> Arrays:
    """Event 0 …, voxel, charge and class of the lit pixels of the events that are taken."""
    layout = IMAGES if task.name == IMAGES.name else VOXELS
    which = (task.seed, STAGES.index(task.stage), int(task.hard), task.index)
    rng = np.random.default_rng(np.random.SeedSequence(which))
    particles = primaries(CHUNK, layout, HARD if task.hard else EASY, rng)
    deposits = walk(particles, layout.size, rng)
    lit = read_out(deposits, CHUNK, layout, rng, gaps=task.stage == 3)
    label = labels_of(lit, task.stage)
    taken = is_taken(lit.event, label, CHUNK, MOST_OF_A_CLASS[task.stage])
    keep = taken[lit.event]
    return {
        "event": (np.cumsum(taken) - 1)[lit.event[keep]].astype(np.int32),
        "voxel": lit.voxel[keep].astype(np.int32),
        "charge": lit.charge[keep].astype(np.float32),
        "class": label[keep].astype(np.uint8),
    }


def labels_of(lit: Lit, stage: int) -> Index:
    """Classes as a stage has them: in the first, protons are tracks."""
    return np.where((stage == 1) & (lit.label == PROTONS), TRACK, lit.label)


def is_taken(event: Index, label: Index, events: int, most: float) -> Bools:
    """Which of the events can be scored fairly, bool (events,); pixels (n,), largest share."""
    classes = int(PROTONS) + 1
    counts = np.bincount(event * classes + label, minlength=events * classes)
    counts = counts.reshape(events, classes)
    counts[:, NOTHING] = 0
    total = counts.sum(axis=1)
    taken = (total >= LEAST_LABELLED) & ((counts >= LEAST_OF_A_CLASS).sum(axis=1) >= 2)
    return np.asarray(taken & (counts.max(axis=1) <= most * total))


def simulate(
    layout: Layout, per_stage: int, seed: int, processes: int, kept: Path, progress: Progress
) -> dict[int, pl.DataFrame]:
    """Stage -> lit pixels of its events: ``event`` 0 …, ``part``, ``voxel``, ``charge``, ``class``.

    `kept` is where chunks are kept. Events are numbered part by part.
    """
    stages = {}
    for position, stage in enumerate(STAGES):
        sizes = sizes_of(per_stage)
        tables: list[pl.DataFrame] = []
        for hard in (False, True):
            wanted = sum(sizes[part.name] for part in PARTS if part.hard == hard)
            done = position * per_stage + sum(table["event"].n_unique() for table in tables)

            def told(number: int, done: int = done, stage: int = stage) -> None:
                progress(done + number, len(STAGES) * per_stage, f"stage {stage}")

            tables.append(_events(layout, (stage, hard, seed), wanted, processes, kept, told))
        stages[stage] = _with_parts(tables, sizes)
    return stages


def sizes_of(per_stage: int) -> dict[str, int]:
    """Number of events of each part; they add up."""
    edges = np.round(np.cumsum([0.0, *(part.share for part in PARTS)]) * per_stage).astype(int)
    return {part.name: int(size) for part, size in zip(PARTS, np.diff(edges), strict=True)}


def _events(
    layout: Layout,
    which: tuple[int, bool, int],
    wanted: int,
    processes: int,
    kept: Path,
    told: Callable[[int], None],
) -> pl.DataFrame:
    """Exactly `wanted` events of a stage and difficulty."""
    stage, hard, seed = which
    tables, number = [], 0
    chunks = made_in_order(
        make_chunk,
        _tasks(layout, stage, hard, seed),
        kept=kept / f"{stage}-{'hard' if hard else 'easy'}",
        fingerprint={"seed": seed, "settings": settings(layout)},
        processes=processes,
    )
    for chunk in chunks:
        table = pl.DataFrame(chunk).with_columns(pl.col("event") + number)
        tables.append(table.filter(pl.col("event") < wanted))
        number += int(chunk["event"][-1]) + 1
        told(min(number, wanted))
        if number >= wanted:
            break
    return pl.concat(tables)


def _tasks(layout: Layout, stage: int, hard: bool, seed: int) -> Iterator[Task]:
    return (Task(layout.name, stage, hard, seed, index) for index in count())


def _with_parts(tables: list[pl.DataFrame], sizes: dict[str, int]) -> pl.DataFrame:
    """Both difficulties together, each event in a part of its own difficulty."""
    parts, shift = [], 0
    for hard, table in zip((False, True), tables, strict=True):
        names = [part.name for part in PARTS if part.hard == hard]
        part = np.repeat(names, [sizes[name] for name in names])
        shifted = table.with_columns(
            pl.Series("part", part)[table["event"].to_numpy()], pl.col("event") + shift
        )
        parts.append(shifted)
        shift += len(part)
    return pl.concat(parts)


def settings(layout: Layout) -> dict[str, Any]:
    """Everything that the bytes depend on, the same for all particles and stages; JSON."""
    names = {
        argon: ("DENSITY", "EXCITATION", "RADIATION_LENGTH", "FIELD", "MODIFIED_BOX", "LEAST_LOSS"),
        ending: ("CAPTURED", "FRAGMENTS", "FRAGMENT_ENERGY"),
        losses: ("STEP", "DELTA_CUT"),
        showers: ("LEAST_PHOTON",),
        detector: (
            *("DRIFT_SPEED", "DIFFUSION", "NOISE", "DEAD_BANDS", "DEAD_WIDTH", "ROUNDED", "LIMIT"),
        ),
    }
    return {
        "layout": asdict(layout),
        "events": {
            "energies": {str(kind): list(span) for kind, span in ENERGIES.items()},
            "kinds": [FIRST, SECOND, FURTHER],
            "easy": asdict(EASY),
            "hard": asdict(HARD),
            "taken": [LEAST_LABELLED, LEAST_OF_A_CLASS, MOST_OF_A_CLASS],
            "chunk": CHUNK,
        },
        **{
            module.__name__.rpartition(".")[2]: {name: getattr(module, name) for name in wanted}
            for module, wanted in names.items()
        },
    }
