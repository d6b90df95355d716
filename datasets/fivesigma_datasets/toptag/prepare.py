"""The three ways to the top-tagging data: shipped, simulated, official."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from fivesigma_datasets.chunks import chunk_folder, forget
from fivesigma_datasets.errors import DataError
from fivesigma_datasets.folders import start, verified
from fivesigma_datasets.pythia import require_generators
from fivesigma_datasets.shuffling import auc
from fivesigma_datasets.toptag import figures, official, shifts
from fivesigma_datasets.toptag.events import GRID, PARTICLES, STEP
from fivesigma_datasets.toptag.folder import DATA, FIGURES, HERE, About, complete, numbered, write
from fivesigma_datasets.toptag.processes import (
    COMMON,
    MASS_RANGE,
    MAX_ETA,
    PROCESSES,
    PT_RANGE,
    RADIUS,
)
from fivesigma_datasets.toptag.simulate import MARGIN, Production, Progress

Report = Callable[[str], None]

FULL_EVENTS = 300_000
"""Jets of a full table: 60,000 background jets in the private part, 30,000 in the public one."""

MIN_EVENTS = 60
"""Fewer would leave a variant without jets of a class."""

SMALL = HERE / "small"
TASK = "Tell jets of hadronically decaying top quarks from those of light quarks and gluons."

ENOUGH_BACKGROUND = 50_000
"""Background test jets from which on the rejection at 30 % ranks; with fewer the AUC does."""

BEST_KNOWN_AUC = 0.99
"""No published tagger reaches this on the reference set; the best have 0.987."""


def small(out: Path, report: Report) -> None:
    """Copy the shipped jets, checked against their manifest, into a complete folder."""
    manifest = verified(SMALL)
    staging = start(out)
    (staging / "figures").mkdir()
    for name in (*DATA, *FIGURES):
        shutil.copyfile(SMALL / name, staging / name)
    lines = ["small table, shipped with the package; its truth is public", *_described(manifest)]
    del manifest["sha256"]
    about = About(f"{TASK} Simulated jets, small table.", lines, True, manifest, {})
    complete(staging, out, about)
    for line in lines:
        report(line)


def generate(
    out: Path, *, events: int, seed: int, processes: int, progress: Progress, report: Report
) -> None:
    """Simulate about ``events`` jets and write a complete folder."""
    if events < MIN_EVENTS or processes < 1 or seed < 0:
        raise DataError(f"Ask for at least {MIN_EVENTS} jets, 1 process and a seed of 0 or more.")
    settings = _settings(events, seed, require_generators())
    start(out).rmdir()  # a folder in the way is told now, not after an hour
    kept = chunk_folder(out)
    production = Production(events, seed, kept, settings)
    chosen = production.choose(processes, progress)
    table = numbered(chosen.table, seed)
    staging = start(out)
    write(staging, table, production.read(table, chosen.chunks), _buckets(out))
    figures.draw(staging, report)
    manifest = {**settings, "counts": _counts(table)}
    lines = _described(manifest)
    about = About(f"{TASK} Simulated jets.", lines, False, manifest, _ranking(table))
    complete(staging, out, about)
    forget(kept)
    for line in (*lines, *_sanity(table)):
        report(line)


def import_files(files: Sequence[Path], out: Path, *, seed: int, report: Report) -> None:
    """Read the published files, check them, and write a complete folder."""
    start(out).rmdir()
    jets, records = official.examined(files, report)
    divided, line = official.divided(jets, [path.name for path in files], seed)
    table = numbered(divided, seed)
    staging = start(out)
    write(staging, table, official.read(files, table), _buckets(out), channels=1)
    figures.draw(staging, report)
    lines = [
        *(f"{record['rows']:,} jets of {record['name']}" for record in records),
        line,
        "one channel in the images: the transverse momentum of all constituents",
        "no shifted jets: the only variant is nominal",
    ]
    manifest = {"challenge": "toptag", "origin": "official", "files": records}
    toml = _ranking(table) | {
        "plausible": f'{{ metric = "auc", bound = {BEST_KNOWN_AUC} }}',
        "variant_rank": '"nominal"',
    }
    about = About(f"{TASK} The reference set.", lines, True, manifest, toml)
    complete(staging, out, about)
    for text in (*lines, *_sanity(table)):
        report(text)


def _buckets(out: Path) -> Path:
    return out.parent / f".{out.name}.buckets"


def _settings(jets: int, seed: int, versions: dict[str, str]) -> dict[str, Any]:
    """Everything that the bytes depend on."""
    return {
        "challenge": "toptag",
        "origin": "simulated",
        "jets": jets,
        "seed": seed,
        "versions": versions,
        "settings": {
            "common": list(COMMON),
            "processes": {process.name: list(process.settings) for process in PROCESSES},
            "radius": RADIUS,
            "pt_range": list(PT_RANGE),
            "mass_range": list(MASS_RANGE),
            "max_eta": MAX_ETA,
            "margin": MARGIN,
            "particles": PARTICLES,
            "image": {"pixels": GRID.pixels, "cells": GRID.cells, "step": STEP},
            **shifts.described(seed),
        },
    }


def _counts(table: pl.DataFrame) -> dict[str, int]:
    """Jets per usage, variant and label."""
    keys = pl.concat_str("usage", "variant", "label", separator="/")
    return dict(table.group_by(keys.alias("key")).len().sort("key").rows())


def _described(manifest: dict[str, Any]) -> list[str]:
    """The manifest in lines; without the seed, which a real event keeps to itself."""
    versions, counts = manifest["versions"], manifest["counts"]
    sizes = {
        usage: sum(n for key, n in counts.items() if key.startswith(f"{usage}/"))
        for usage in shifts.USAGES
    }
    return [
        f"simulated with Pythia {versions['pythia8mc']} and FastJet {versions['fastjet']}, "
        "proton collisions at 14 TeV",
        ", ".join(f"{n:,} {usage}" for usage, n in sizes.items())
        + " jets, one half tops; test jets in equal parts nominal, with a shifted energy scale, "
        "smeared",
    ]


def _ranking(table: pl.DataFrame) -> dict[str, str]:
    """The ranking metric that so many jets allow."""
    test = table.filter((pl.col("usage") != "train") & (pl.col("label") == "b"))
    ranks, column = ("auc", "rejection_at_30")
    if len(test) >= ENOUGH_BACKGROUND:
        ranks, column = column, ranks
    return {
        "metric": f'"{ranks}"',
        "metrics": f'["{column}", "rejection_at_50", "max_sic", "accuracy"]',
    }


def _sanity(table: pl.DataFrame) -> list[str]:
    """What ids give away, in words."""
    test = table.filter(pl.col("usage") != "train")
    value = auc(test["id"].to_numpy(), (test["label"] == "s").to_numpy())
    return [f"{len(table):,} jets; AUC of the id {value:.3f} (0.500 gives nothing away)"]
