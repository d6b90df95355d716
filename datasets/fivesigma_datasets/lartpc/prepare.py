"""The three ways to the data of ``lartpc`` and ``lartpc-3d``: shipped, simulated, official."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets import folders
from fivesigma_datasets.chunks import chunk_folder, forget
from fivesigma_datasets.errors import DataError
from fivesigma_datasets.lartpc import figures, official
from fivesigma_datasets.lartpc.folder import FIGURES, HERE, About, complete, tables_of, write_tables
from fivesigma_datasets.lartpc.layout import IMAGES, PARTS, STAGES, VOXELS, Layout
from fivesigma_datasets.lartpc.simulate import Progress, settings, simulate

Report = Callable[[str], None]
TASK = "Tell showers, tracks and protons apart, {} by {}."
MIN_EVENTS = 60
"""Fewer would leave a part of a stage without events."""


@dataclass(frozen=True)
class Challenge:
    """One of the two challenges; its three functions are those of a built-in challenge."""

    layout: Layout
    full_events: int

    @property
    def shipped(self) -> Path:
        """The folder of the shipped data."""
        return HERE / "small" / self.layout.name

    def small(self, out: Path, report: Report) -> None:
        """Copy the shipped data, checked against their manifest, into a complete folder."""
        manifest = folders.verified(self.shipped)
        staging = folders.start(out)
        for name in tables_of(STAGES):
            shutil.copyfile(self.shipped / name, staging / name)
        (staging / "figures").mkdir()
        for name in FIGURES:
            shutil.copyfile(self.shipped / name, staging / name)
        lines = ["small set, shipped with the package; its truth is public", *described(manifest)]
        about = About(self.layout, f"{self._task} Simulated events, small set.", lines, True)
        complete(staging, about, manifest)
        folders.finish(staging, out)
        for line in lines:
            report(line)

    def generate(
        self,
        out: Path,
        *,
        events: int,
        seed: int,
        processes: int,
        progress: Progress,
        report: Report,
    ) -> None:
        """Simulate `events` events, a third of them for each stage, and write a folder."""
        if events < MIN_EVENTS or processes < 1 or seed < 0:
            raise DataError(
                f"Ask for at least {MIN_EVENTS} events, 1 process and a seed of 0 or more."
            )
        folders.start(out).rmdir()  # a folder in the way is told now, not after an hour
        kept = chunk_folder(out)
        per_stage = events // len(STAGES)
        stages = simulate(self.layout, per_stage, seed, processes, kept, progress)
        manifest = {
            "challenge": self.layout.name,
            "origin": "simulated",
            "events": events,
            "seed": seed,
            "versions": {"numpy": np.__version__, "polars": pl.__version__},
            "settings": settings(self.layout),
            "counts": counts_of(stages),
        }
        about = About(self.layout, f"{self._task} Simulated events.", described(manifest), False)
        self._publish(out, stages, about, manifest, seed, report)
        forget(kept)

    def import_files(self, files: Sequence[Path], out: Path, *, seed: int, report: Report) -> None:
        """Read the published HDF5 files, check them, and write a folder of their stages."""
        folders.start(out).rmdir()
        stages, sources = official.read(files, self.layout, seed, report)
        manifest = {
            "challenge": self.layout.name,
            "origin": "official",
            "files": sources,
            "counts": counts_of(stages),
        }
        lines = [
            *described(manifest),
            "finals score other events, drawn at random: not harder ones",
        ]
        summary = f"{self._task} The events of 2018."
        about = About(self.layout, summary, lines, True, tuple(stages))
        self._publish(out, stages, about, manifest, seed, report)

    @property
    def _task(self) -> str:
        return TASK.format(self.layout.what, self.layout.what)

    def _publish(
        self,
        out: Path,
        stages: Mapping[int, pl.DataFrame],
        about: About,
        manifest: Mapping[str, Any],
        seed: int,
        report: Report,
    ) -> None:
        staging = folders.start(out)
        write_tables(staging, stages, seed)
        figures.draw(staging, self.layout, about.stages, report)
        complete(staging, about, manifest)
        folders.finish(staging, out)
        for line in about.lines:
            report(line)


def counts_of(stages: Mapping[int, pl.DataFrame]) -> dict[str, dict[str, int]]:
    """Events of each part, and pixels of each class, by stage."""
    return {
        f"stage-{stage}": {
            **dict(table.group_by("part").agg(pl.col("event").n_unique()).sort("part").rows()),
            "lit pixels": len(table),
            **{
                f"class {label}": number
                for label, number in table.group_by("class").len().sort("class").rows()
            },
        }
        for stage, table in stages.items()
    }


def described(manifest: Mapping[str, Any]) -> list[str]:
    """The manifest in lines; without the seed, which a real event keeps to itself."""
    lines = []
    for stage, counts in manifest["counts"].items():
        names = [part.name for part in PARTS]
        events = ", ".join(f"{name} {counts.get(name, 0):,}" for name in names)
        total = sum(counts.get(name, 0) for name in names)
        lit = counts["lit pixels"] / max(total, 1)
        lines.append(f"{stage}: events {events}; {lit:,.0f} lit pixels an event")
    return lines


images = Challenge(IMAGES, full_events=30_000)
voxels = Challenge(VOXELS, full_events=30_000)
