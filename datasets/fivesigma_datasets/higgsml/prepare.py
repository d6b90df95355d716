"""The three ways to the HiggsML data: shipped, simulated, official."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from fivesigma_datasets.chunks import chunk_folder, forget
from fivesigma_datasets.errors import DataError
from fivesigma_datasets.folders import MANIFEST, checksums, start, verified
from fivesigma_datasets.higgsml import fair_universe, official
from fivesigma_datasets.higgsml.features import FEATURES
from fivesigma_datasets.higgsml.folder import HERE, About, publish
from fivesigma_datasets.higgsml.packed import FILE, as_published, pack, unpack
from fivesigma_datasets.higgsml.processes import LUMINOSITY
from fivesigma_datasets.higgsml.simulate import Progress, settings, simulate
from fivesigma_datasets.higgsml.split import PROPORTIONS, renumber
from fivesigma_datasets.pythia import require_generators
from fivesigma_datasets.shuffling import assigned

Report = Callable[[str], None]

FULL_EVENTS = 800_000
"""The official number of training and test events."""

MIN_EVENTS = 50
"""Fewer would leave a split without one of the processes."""

SMALL = HERE / "small"
TASK = "Select signal events to maximise the AMS."


def small(out: Path, report: Report) -> None:
    """Write the shipped table, checked against its manifest, into a complete folder."""
    manifest = verified(SMALL)
    del manifest["sha256"]
    lines = ["small table, shipped with the package; its truth is public", *_described(manifest)]
    about = About(
        f"{TASK} Simulated events, small table.",
        lines,
        truth_public=True,
        manifest=manifest,
        figures=SMALL / "figures",
    )
    publish(out, unpack(SMALL / FILE), about)
    for line in lines:
        report(line)


def generate(
    out: Path, *, events: int, seed: int, processes: int, progress: Progress, report: Report
) -> None:
    """Simulate about ``events`` events and write a complete folder.

    Chunks are kept beside it until then, so that a killed run goes on where it was.
    """
    if events < MIN_EVENTS or processes < 1 or seed < 0:
        raise DataError(f"Ask for at least {MIN_EVENTS} events, 1 process and a seed of 0 or more.")
    wishes: dict[str, Any] = {
        "challenge": "higgsml",
        "origin": "simulated",
        "events": events,
        "seed": seed,
        "versions": require_generators(),
        "luminosity_per_pb": LUMINOSITY,
        "settings": settings(),
    }
    start(out).rmdir()  # a folder in the way is told now, not after an hour
    kept = chunk_folder(out)
    made = simulate(events, seed, processes, kept=kept, fingerprint=wishes, progress=progress)
    manifest = wishes | {"processes": [part.record for part in made]}
    lines = _described(manifest)
    about = About(f"{TASK} Simulated events.", lines, truth_public=False, manifest=manifest)
    checks = publish(out, _mixed(pl.concat([part.table for part in made]), seed), about)
    forget(kept)
    for line in (*lines, *checks):
        report(line)


def _mixed(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Rows of all processes divided in the same proportions, shuffled and numbered."""
    usage = assigned(table["process"], PROPORTIONS, seed)
    published = as_published({name: table[name] for name in FEATURES})
    return renumber(published.with_columns(table["Weight"], table["Label"], usage), seed)


def pack_small(folder: Path, out: Path) -> None:
    """Turn a generated folder into what is shipped: packed events, figures, manifest."""
    train = pl.read_parquet(folder / "train.parquet").with_columns(usage=pl.lit("train"))
    solution = pl.read_parquet(folder / "solution.parquet")
    test = pl.read_parquet(folder / "test.parquet").with_columns(
        Weight=solution["weight"], Label=solution["label"], usage=solution["usage"]
    )
    pack(pl.concat([train, test.select(train.columns)]), out / FILE)
    shutil.copytree(folder / "figures", out / "figures", dirs_exist_ok=True)
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["counts"]
    names = [FILE, *(f"figures/{path.name}" for path in sorted((out / "figures").iterdir()))]
    manifest["sha256"] = checksums(out, names)
    (out / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")


def import_files(files: Sequence[Path], out: Path, *, seed: int, report: Report) -> None:
    """Read the published files, check them, and write a complete folder."""
    if any(fair_universe.looks_like(path) for path in files):
        table, about = fair_universe.imported(files, seed, report)
    else:
        table, about = official.imported(files, seed, report)
    for line in publish(out, table, about):
        report(line)


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
