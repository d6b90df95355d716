"""The files of a table: columns in Parquet, images in HDF5, in the same order of rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import polars as pl

from fivesigma_datasets.jets.images import CHANNELS
from fivesigma_datasets.topmass.settings import SMALL_LIMIT

Pictures = npt.NDArray[np.uint16]

COLUMNS = ("pt", "ieta", "iphi")
"""What participants get beside the image: jet pt in GeV, tower numbers of the axis."""

TABLES = ("train.parquet", "test.parquet", "solution.parquet")
IMAGE_FILES = ("train_images.h5", "test_images.h5")
FILES = (*TABLES, *IMAGE_FILES)
BLOCK = 64
"""Images compressed together; whoever reads a batch reads whole blocks."""


@dataclass(frozen=True)
class Form:
    """Shape of an image and what its numbers mean: ``value * step`` GeV, pixels ``width`` wide."""

    pixels: int
    width: float
    step: float
    channels: tuple[str, ...] = CHANNELS


def write_images(path: Path, form: Form, blocks: Iterator[Pictures], n: int) -> None:
    """Images (n, channels, pixels, pixels) as the dataset ``images``, block by block."""
    shape = (len(form.channels), form.pixels, form.pixels)
    level = 9 if n <= SMALL_LIMIT else 4  # a small table is shipped, a large one is local
    with h5py.File(path, "w") as file:
        images = file.create_dataset(
            "images",
            (n, *shape),
            dtype=np.uint16,
            chunks=(min(BLOCK, max(n, 1)), *shape),
            compression="gzip",
            compression_opts=level,
            shuffle=True,
        )
        images.attrs["step_gev"] = form.step
        images.attrs["pixel_width"] = form.width
        images.attrs["channels"] = ",".join(form.channels)
        done = 0
        for block in blocks:
            images[done : done + len(block)] = block
            done += len(block)


def read_images(path: Path, rows: slice = slice(None)) -> tuple[Pictures, Form]:
    """Images of a file that ``write_images`` wrote, and their form."""
    with h5py.File(path) as file:
        images = file["images"]
        attributes: dict[str, Any] = dict(images.attrs)
        form = Form(
            pixels=images.shape[-1],
            width=float(attributes["pixel_width"]),
            step=float(attributes["step_gev"]),
            channels=tuple(attributes["channels"].split(",")),
        )
        return images[rows], form


def write_tables(staging: Path, train: pl.DataFrame, test: pl.DataFrame) -> None:
    """Rows with ``id``, ``COLUMNS``, ``mass``; those of the test with ``usage`` and ``group``."""
    names = ["id", *COLUMNS]
    solution = test.select("id", "mass", "usage", "group")
    tables = (train.select(*names, "mass"), test.select(names), solution)
    for name, table in zip(TABLES, tables, strict=True):
        table.write_parquet(
            staging / name, compression="zstd", compression_level=9, statistics=False
        )
