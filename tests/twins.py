"""Challenges in pairs that differ in nothing but their truth, and files to hold before both."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from challenge_folder import write_prediction, write_tiny_challenge
from kind_folders import SHAPE, write_masks_challenge, write_regression_challenge

SLUGS = ("tiny", "twin")
Table = pl.DataFrame


def write_twins(kind: str, path: Path) -> tuple[Path, Path]:
    """Two folders; the second has another truth: values, weights and usage permuted."""
    write, permute = KINDS[kind]
    folders = path / SLUGS[0], path / SLUGS[1]
    for folder in folders:
        write(folder)
    permute(folders[1])
    toml = folders[1] / "challenge.toml"
    toml.write_text(toml.read_text().replace('slug = "tiny"', f'slug = "{SLUGS[1]}"'))
    return folders


def _write_masses(folder: Path) -> None:
    write_regression_challenge(folder)
    table = pl.read_parquet(folder / "solution.parquet")
    weight = pl.Series("weight", np.random.default_rng(3).exponential(1, table.height))
    table.with_columns(weight).write_parquet(folder / "solution.parquet")


def _permute_selection(folder: Path) -> None:
    path = folder / "solution.csv"
    _permuted(pl.read_csv(path), "EventId").write_csv(path)


def _permute_masses(folder: Path) -> None:
    path = folder / "solution.parquet"
    _permuted(pl.read_parquet(path), "jet").write_parquet(path)


def _permuted(table: Table, kept: str) -> Table:
    random = np.random.default_rng(7)
    columns = [one if one.name == kept else one[random.permutation(len(one))] for one in table]
    return pl.DataFrame(columns)


def _permute_masks(folder: Path) -> None:
    random = np.random.default_rng(7)
    arrays = dict(np.load(folder / "solution.npz"))
    mask = random.permuted(arrays["mask"].reshape(len(arrays["mask"]), -1), axis=1)
    mask = np.array([0, 2, 1], np.uint8)[random.permutation(mask)].reshape(arrays["mask"].shape)
    np.savez(folder / "solution.npz", mask=mask, usage=random.permutation(arrays["usage"]))


KINDS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], None]]] = {
    "selection": (write_tiny_challenge, _permute_selection),
    "regression": (_write_masses, _permute_masses),
    "segmentation": (write_masks_challenge, _permute_masks),
}


def files_for(kind: str, folders: tuple[Path, Path]) -> dict[str, bytes]:
    """Good, odd and broken files by name, among them the truth of each of the two."""
    tables = TABLES[kind](folders)
    files = {f"{name}.csv": _csv(table) for name, table in tables.items()}
    files |= _written_otherwise(tables["good"]) | _broken(tables["good"])
    return files | {f"{name}.npy": _npy(one) for name, one in ARRAYS[kind](folders[0]).items()}


def _selections(folders: tuple[Path, Path]) -> dict[str, Table]:
    good = pl.read_csv(write_prediction(folders[0], folders[0] / "good.csv", cut=0.3))
    truths = [pl.read_csv(folder / "solution.csv") for folder in folders]
    swapped = pl.when(pl.col("Class") == "s").then(pl.lit("b")).otherwise(pl.lit("s"))
    return {
        "good": good,
        "inverted": good.with_columns(swapped.alias("Class")),
        "nothing": good.with_columns(pl.lit("b").alias("Class")),
        "probabilities": good.with_columns(pl.lit(0.4).alias("Class")),
        **_truths(one.select("EventId", pl.col("label").alias("Class")) for one in truths),
    }


def _masses(folders: tuple[Path, Path]) -> dict[str, Table]:
    test = pl.read_csv(folders[0] / "test.csv")
    good = test.select("jet", pl.col("tracks").alias("mass"))
    truths = [pl.read_parquet(folder / "solution.parquet") for folder in folders]
    return {
        "good": good,
        "inverted": good.with_columns(600 - pl.col("mass")),
        "MeV": good.with_columns(pl.col("mass") * 8),
        "keV": good.with_columns(pl.col("mass") * 1e6),
        "flat": good.with_columns(pl.lit(173.0).alias("mass")),
        **_truths(one.select("jet", "mass") for one in truths),
    }


def _masks(folders: tuple[Path, Path]) -> dict[str, Table]:
    truths = [np.load(folder / "solution.npz")["mask"] for folder in folders]
    lit = truths[0] > 0
    good = np.where(lit, np.where(np.random.default_rng(5).random(lit.shape) < 0.8, 2, 1), 0)
    return {
        "good": _listed(good),
        "exchanged": _listed(np.array([0, 2, 1])[truths[0]]),
        "one class": _listed(np.where(lit, 1, 0)),
        "shifted": _listed(np.roll(good, 3, axis=1)),
        "wrong class": _listed(np.where(lit, 3, 0)),
        **_truths(map(_listed, truths)),
    }


def _truths(tables: Any) -> dict[str, Table]:
    return {f"truth {at}": table for at, table in enumerate(tables)}


def _listed(mask: Any) -> Table:
    event, row, column = np.nonzero(mask)
    voxel = row * SHAPE[1] + column
    return pl.DataFrame({"event": event, "voxel": voxel, "class": mask[event, row, column]})


TABLES: dict[str, Callable[[tuple[Path, Path]], dict[str, Table]]] = {
    "selection": _selections,
    "regression": _masses,
    "segmentation": _masks,
}
ARRAYS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "selection": lambda folder: {
        "decisions": np.arange(200) % 3 == 0,
        "numbers": np.linspace(0, 1, 200),
        "long": np.ones(201, bool),
    },
    "regression": lambda folder: {
        "numbers": np.linspace(80, 500, 400),
        "square": np.ones((400, 2)),
        "far": np.full(400, 1e5),
    },
    "segmentation": lambda folder: {
        "dense": np.load(folder / "solution.npz")["mask"],
        "rolled": np.roll(np.load(folder / "solution.npz")["mask"], 1, axis=0),
        "turned": np.load(folder / "solution.npz")["mask"].swapaxes(1, 2),
        "empty": np.zeros((120, *SHAPE), np.uint8),
        "floats": np.zeros((120, *SHAPE)),
    },
}


def _csv(table: Table) -> bytes:
    return table.write_csv().encode()


def _npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _written_otherwise(table: Table) -> dict[str, bytes]:
    stream = io.BytesIO()
    table.write_parquet(stream)
    return {
        "good.parquet": stream.getvalue(),
        "good.csv.gz": gzip.compress(_csv(table), mtime=0),
        "reversed.csv": _csv(table.reverse()),
        "more columns.csv": _csv(table.with_columns(colour=pl.lit("red"))),
        "upper case.csv": _csv(table.rename(str.upper)),
        "cut.parquet": stream.getvalue()[:-20],
    }


def _broken(table: Table) -> dict[str, bytes]:
    last = table.columns[-1]
    head, *rows = _csv(table).splitlines(keepends=True)
    return {
        "empty.csv": b"",
        "header.csv": head,
        "no header.csv": b"".join(rows),
        "twice.csv": head + rows[0] + b"".join(rows),
        "short.csv": head + b"".join(rows[:-9]),
        "unknown.csv": head + b"".join(rows) + b"99999999" + rows[0][rows[0].index(b",") :],
        "semicolons.csv": _csv(table).replace(b",", b";"),
        "words.csv": _csv(table.with_columns(pl.lit("x").alias(last))),
        "nan.csv": _csv(table.with_columns(pl.lit("nan").alias(last))),
        "half a line.csv": _csv(table)[:-3],
        "fewer columns.csv": _csv(table.drop(last)),
        "nul.csv": head + b"\0" + b"".join(rows),
        "model.pkl": b"\x80\x04.",
    }
