"""The three ways to the HiggsML data: shipped, simulated, official."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.higgsml import missing_mass, official
from fivesigma_datasets.higgsml.detector import RESPONSE
from fivesigma_datasets.higgsml.features import FEATURES
from fivesigma_datasets.higgsml.folder import (
    HERE,
    TABLES,
    About,
    checksums,
    finish,
    publish,
    sanity,
    start,
)
from fivesigma_datasets.higgsml.processes import COMMON, FILTER_ETA, LUMINOSITY, PROCESSES
from fivesigma_datasets.higgsml.simulate import Progress, require_generators, simulate
from fivesigma_datasets.higgsml.split import assign_usage, renumber

Report = Callable[[str], None]

FULL_EVENTS = 800_000
"""The official number of training and test events."""

MIN_EVENTS = 50
"""Fewer would leave a split without one of the processes."""

SMALL = HERE / "small"
TASK = "Select signal events to maximise the AMS."


def small(out: Path, report: Report) -> None:
    """Copy the shipped table, checked against its manifest, into a complete folder."""
    manifest = json.loads((SMALL / "manifest.json").read_text())
    if checksums(SMALL) != manifest["sha256"]:
        raise DataError("The shipped small table is damaged: reinstall the package.")
    staging = start(out)
    for name in (*TABLES, "manifest.json"):
        shutil.copyfile(SMALL / name, staging / name)
    test = pl.read_parquet(staging / "test.parquet")
    lines = ["small table, shipped with the package; its truth is public", *_described(manifest)]
    about = About(f"{TASK} Simulated events, small table.", lines, truth_public=True)
    finish(staging, out, about, test)
    for line in lines:
        report(line)


def generate(
    out: Path, *, events: int, seed: int, processes: int, progress: Progress, report: Report
) -> None:
    """Simulate about ``events`` events and write a complete folder."""
    if events < MIN_EVENTS or processes < 1 or seed < 0:
        raise DataError(f"Ask for at least {MIN_EVENTS} events, 1 process and a seed of 0 or more.")
    versions = require_generators()
    start(out).rmdir()  # a folder in the way is told now, not after an hour
    made = simulate(events, seed, processes, progress)
    table = pl.concat([part.table for part in made])
    table = table.with_columns(pl.col(pl.Float64).exclude("Weight").cast(pl.Float32))
    table = table.with_columns(pl.col("PRI_jet_num").cast(pl.Int64))
    table = renumber(table.with_columns(assign_usage(table["process"], seed)), seed)
    manifest = _manifest(events, seed, versions, [part.record for part in made])
    lines = _described(manifest)
    publish(out, table, About(f"{TASK} Simulated events.", lines, False, manifest=manifest))
    for line in (*lines, *sanity(table)):
        report(line)


def import_files(files: Sequence[Path], out: Path, *, seed: int, report: Report) -> None:
    """Read the published files, check them, and write a complete folder."""
    imported = official.read(files, report)
    table, lines = official.divide(imported, seed, report)
    counts = table.group_by("usage").len()
    n_public = int(counts.filter(pl.col("usage") == "public")["len"].sum())
    about = About(
        f"{TASK} The events of 2014.",
        lines,
        truth_public=True,
        plausible=official.plausibility_bound(n_public),
        manifest={"challenge": "higgsml", "origin": "official", "files": imported.files},
    )
    publish(out, table.select("EventId", *FEATURES, "Weight", "Label", "usage"), about)
    for line in sanity(table):
        report(line)


def _manifest(
    events: int, seed: int, versions: dict[str, str], records: list[dict[str, Any]]
) -> dict[str, Any]:
    """Everything that the bytes depend on."""
    mmc = {name: getattr(missing_mass, name) for name in ("GRID", "POWER", "MAX_PULL")}
    return {
        "challenge": "higgsml",
        "origin": "simulated",
        "events": events,
        "seed": seed,
        "versions": versions,
        "luminosity_per_pb": LUMINOSITY,
        "settings": {
            "common": list(COMMON),
            "filter_eta": FILTER_ETA,
            "processes": [asdict(process) for process in PROCESSES],
            "response": response(),
            "mmc": mmc,
        },
        "processes": records,
    }


def response() -> dict[str, Any]:
    """The detector's settings as they stand in the manifest."""
    return asdict(RESPONSE)


def _described(manifest: dict[str, Any]) -> list[str]:
    """The manifest in lines; without the seed, which a real event keeps to itself."""
    versions = manifest["versions"]
    parts = [
        f"{record['process']} {record['rows']:,} rows ({record['expected_events']:,.0f} expected)"
        for record in manifest["processes"]
    ]
    return [
        f"simulated with Pythia {versions['pythia8mc']} and FastJet {versions['fastjet']}, "
        "proton collisions at 8 TeV, 20.3/fb",
        "; ".join(parts),
    ]
