"""Writing a complete challenge folder from jets that come in any order."""

import io
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl

from fivesigma_datasets.chunks import Arrays
from fivesigma_datasets.folders import MANIFEST, card_with, checksums, finish, settings_with
from fivesigma_datasets.jets.images import CHANNELS
from fivesigma_datasets.jets.kinematics import Integers, padded
from fivesigma_datasets.toptag.events import GRID, PARTICLES, STEP
from fivesigma_datasets.toptag.ragged import reordered, taken

HERE = Path(__file__).parent
INPUTS = ("train.h5", "train.parquet", "test.h5", "test.parquet")
DATA = (*INPUTS, "solution.parquet")
FIGURES = ("figures/jets.png", "figures/mean.png", "figures/features.png")
SAMPLE = "sample_submission.csv"
KINEMATICS = ("pt", "eta", "mass")

FIRST_ID = 100_000
SHUFFLE_STREAM = 4
ROWS, DENSE = 250, 5_000
"""Jets in a compressed piece of an HDF5 file, and as dense arrays in memory (70 MB)."""

SMALL_LIMIT = 50_000
"""Tables with fewer jets are compressed as far as it goes: they are shipped."""

TOP_MASS = 172.5
"""In GeV (PDG 2024: 172.57 ± 0.29)."""

WINDOW = 15.0
"""Half-width in GeV of the sample submission's window of the jet mass."""


@dataclass(frozen=True)
class About:
    """What the folder says about its data."""

    summary: str
    lines: Sequence[str]
    truth_public: bool
    manifest: Mapping[str, Any]
    toml: Mapping[str, str]


def numbered(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Rows shuffled, training first, with a new ``id`` and ``event`` and their ``place``.

    ``table`` has ``event`` and ``usage``; jets of one event keep a common number. ``source`` is
    the row that a jet had before.
    """
    rng = np.random.default_rng(np.random.SeedSequence((seed, SHUFFLE_STREAM)))
    order = rng.permutation(len(table))
    shuffled = table[order].with_columns(pl.Series("source", order))
    shuffled = shuffled.sort(pl.col("usage") != "train", maintain_order=True)
    known = shuffled["event"].unique().sort()
    event = rng.permutation(len(known))[known.search_sorted(shuffled["event"]).to_numpy()]
    place = np.arange(len(table), dtype=np.int64)
    return shuffled.with_columns(
        pl.Series("event", event), pl.Series("place", place), pl.Series("id", place + FIRST_ID)
    )


def write(
    staging: Path,
    table: pl.DataFrame,
    parts: Iterable[tuple[pl.DataFrame, Arrays]],
    kept: Path,
    *,
    channels: int = len(CHANNELS),
) -> None:
    """Inputs and solution of a ``numbered`` table, whose jets come with their rows of it."""
    n_train = int((table["usage"] == "train").sum())
    level = 9 if len(table) < SMALL_LIMIT else 4
    placed = ((rows["place"].to_numpy(), jets) for rows, jets in parts)
    seen: list[pl.DataFrame] = []
    first = 0
    with (
        h5py.File(staging / "train.h5", "w") as train,
        h5py.File(staging / "test.h5", "w") as test,
    ):
        for file in (train, test):
            _create(file, channels, level)
        for jets in reordered(placed, kept):
            place = first + np.arange(len(jets["count"]))
            for file, rows in ((train, place < n_train), (test, place >= n_train)):
                _append(file, FIRST_ID + place[rows], taken(jets, rows))
            seen.append(pl.DataFrame({name: jets[name] for name in KINEMATICS}))
            first += len(place)
    _write_tables(staging, pl.concat([table, pl.concat(seen)], how="horizontal"))


def _create(file: h5py.File, channels: int, level: int) -> None:
    """Empty data sets ``id``, ``constituents`` and ``images``, which can grow."""
    shapes = {
        "id": ((), np.int64),
        "constituents": ((PARTICLES, 4), np.float32),
        "images": ((channels, GRID.pixels, GRID.pixels), np.float16),
    }
    for name, (shape, kind) in shapes.items():
        file.create_dataset(
            name,
            shape=(0, *shape),
            maxshape=(None, *shape),
            chunks=(ROWS, *shape),
            dtype=kind,
            compression="gzip",
            compression_opts=level,
            shuffle=name == "constituents",
        )
    file["constituents"].attrs["columns"] = "E, px, py, pz in GeV, hardest first, then zeros"
    file["images"].attrs["axes"] = "jet, channel, eta, phi; GeV"


def _append(file: h5py.File, ids: Integers, jets: Arrays) -> None:
    """Add jets to the data sets; a few thousand at a time, since images are large."""
    for begin in range(0, len(ids), DENSE):
        part = taken(jets, np.arange(begin, min(begin + DENSE, len(ids))))
        n = len(part["count"])
        images = np.zeros((n, *file["images"].shape[1:]), dtype=np.float16)
        jet = np.repeat(np.arange(n), part["lit"])
        images.reshape(n, -1)[jet, part["pixel"]] = part["energy"] * STEP
        owner = np.repeat(np.arange(n), part["count"])
        values = {
            "id": ids[begin : begin + n],
            "constituents": padded(owner, part["p4"], n, PARTICLES),
            "images": images,
        }
        for name, value in values.items():
            file[name].resize(len(file[name]) + n, axis=0)
            file[name][-n:] = value


def _write_tables(staging: Path, table: pl.DataFrame) -> None:
    table = table.with_columns(pl.col(KINEMATICS).cast(pl.Float32))
    train, test = table.filter(usage="train"), table.filter(pl.col("usage") != "train")
    tables = {
        "train": train.select("id", "event", *KINEMATICS, "label"),
        "test": test.select("id", *KINEMATICS),
        "solution": test.select("id", "label", "usage", "variant", "event"),
    }
    for name, one in tables.items():
        one.write_parquet(staging / f"{name}.parquet", compression="zstd", statistics=False)


def complete(staging: Path, out: Path, about: About) -> None:
    """Add sample, starter, card, toml and manifest to data and figures; name the folder."""
    manifest = {**about.manifest, "sha256": checksums(staging, DATA)}
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    test = pl.read_parquet(staging / "test.parquet")
    (staging / SAMPLE).write_bytes(to_csv(mass_window(test)))
    text = (HERE / "README.md").read_text()
    toml = (HERE / "challenge.toml").read_text()
    for name in FIGURES:
        if not (staging / name).is_file():
            text, toml = _without(name, text, toml)
    (staging / "README.md").write_text(card_with(text, about.lines))
    changes = {
        "summary": json.dumps(about.summary, ensure_ascii=False),
        "truth_public": str(about.truth_public).lower(),
        **about.toml,
    }
    (staging / "challenge.toml").write_text(settings_with(toml, changes))
    shutil.copyfile(HERE / "starter.py", staging / "starter.py")
    finish(staging, out)


def _without(figure: str, card: str, toml: str) -> tuple[str, str]:
    """Card and settings that don't name a figure."""
    lines = [line for line in card.splitlines(keepends=True) if f"({figure})" not in line]
    tables = [one for one in toml.split("\n\n") if f'path = "{figure}"' not in one]
    return "".join(lines), "\n\n".join(tables)


def mass_window(test: pl.DataFrame) -> pl.DataFrame:
    """A submission: the nearer the jet mass is to the top quark's, the more it is one."""
    away = (pl.col("mass") - TOP_MASS).abs()
    label = pl.when(away < WINDOW).then(pl.lit("s")).otherwise(pl.lit("b"))
    return test.select("id", label.alias("Class"), (-away).round(2).alias("Score"))


def to_csv(table: pl.DataFrame) -> bytes:
    """The table as CSV with a header."""
    buffer = io.BytesIO()
    table.write_csv(buffer)
    return buffer.getvalue()
