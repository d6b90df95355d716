"""Importing the published reference set: read, checked, divided and written anew."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.chunks import Arrays
from fivesigma_datasets.errors import DataError
from fivesigma_datasets.jets import kinematics
from fivesigma_datasets.jets.images import hits_of_momenta, images, quantised
from fivesigma_datasets.shuffling import assigned
from fivesigma_datasets.toptag import reference_checks as checks
from fivesigma_datasets.toptag.events import GRID, STEP
from fivesigma_datasets.toptag.reference_layout import Batch, Floats, opened

Report = Callable[[str], None]

PROPORTIONS = {"train": 2, "public": 1, "private": 2}
TEST_PROPORTIONS = {"public": 1, "private": 2}
IMAGES_AT_A_TIME = 1_000


def examined(files: Sequence[Path], report: Report) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """All jets with ``file``, ``label`` and ``event`` (one each), checked; and what was read.

    Raises ``DataError`` with what to do.
    """
    if not files:
        raise DataError("Name at least one file to import.")
    records: list[dict[str, Any]] = []
    labels: list[Floats] = []
    for path in files:
        with opened(path) as (rows, batches):
            labels.append(np.concatenate([_checked(path.name, batch) for batch in batches]))
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        same = next((one["name"] for one in records if one["sha256"] == digest), None)
        if same is not None:
            raise DataError(f"{path.name} has the same content as {same}: name every file once.")
        records.append({"name": path.name, "rows": rows, "sha256": digest})
        report(f"{path.name}: {rows:,} jets, {int(labels[-1].sum()):,} of them tops")
    label = np.concatenate(labels)
    checks.both_classes(label)
    table = pl.DataFrame(
        {
            "file": np.repeat(np.arange(len(files)), [len(one) for one in labels]),
            "label": np.where(label == 1, "s", "b"),
            "event": np.arange(len(label)),
        }
    )
    return table, records


def _checked(file: str, batch: Batch) -> Floats:
    checks.check(file, batch)
    return batch.label


def divided(table: pl.DataFrame, names: Sequence[str], seed: int) -> tuple[pl.DataFrame, str]:
    """The table with ``usage`` and ``variant``, and a line that says how it was divided.

    Files that are called test hold the test jets, as published; the flag ``ttv`` says the same, but
    descriptions of it differ in which number is which.
    """
    is_test = np.array(["test" in name.lower() for name in names])
    if is_test.any() and not is_test.all():
        test = is_test[table["file"].to_numpy()]
        drawn = np.full(len(table), "train", dtype=object)
        drawn[test] = assigned(table["label"].filter(pl.Series(test)), TEST_PROPORTIONS, seed)
        usage = pl.Series(drawn, dtype=pl.String)
        called = ", ".join(name for name, yes in zip(names, is_test, strict=True) if yes)
        line = f"test jets are those of {called}, divided 1 : 2 with a seed"
    else:
        usage = assigned(table["label"], PROPORTIONS, seed)
        line = "split drawn with a seed, stratified by label, 2 : 1 : 2"
    table = table.with_columns(usage.alias("usage"), variant=pl.lit("nominal"))
    found = set(table.select("usage", "label").unique().rows())
    for part in PROPORTIONS:
        for label in ("s", "b"):
            if (part, label) not in found:
                raise DataError(
                    f"The {part} jets would have no {label!r}: import more jets of both classes."
                )
    counts = dict(table.group_by("usage").len().rows())
    sizes = ", ".join(f"{counts[part]:,} {part}" for part in PROPORTIONS)
    return table, f"{line}: {sizes}"


def read(files: Sequence[Path], table: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, Arrays]]:
    """The jets of the files with their rows of the ``numbered`` table."""
    ordered = table.sort("source")
    first = 0
    for path in files:
        with opened(path) as (_rows, batches):
            for batch in batches:
                yield ordered[first : first + len(batch.label)], jets_of(batch)
                first += len(batch.label)


def jets_of(batch: Batch) -> Arrays:
    """Momenta as they are, and one image of all constituents' transverse momenta."""
    lit = batch.momenta[..., 0] > 0
    flat = batch.momenta[lit]
    owner, _ = np.nonzero(lit)
    p4 = flat[:, [1, 2, 3, 0]].astype(np.float64)
    total = kinematics.sums(owner, p4, len(lit))
    eta = kinematics.pseudorapidity(total)
    counts = _image_counts(owner, p4, eta, kinematics.azimuth(total))
    jet, pixel = np.nonzero(counts)
    return {
        "pt": kinematics.transverse(total),
        "eta": eta,
        "mass": kinematics.mass(total),
        "count": lit.sum(axis=1),
        "p4": flat,
        "lit": np.bincount(jet, minlength=len(lit)),
        "pixel": pixel.astype(np.uint16),
        "energy": counts[jet, pixel],
    }


def _image_counts(
    owner: kinematics.Integers,
    p4: kinematics.Floats,
    eta: kinematics.Floats,
    phi: kinematics.Floats,
) -> Any:
    """Flat images (n, pixels) in units of ``STEP``."""
    event = np.arange(len(eta))
    hits = hits_of_momenta(owner, p4)
    parts = [
        quantised(images(GRID, event[rows], eta[rows], phi[rows], [hits]), STEP)
        for begin in range(0, len(eta), IMAGES_AT_A_TIME)
        for rows in (slice(begin, begin + IMAGES_AT_A_TIME),)
    ]
    return np.concatenate(parts).reshape(len(eta), GRID.pixels**2)
