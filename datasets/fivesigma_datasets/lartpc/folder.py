"""Writing the folder of either challenge from its tables of lit pixels."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets import folders
from fivesigma_datasets.lartpc.layout import IMAGES, STAGES, Layout
from fivesigma_datasets.lartpc.reference import by_charge, classes_of_charge

HERE = Path(__file__).parent
COLUMNS = {
    "train": ["event", "voxel", "charge", "class"],
    "test": ["event", "voxel", "charge"],
}
SOLUTION = "solution"
FIGURES = ("figures/events.png", "figures/charge.png")
SMALL_LEVEL, LEVEL, LARGE = 19, 3, 3_000_000
"""Of compression, below and above so many pixels: small tables are shipped, large ones local."""
FIRST_TRAIN, FIRST_TEST = 100_000, 500_000
"""First ids of training and test events."""
USAGES = {
    "usage_{}": {"public": "public", "private": "private"},
    "usage_{}_final": {"final-public": "public", "final-private": "private"},
}
"""What a phase and its final do with the parts of a test file."""


@dataclass(frozen=True)
class About:
    """What the folder says about its data."""

    layout: Layout
    summary: str
    lines: Sequence[str]
    truth_public: bool
    stages: Sequence[int] = STAGES


def table_name(kind: str, stage: int) -> str:
    """File of a ``kind`` (train, test, solution, sample_submission) of a stage."""
    return f"{kind}_stage-{stage}.parquet"


def tables_of(stages: Sequence[int]) -> list[str]:
    """Every file that holds data of these stages."""
    return [table_name(kind, stage) for stage in stages for kind in (*COLUMNS, SOLUTION)]


def write_tables(staging: Path, stages: Mapping[int, pl.DataFrame], seed: int) -> None:
    """Train, test and solution of each stage, under new ids.

    A table has ``event``, ``part``, ``voxel``, ``charge``, ``class``, one row for a lit pixel.
    """
    for stage, table in stages.items():
        numbered = renumbered(table, (seed, stage))
        train = numbered.filter(pl.col("part") == "train")
        test = numbered.filter(pl.col("part") != "train")
        level = SMALL_LEVEL if len(table) < LARGE else LEVEL
        written = {
            "train": train.select(COLUMNS["train"]),
            "test": test.select(COLUMNS["test"]),
            SOLUTION: solution_of(test, stage),
        }
        for kind, one in written.items():
            path = staging / table_name(kind, stage)
            one.write_parquet(path, compression_level=level, statistics=False)


def solution_of(test: pl.DataFrame, stage: int) -> pl.DataFrame:
    """Pixels with a class, and what the phase and its final do with their event."""
    usage = [
        pl.col("part").replace_strict(words, default="ignored").alias(name.format(stage))
        for name, words in USAGES.items()
    ]
    return test.filter(pl.col("class") > 0).select("event", "voxel", "class", *usage)


def renumbered(table: pl.DataFrame, seed: tuple[int, ...]) -> pl.DataFrame:
    """Events in random order under new ids, those of the test apart from those of training."""
    events = table.select("event", "part").unique(maintain_order=True)
    events = events[np.random.default_rng(seed).permutation(len(events))]
    train = (events["part"] == "train").to_numpy()
    ids = np.where(train, FIRST_TRAIN + np.cumsum(train) - 1, FIRST_TEST + np.cumsum(~train) - 1)
    named = events.select("event", pl.Series("id", ids, dtype=pl.Int32))
    joined = table.join(named, on="event").drop("event").rename({"id": "event"})
    return joined.sort("event", "voxel")


def complete(staging: Path, about: About, manifest: Mapping[str, Any]) -> None:
    """Add samples, starter, rules, card, settings, figures and manifest to the tables."""
    for stage in about.stages:
        train, test = (
            pl.read_parquet(staging / table_name(kind, stage)) for kind in ("train", "test")
        )
        sample = by_charge(test, classes_of_charge(train))
        sample.write_parquet(staging / table_name("sample_submission", stage))
    for name in ("starter.py", "rules.md"):
        shutil.copyfile(HERE / name, staging / name)
    starter = (staging / "starter.py").read_text()
    named = starter.replace(f'= "{IMAGES.name}"', f'= "{about.layout.name}"', 1)
    (staging / "starter.py").write_text(named)
    missing = [name for name in FIGURES if not (staging / name).exists()]
    (staging / "README.md").write_text(card(about, missing))
    (staging / "challenge.toml").write_text(toml(about, missing))
    sums = folders.checksums(staging, tables_of(about.stages))
    text = json.dumps({**manifest, "sha256": sums}, indent=1)
    (staging / folders.MANIFEST).write_text(text + "\n")


def toml(about: About, missing: Sequence[str]) -> str:
    """The shipped settings with what depends on the data replaced, without what is not there."""
    absent = [f"stage-{stage}" for stage in STAGES if stage not in about.stages]
    blocks = (HERE / "challenge.toml").read_text().split("\n\n")
    kept = [one for one in blocks if not any(word in one for word in (*absent, *missing))]
    text = "\n\n".join(kept).replace(str(list(IMAGES.shape)), str(list(about.layout.shape)))
    changes = {
        "summary": json.dumps(about.summary, ensure_ascii=False),
        "truth_public": str(about.truth_public).lower(),
    }
    if about.layout is not IMAGES:
        text = text.replace(json.dumps(IMAGES.title), json.dumps(about.layout.title), 1)
        text = text.replace(json.dumps(IMAGES.name), json.dumps(about.layout.name), 1)
    return folders.settings_with(text, changes)


def card(about: About, missing: Sequence[str]) -> str:
    """The shipped card under the challenge's title, without the pictures that are not there."""
    text = (HERE / "README.md").read_text().replace(IMAGES.title, about.layout.title, 1)
    lines = [line for line in text.splitlines() if not any(f"({name})" in line for name in missing)]
    return folders.card_with("\n".join(lines) + "\n", about.lines)
