"""The published files of MLHEP 2018: HDF5 with ``/data`` and ``/label``, an event a row."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import polars as pl

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.lartpc.layout import PARTS, Layout
from fivesigma_datasets.lartpc.official_checks import (
    EventPixels,
    check_class_numbers,
    check_event,
    check_file,
    check_shapes,
)
from fivesigma_datasets.lartpc.particles import PROTONS
from fivesigma_datasets.lartpc.simulate import LEAST_LABELLED, LEAST_OF_A_CLASS
from fivesigma_datasets.shuffling import assigned

DATA, LABEL = "data", "label"
GAPS = ("gap", "5-6")
"""Words in the name of a file whose events have dead regions: stage 3."""
MOST_OF_A_CLASS = 0.9
LEAST_EVENTS = 20


@dataclass(frozen=True)
class Opened:
    """The two arrays of a file."""

    path: Path
    data: h5py.Dataset
    label: h5py.Dataset


def read(
    files: Sequence[Path], layout: Layout, seed: int, report: Callable[[str], None]
) -> tuple[dict[int, pl.DataFrame], list[dict[str, Any]]]:
    """Stage -> its lit pixels as ``folder.write_tables`` wants them; names and checksums of files.

    A file with classes up to 2 is of stage 1; with protons (3) of stage 2, or 3 where its name
    says so. Raises ``DataError`` that names file, array and event.
    """
    found: dict[int, list[pl.DataFrame]] = {}
    for path in files:
        table = _file(path, layout, report)
        stage = stage_of(path, table)
        report(f"{path.name}: {table['event'].n_unique():,} events of stage {stage}")
        found.setdefault(stage, []).append(table)
    stages = {stage: _divided(found[stage], seed, stage) for stage in sorted(found)}
    return stages, [{"name": path.name, "sha256": _sha256(path)} for path in files]


def stage_of(path: Path, table: pl.DataFrame) -> int:
    """Stage of a file, by its classes and its name."""
    if int(table["class"].max() or 0) < PROTONS:  # type: ignore[arg-type]  # a column of numbers
        return 1
    return 3 if any(word in path.name.lower() for word in GAPS) else 2


def _file(path: Path, layout: Layout, report: Callable[[str], None]) -> pl.DataFrame:
    """Lit pixels of the events of a file that can be scored fairly."""
    check_file(path)
    try:
        with h5py.File(path) as file:
            check_shapes(path, file, layout)
            opened = Opened(path, file[DATA], file[LABEL])
            return _table(opened, layout, report)
    except OSError as error:
        raise DataError(f"{path.name} is no HDF5 file that can be read: {error}.") from error


def _table(opened: Opened, layout: Layout, report: Callable[[str], None]) -> pl.DataFrame:
    parts, left_out, unlit, charges = [], 0, 0, 0.0
    for number, pixels in enumerate(_events(opened)):
        check_event(opened.path, number, pixels, layout)
        unlit += pixels.unlit
        charges = max(charges, float(pixels.charge.max(initial=0.0)))
        if _is_fair(pixels.label):
            parts.append(_frame(number, pixels))
        else:
            left_out += 1
    name = opened.path.name
    if left_out:
        report(
            f"{name}: {left_out:,} events left out: fewer than {LEAST_LABELLED} labelled pixels, "
            "one class, or one with more than 90 %"
        )
    if unlit:
        report(f"{name}: {unlit:,} labelled pixels without charge left out: nobody can see them")
    if len(parts) < LEAST_EVENTS:
        raise DataError(
            f"{name}: only {len(parts)} events can be used; at least {LEAST_EVENTS} are needed."
        )
    table = pl.concat(parts)
    check_class_numbers(opened.path, table)
    median = float(np.median(table["charge"].to_numpy()))
    report(f"{name}: largest charge {charges:.4g}, median {median:.4g}")
    return table


def _events(opened: Opened) -> Iterator[EventPixels]:
    """Lit pixels of each event; one event is in memory at a time."""
    for number in range(len(opened.data)):
        data = np.asarray(opened.data[number]).reshape(-1)
        label = np.asarray(opened.label[number]).reshape(-1)
        yield EventPixels.of(data, label)


def _is_fair(label: npt.NDArray[np.int64]) -> bool:
    counts = np.bincount(label, minlength=2)[1:]
    enough = counts.sum() >= LEAST_LABELLED and (counts >= LEAST_OF_A_CLASS).sum() >= 2
    return bool(enough and counts.max() <= MOST_OF_A_CLASS * counts.sum())


def _frame(number: int, pixels: EventPixels) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "event": np.full(len(pixels.voxel), number, np.int32),
            "voxel": pixels.voxel.astype(np.int32),
            "charge": pixels.charge.astype(np.float32),
            "class": pixels.label.astype(np.uint8),
        }
    )


def _divided(tables: list[pl.DataFrame], seed: int, stage: int) -> pl.DataFrame:
    """The events of all files of a stage, each in a part, whichever difficulty."""
    shifted, first = [], 0
    for table in tables:
        shifted.append(table.with_columns(pl.col("event") + first))
        first = int(shifted[-1]["event"][-1]) + 1
    whole = pl.concat(shifted)
    events = whole["event"].unique().sort()
    shares = {part.name: part.share for part in PARTS}
    part = assigned(pl.Series([0] * len(events)), shares, seed + stage).alias("part")
    return whole.join(pl.DataFrame([events, part]), on="event", maintain_order="left")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
