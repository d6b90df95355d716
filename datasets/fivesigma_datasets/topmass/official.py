"""Importer of the ML4SCI jets: Parquet with ``X_jet``, ``m``, ``pt``, ``ieta`` and ``iphi``.

Files are gigabytes: they are read batch by batch, and only lit pixels are kept, in files beside the
folder to be written.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.chunks import Arrays
from fivesigma_datasets.errors import DataError
from fivesigma_datasets.jets.images import Images, quantised
from fivesigma_datasets.topmass.official_checks import (
    COLUMNS,
    IMAGE,
    check_columns,
    check_energies,
    check_images,
    check_whole,
)
from fivesigma_datasets.topmass.simulate import sparse

STEP = 0.05
"""GeV per step of imported pixels: finer than the simulated ones, and enough up to 3,276 GeV."""

BATCH = 128
"""Jets read together: 48 MB of images in double precision."""


@dataclass(frozen=True)
class Imported:
    """Checked jets: arrays as a simulated chunk has them, pixels per side, what the files were."""

    jets: Arrays
    pixels: int
    files: list[dict[str, Any]]
    lines: list[str]


def read(files: Sequence[Path], scratch: Path, report: Callable[[str], None]) -> Imported:
    """Read and check files; lit pixels go to ``scratch``. Raises ``DataError``.

    Every file's small columns are checked before the first image is read.
    """
    if not files:
        raise DataError("Name at least one file to import.")
    records = _records(files)
    tables = []
    for path, record in zip(files, records, strict=True):
        table = _columns(path)
        record["rows"] = len(table)
        tables.append(table)
    table = pl.concat(tables)
    lines = check_whole(table)
    lit: list[Any] = []
    totals: list[Any] = []
    pixels = 0
    with (scratch / "pixel").open("wb") as pixel_file, (scratch / "value").open("wb") as value_file:
        for path, part in zip(files, tables, strict=True):
            before = len(totals)
            for images in _images(path, len(part)):
                pixels = _same_size(path, images, pixels)
                kept = sparse(quantised(images, STEP))
                lit.append(kept["lit"])
                totals.append(images.sum(axis=(1, 2, 3)))
                pixel_file.write(kept["pixel"].tobytes())
                value_file.write(kept["value"].tobytes())
            check_energies(path.name, part, np.concatenate(totals[before:]))
            report(f"{path.name}: {len(part):,} jets of {pixels}x{pixels} pixels")
    jets = {name: table[name].to_numpy() for name in table.columns}
    jets |= {"lit": np.concatenate(lit), "event": np.arange(len(table))}
    for name, dtype in (("pixel", np.int32), ("value", np.uint16)):
        jets[name] = np.memmap(scratch / name, dtype=dtype, mode="r")
    return Imported(jets, pixels, records, lines)


def _records(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Name and SHA-256 of every file; the same content twice is refused."""
    records: list[dict[str, Any]] = []
    for path in files:
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{path} can't be read ({error.strerror}): check the name.") from None
        for other in records:
            if other["sha256"] == digest:
                raise DataError(
                    f"{path.name} has the same content as {other['name']}: name every file once."
                )
        records.append({"name": path.name, "sha256": digest})
    return records


def _columns(path: Path) -> pl.DataFrame:
    """The columns beside the image, checked, under the platform's names."""
    try:
        scan = pl.scan_parquet(path)
        found = scan.collect_schema()
        missing = [name for name in (IMAGE, *COLUMNS) if name not in found]
        if missing:
            raise DataError(
                f"{path.name} has no column {', '.join(missing)}; its columns are "
                f"{', '.join(found.names())[:200]}. Import the ML4SCI files as they were published."
            )
        table = scan.select(COLUMNS).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from None
    return check_columns(path.name, table)


def _unreadable(path: Path, error: Exception) -> DataError:
    first = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    return DataError(f"{path.name} is no complete Parquet file ({first}): download it again.")


def _images(path: Path, n: int) -> Iterator[Images]:
    """Images (k, 3, side, side) of a file in GeV, in the order of its rows."""
    scan = pl.scan_parquet(path).select(IMAGE)
    for begin in range(0, n, BATCH):
        try:
            column = scan.slice(begin, BATCH).collect()[IMAGE]
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(path, error) from None
        yield check_images(path.name, column, begin)


def _same_size(path: Path, images: Images, pixels: int) -> int:
    side = int(images.shape[-1])
    if pixels and side != pixels:
        raise DataError(
            f"{path.name}: the column {IMAGE} has images of {side}x{side} pixels, those before had "
            f"{pixels}x{pixels}: import files of one size together."
        )
    return side
