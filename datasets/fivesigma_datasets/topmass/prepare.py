"""The three ways to the data of topmass: shipped, simulated, imported."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets import folders
from fivesigma_datasets.chunks import OWNER_ONLY, Arrays, chunk_folder, forget, made_in_order
from fivesigma_datasets.errors import DataError
from fivesigma_datasets.jets.cells import CELL
from fivesigma_datasets.jets.detector import RESPONSE
from fivesigma_datasets.jets.images import CHANNELS, Grid
from fivesigma_datasets.jets.kinematics import Integers, pairs
from fivesigma_datasets.pythia import require_generators
from fivesigma_datasets.topmass import official, settings
from fivesigma_datasets.topmass.folder import SHIPPED, About, complete, described, publish
from fivesigma_datasets.topmass.layout import Form, Pictures
from fivesigma_datasets.topmass.settings import grid_of
from fivesigma_datasets.topmass.simulate import Chunk, make_chunk

Report = Callable[[str], None]
Progress = Callable[[int, int, str], None]

FULL_EVENTS = 200_000
"""Jets of a full table. An image of 125x125 pixels takes 94 kB in memory: read it in blocks."""

MIN_EVENTS = 50
CHUNK = 1000
"""Jets per chunk of a large table."""

BEST_KNOWN = 30.0
"""A mean absolute error in GeV that nobody reaches on CMS jets; published: 56.43."""

TASK = "Regress the mass of a top quark from the image of its jet."


def small(out: Path, report: Report) -> None:
    """Copy the shipped data, checked against their manifest, into a complete folder."""
    manifest = folders.verified(SHIPPED)
    staging = folders.start(out)
    for path in sorted(SHIPPED.iterdir()):
        if path.is_dir():
            shutil.copytree(path, staging / path.name)
        else:
            shutil.copyfile(path, staging / path.name)
    lines = ["small table, shipped with the package; its truth is public", *described(manifest)]
    complete(staging, About(f"{TASK} Simulated jets, small table.", lines, truth_public=True))
    folders.finish(staging, out)
    for line in lines:
        report(line)


def generate(
    out: Path, *, events: int, seed: int, processes: int, progress: Progress, report: Report
) -> None:
    """Simulate ``events`` jets and write a complete folder; images of 64x64 or 125x125 pixels."""
    if events < MIN_EVENTS or processes < 1 or seed < 0:
        raise DataError(f"Ask for at least {MIN_EVENTS} jets, 1 process and a seed of 0 or more.")
    versions = require_generators()
    folders.start(out).rmdir()  # a folder in the way is told now, not after an hour
    kept, grid = chunk_folder(out), grid_of(events)
    manifest = {
        "challenge": "topmass",
        "origin": "simulated",
        "events": events,
        "seed": seed,
        "versions": versions,
        "settings": recorded_settings(grid),
    }
    made: list[Arrays] = []
    done = 0
    for chunk in made_in_order(
        make_chunk, chunks(events, seed, grid), kept=kept, fingerprint=manifest, processes=processes
    ):
        made.append(chunk)
        done += len(chunk["mass"])
        progress(done, events, "jets")
    jets = together(made)
    form = Form(grid.pixels, grid.cells * CELL, settings.STEP)
    manifest["shot"] = int(jets["shot"].sum())
    about = About(f"{TASK} Simulated jets.", [], truth_public=False, manifest=manifest)
    publish(out, table_of(jets), form, dense(jets, form), seed, about, report)
    forget(kept)


def import_files(files: Sequence[Path], out: Path, *, seed: int, report: Report) -> None:
    """Read the published files, check them, and write a complete folder."""
    folders.start(out).rmdir()
    scratch = chunk_folder(out)
    forget(scratch)
    scratch.mkdir(parents=True, mode=OWNER_ONLY)
    try:
        imported = official.read(files, scratch, report)
        refuse_few(len(imported.jets["mass"]))
        manifest = {"challenge": "topmass", "origin": "official", "files": imported.files}
        lines = [f"{record['rows']:,} jets of {record['name']}" for record in imported.files]
        lines += [*imported.lines, "the ids and the order of rows are new"]
        about = About(f"{TASK} Imported jets.", lines, True, BEST_KNOWN, manifest)
        form = Form(imported.pixels, CELL, official.STEP)
        pictures = dense(imported.jets, form)
        publish(out, table_of(imported.jets), form, pictures, seed, about, report)
    finally:
        forget(scratch)


def refuse_few(jets: int) -> None:
    """Raise where a split would be left with hardly any jets."""
    if jets < MIN_EVENTS:
        raise DataError(f"There are {jets:,} jets, too few to divide: at least {MIN_EVENTS}.")


def chunks(events: int, seed: int, grid: Grid) -> Iterator[Chunk]:
    """The chunks of a table; their sizes depend on the size of the table alone."""
    size = int(np.clip(events // 8, MIN_EVENTS, CHUNK))
    for index, begin in enumerate(range(0, events, size)):
        yield Chunk(index, min(size, events - begin), seed, grid)


def together(made: Sequence[Arrays]) -> Arrays:
    """One table of all chunks; events of different chunks have different numbers."""
    first = np.cumsum([0, *(int(chunk["shot"].sum()) for chunk in made)])
    numbered = [
        {**chunk, "event": chunk["event"] + begin}
        for chunk, begin in zip(made, first, strict=False)
    ]
    return {name: np.concatenate([chunk[name] for chunk in numbered]) for name in made[0]}


def table_of(jets: Arrays) -> pl.DataFrame:
    """The columns of the jets, and ``group``: the number of their event."""
    names = ("pt", "ieta", "iphi", "mass")
    return pl.DataFrame({**{name: jets[name] for name in names}, "group": jets["event"]})


def dense(jets: Arrays, form: Form) -> Callable[[Integers], Pictures]:
    """A function that gives the images of some rows."""
    first = np.concatenate([[0], np.cumsum(jets["lit"])])
    shape = (len(form.channels), form.pixels, form.pixels)

    def images(rows: Integers) -> Pictures:
        pictures = np.zeros((len(rows), int(np.prod(shape))), dtype=np.uint16)
        picture, lit = pairs(first[rows], first[rows + 1])
        pictures[picture, jets["pixel"][lit]] = jets["value"][lit]
        return pictures.reshape(len(rows), *shape)

    return images


def recorded_settings(grid: Grid) -> dict[str, Any]:
    """Everything besides seed and versions that the bytes depend on."""
    names = (
        "MASS_RANGE PT_RANGE SHOT_PT SHOT_POWER THINNING MAX_ETA SHOT_ETA RADIUS MATCH BEAMS STEP"
    )
    return {
        "generator": list(settings.GENERATOR),
        **{name.lower(): getattr(settings, name) for name in names.split()},
        "grid": asdict(grid),
        "channels": list(CHANNELS),
        "cell": CELL,
        "response": asdict(RESPONSE),
    }
