"""Writing a complete challenge folder."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from fivesigma_datasets.folders import (
    MANIFEST,
    card_with,
    checksums,
    finish,
    settings_with,
    start,
)
from fivesigma_datasets.higgsml.features import FEATURES
from fivesigma_datasets.higgsml.figures import FIGURES, draw
from fivesigma_datasets.higgsml.reference import mass_window, to_csv
from fivesigma_datasets.higgsml.split import TOTALS, normalise
from fivesigma_datasets.shuffling import auc

HERE = Path(__file__).parent
TABLES = ("train.parquet", "test.parquet", "solution.parquet")
OFFICIAL_SHARE = 110
"""Test events per selected event of the official least selection: 550,000 / 5,000."""
LEAST_SELECTED = 50
LIKENESS = "figures/likeness.svg"
"""Simulated and real events in one picture; the card shows it."""
BEST_COMPRESSION = 200_000
"""Up to so many rows a table is packed tightly; above, quickly."""


@dataclass(frozen=True)
class About:
    """What the folder says about its data.

    ``totals`` are the expected events of ``s`` and ``b`` to which each split is normalised;
    ``figures`` is a folder with figures that were drawn before.
    """

    summary: str
    lines: Sequence[str]
    truth_public: bool
    plausible: float | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)
    features: Sequence[str] = FEATURES
    totals: Mapping[str, float] = field(default_factory=lambda: TOTALS)
    figures: Path | None = None


def publish(out: Path, table: pl.DataFrame, about: About) -> list[str]:
    """Write the folder of a table with ``EventId``, features, ``Weight``, ``Label`` and ``usage``.

    Everything is written beside ``out`` first, so that a folder with its final name is complete.
    Returns lines for the organiser: checks, and what was left out.
    """
    with_totals = normalise(table, about.totals)
    train = with_totals.filter(pl.col("usage") == "train")
    test = with_totals.filter(pl.col("usage") != "train")
    staging = start(out)
    names = ("EventId", *about.features)
    _write(train.select(*names, "Weight", "Label"), staging / TABLES[0])
    _write(test.select(names), staging / TABLES[1])
    solution = test.select("EventId", label="Label", weight="Weight", usage="usage")
    _write(solution, staging / TABLES[2])
    counts = dict(table.group_by("usage").len().sort("usage").rows())
    manifest = {**about.manifest, "counts": counts, "sha256": checksums(staging, TABLES)}
    (staging / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    (staging / "sample_submission.csv").write_bytes(to_csv(mass_window(test)))
    (staging / "README.md").write_text(card_with((HERE / "README.md").read_text(), about.lines))
    shutil.copyfile(HERE / "starter.py", staging / "starter.py")
    told = _illustrated(staging, train, about)
    (staging / "challenge.toml").write_text(toml(about, len(test), figures=not told))
    finish(staging, out)
    return [*sanity(table), *told]


def _illustrated(staging: Path, train: pl.DataFrame, about: About) -> list[str]:
    """Add the figures; what was left out."""
    if about.figures:
        shutil.copytree(about.figures, staging / "figures")
        return []
    (staging / "figures").mkdir()
    shutil.copyfile(HERE / "small" / LIKENESS, staging / LIKENESS)
    return draw(train, about.features, staging / "figures")


def toml(about: About, n_test: int, *, figures: bool) -> str:
    """The shipped challenge.toml with what depends on the data replaced."""
    totals = ", ".join(f"{label} = {total!r}" for label, total in about.totals.items())
    changes = {
        "summary": json.dumps(about.summary, ensure_ascii=False),
        "truth_public": str(about.truth_public).lower(),
        "min_selected": str(max(LEAST_SELECTED, n_test // OFFICIAL_SHARE)),
        "normalise": f"{{ {totals} }}",
    }
    if about.plausible is not None:
        changes["plausible"] = f'{{ metric = "ams", bound = {about.plausible:.2f} }}'
    shown = FIGURES if figures else {}
    text = settings_with((HERE / "challenge.toml").read_text(), changes)
    return text + "".join(
        f'\n[files.figure-{name}]\npath = "figures/{name}.svg"\ntitle = "{title}"\n'
        for name, title in shown.items()
    )


def sanity(table: pl.DataFrame) -> list[str]:
    """Checks of a published table in words: sums, undefined masses, what ids give away."""
    signal = (table["Label"] == "s").to_numpy()
    background = table.filter(pl.col("Label") == "b")["Weight"].to_numpy()
    effective = background.sum() ** 2 / (background**2).sum() / max(len(background), 1)
    by_id = auc(table["EventId"].to_numpy(), signal)
    lines = [
        f"{len(table):,} events, {signal.sum():,} signal and {(~signal).sum():,} background",
        f"background: effective over actual number of events {effective:.2f}",
        f"AUC of the id {by_id:.3f} (0.500 gives nothing away)",
    ]
    if "DER_mass_MMC" in table.columns:
        mass = (table["DER_mass_MMC"] == -999.0).to_numpy().mean()
        lines.insert(1, f"{100 * mass:.1f} % of events without a mass estimate")
    return lines


def _write(table: pl.DataFrame, path: Path) -> None:
    level = 9 if len(table) < BEST_COMPRESSION else 3
    table.write_parquet(path, compression="zstd", compression_level=level, statistics=False)
