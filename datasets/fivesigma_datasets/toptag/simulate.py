"""Generating jets of both classes, alike in pt and eta, for training and every test variant.

Each split and variant is generated for itself: events, and with them the jets of an event, are
never divided. The same seed gives the same jets whatever the number of processes.
"""

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.chunks import Arrays, made_in_order
from fivesigma_datasets.jets.kinematics import Integers
from fivesigma_datasets.toptag.events import Task, make
from fivesigma_datasets.toptag.matching import bins, matched, most_matched
from fivesigma_datasets.toptag.processes import PROCESSES
from fivesigma_datasets.toptag.ragged import taken
from fivesigma_datasets.toptag.shifts import USAGES, VARIANTS, response_of

Progress = Callable[[int, int, str], None]

SHARES = {"train": 0.4, "public": 0.2, "private": 0.4}
"""Parts of all jets; each test split is divided evenly among the variants."""

CHUNK = 2_000
"""Most events of a chunk."""

MARGIN = 1.35
"""Jets made for each that is wanted: so many are lost where pt and eta of the classes differ."""

EVENT_STREAM, MATCH_STREAM = 2, 3


@dataclass(frozen=True)
class Cell:
    """A variant of a split, and the jets of each class that are wanted of it."""

    usage: str
    variant: str
    wanted: int


@dataclass(frozen=True)
class Planned:
    """A chunk: which ``cell`` and process it is for, and the round that it belongs to."""

    round: int
    cell: int
    process: int
    task: Task


def cells(jets: int) -> list[Cell]:
    """All variants of all splits of a table of so many jets."""
    found = []
    for usage in USAGES:
        variants = VARIANTS[:1] if usage == "train" else VARIANTS
        wanted = max(1, round(jets * SHARES[usage] / len(variants) / len(PROCESSES)))
        found += [Cell(usage, variant, wanted) for variant in variants]
    return found


def planned(jets: int, seed: int) -> Iterator[Planned]:
    """Chunks without end: the first round should do, the others are small."""
    numbers = count()
    for turn in count():
        for at, cell in enumerate(cells(jets)):
            response = response_of(cell.usage, cell.variant, seed)
            for kind, process in enumerate(PROCESSES):
                events = MARGIN * cell.wanted / process.jets_per_event
                chunks = math.ceil(events / CHUNK)
                size = math.ceil(events / chunks)
                for _ in range(chunks if turn == 0 else 1):
                    source = (seed, EVENT_STREAM, next(numbers))
                    yield Planned(turn, at, kind, Task(process, response, source, size))


@dataclass(frozen=True)
class Chosen:
    """Which of the jets made are in the table, a row for each.

    ``table`` has ``chunk``, ``row`` (the jet in its chunk), ``event``, ``label``, ``usage`` and
    ``variant``; ``chunks`` were made.
    """

    table: pl.DataFrame
    chunks: int


class Production:
    """Jets that are made until every cell has as many matched ones of each class as it wants."""

    def __init__(self, jets: int, seed: int, kept: Path, fingerprint: Mapping[str, Any]) -> None:
        self._jets, self._seed, self._kept, self._fingerprint = jets, seed, kept, fingerprint

    def choose(self, processes: int, progress: Progress) -> Chosen:
        """Make what is needed, and choose jets that are alike in pt and eta."""
        wanted = cells(self._jets)
        total = 2 * sum(cell.wanted for cell in wanted)
        found: list[pl.DataFrame] = []
        done = 0
        plans = planned(self._jets, self._seed)
        with closing(self._made(processes, None)) as made:
            while not found or not _enough(pl.concat(found), wanted):
                for plan in islice(plans, _size_of_round(self._jets, first=not found)):
                    arrays = next(made)
                    found.append(_light(plan, len(found), arrays))
                    done += len(found[-1])
                    progress(min(int(done / MARGIN), total - 1), total, plan.task.process.name)
        progress(total, total, "matched")
        return Chosen(_chosen(pl.concat(found), wanted, self._seed), len(found))

    def read(self, table: pl.DataFrame, chunks: int) -> Iterator[tuple[pl.DataFrame, Arrays]]:
        """The jets of a table of chosen ones, chunk by chunk: their rows, what was measured."""
        by_chunk = table.partition_by("chunk", as_dict=True)
        for number, arrays in enumerate(self._made(1, chunks)):
            rows = by_chunk.get((number,))
            if rows is not None:
                yield rows, taken(arrays, rows["row"].to_numpy())

    def _made(self, processes: int, most: int | None) -> Generator[Arrays]:
        tasks = (plan.task for plan in islice(planned(self._jets, self._seed), most))
        yield from made_in_order(
            make, tasks, kept=self._kept, fingerprint=self._fingerprint, processes=processes
        )


def _size_of_round(jets: int, *, first: bool) -> int:
    """Chunks of the first round, or of any later one."""
    plans = takewhile(lambda plan: plan.round == 0, planned(jets, 0))
    return sum(1 for _ in plans) if first else len(cells(jets)) * len(PROCESSES)


def _light(plan: Planned, chunk: int, arrays: Arrays) -> pl.DataFrame:
    """What choosing needs to know of the jets of a chunk."""
    return pl.DataFrame(
        {
            "row": np.arange(len(arrays["pt"])),
            "event": arrays["event"] + chunk * CHUNK,
            "pt": arrays["pt"],
            "eta": arrays["eta"],
        }
    ).with_columns(cell=pl.lit(plan.cell), process=pl.lit(plan.process), chunk=pl.lit(chunk))


def _classes(found: pl.DataFrame, at: int, cell: Cell) -> list[tuple[pl.DataFrame, Integers]]:
    """The jets of a cell, class by class, with the numbers of their bins."""
    mine = found.filter(cell=at)
    parts = [mine.filter(process=kind) for kind in range(len(PROCESSES))]
    return [
        (part, bins(part["pt"].to_numpy(), part["eta"].to_numpy(), cell.wanted)) for part in parts
    ]


def _enough(found: pl.DataFrame, wanted: Sequence[Cell]) -> bool:
    for at, cell in enumerate(wanted):
        (_, one), (_, other) = _classes(found, at, cell)
        if most_matched(one, other) < cell.wanted:
            return False
    return True


def _chosen(found: pl.DataFrame, wanted: Sequence[Cell], seed: int) -> pl.DataFrame:
    parts = []
    for at, cell in enumerate(wanted):
        rng = np.random.default_rng(np.random.SeedSequence((seed, MATCH_STREAM, at)))
        classes = _classes(found, at, cell)
        rows = matched(classes[0][1], classes[1][1], cell.wanted, rng)
        for (part, _), process, chosen in zip(classes, PROCESSES, rows, strict=True):
            label = pl.lit(process.label).alias("label")
            parts.append(
                part[chosen].with_columns(
                    label, usage=pl.lit(cell.usage), variant=pl.lit(cell.variant)
                )
            )
    return pl.concat(parts).select("chunk", "row", "event", "label", "usage", "variant")
