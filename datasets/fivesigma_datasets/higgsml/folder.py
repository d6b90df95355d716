"""Writing a complete challenge folder."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.higgsml.features import FEATURES
from fivesigma_datasets.higgsml.reference import mass_window, to_csv
from fivesigma_datasets.higgsml.split import auc, normalise

HERE = Path(__file__).parent
TABLES = ("train.parquet", "test.parquet", "solution.parquet")
SMALL_LIMIT = 100_000
"""Below so many test events the selection's least size stays at ``SMALL_MIN_SELECTED``."""
SMALL_MIN_SELECTED = 50
OFFICIAL_SHARE = 110
"""Test events per selected event of the official least selection: 550,000 / 5,000."""


@dataclass(frozen=True)
class About:
    """What the folder says about its data."""

    summary: str
    lines: Sequence[str]
    truth_public: bool
    plausible: float | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)


def publish(out: Path, table: pl.DataFrame, about: About) -> dict[str, int]:
    """Write the folder of a table with ``EventId``, features, ``Weight``, ``Label`` and ``usage``.

    Returns the number of events per usage. Everything is written beside ``out`` first, so that a
    folder with its final name is complete.
    """
    with_totals = normalise(table)
    train = with_totals.filter(pl.col("usage") == "train")
    test = with_totals.filter(pl.col("usage") != "train")
    staging = start(out)
    names = ("EventId", *FEATURES)
    _write(train.select(*names, "Weight", "Label"), staging / "train.parquet")
    _write(test.select(names), staging / "test.parquet")
    solution = test.select("EventId", label="Label", weight="Weight", usage="usage")
    _write(solution, staging / "solution.parquet")
    counts = dict(table.group_by("usage").len().sort("usage").rows())
    manifest = {**about.manifest, "counts": counts, "sha256": checksums(staging)}
    (staging / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    finish(staging, out, about, test)
    return counts


def start(out: Path) -> Path:
    """The folder to write into first; refuses to write over what is there."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is there already and not empty: name another folder or remove it.")
    staging = out.parent / f".{out.name}.partial"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def finish(staging: Path, out: Path, about: About, test: pl.DataFrame) -> None:
    """Add sample, card and toml, then give the folder its name."""
    (staging / "sample_submission.csv").write_bytes(to_csv(mass_window(test)))
    card = (HERE / "README.md").read_text()
    described = "".join(f"- {line}\n" for line in about.lines)
    (staging / "README.md").write_text(f"{card}\n## These data\n\n{described}")
    (staging / "challenge.toml").write_text(toml(about, len(test)))
    if out.exists():
        out.rmdir()
    staging.replace(out)


def toml(about: About, n_test: int) -> str:
    """The shipped challenge.toml with what depends on the data replaced."""
    least = n_test // OFFICIAL_SHARE if n_test >= SMALL_LIMIT else SMALL_MIN_SELECTED
    changes = {
        "summary": json.dumps(about.summary, ensure_ascii=False),
        "truth_public": str(about.truth_public).lower(),
        "min_selected": str(least),
    }
    if about.plausible is not None:
        changes["plausible"] = f'{{ metric = "ams", bound = {about.plausible:.2f} }}'
    lines = (HERE / "challenge.toml").read_text().splitlines()
    for key, value in changes.items():
        (number,) = (i for i, line in enumerate(lines) if line.startswith(f"{key} = "))
        lines[number] = f"{key} = {value}"
    return "\n".join(lines) + "\n"


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of the three tables."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in TABLES}


def sanity(table: pl.DataFrame) -> list[str]:
    """Checks of a published table in words: sums, undefined masses, what ids give away."""
    signal = (table["Label"] == "s").to_numpy()
    mass = (table["DER_mass_MMC"] == -999.0).to_numpy().mean()
    background = table.filter(pl.col("Label") == "b")["Weight"].to_numpy()
    effective = background.sum() ** 2 / (background**2).sum() / max(len(background), 1)
    by_id = auc(table["EventId"].to_numpy(), signal)
    return [
        f"{len(table):,} events, {signal.sum():,} signal and {(~signal).sum():,} background",
        f"{100 * mass:.1f} % of events without a mass estimate",
        f"background: effective over actual number of events {effective:.2f}",
        f"AUC of the id {by_id:.3f} (0.500 gives nothing away)",
    ]


def _write(table: pl.DataFrame, path: Path) -> None:
    level = 12 if len(table) < SMALL_LIMIT else 3  # a small table is shipped, a large one is local
    table.write_parquet(path, compression="zstd", compression_level=level, statistics=False)
