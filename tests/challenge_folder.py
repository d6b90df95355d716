"""A small but real selection challenge, as a folder, for tests of every feature.

One feature `x` separates signal (centre +1) from background (centre -1), so that `write_prediction`
with different cuts gives submissions of different quality. Class totals are declared, half of the
test events are public and half are private.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tomli_w

CARD = """# Tiny: find the bump

A **small** selection challenge. Select the signal events.

| column | meaning |
|---|---|
| `x` | the only feature |
"""
RULES = "# Rules\n\nOne account per person.\n"
OPENS = datetime(2026, 12, 1, tzinfo=UTC)
CLOSES = datetime(2026, 12, 21, tzinfo=UTC)


def write_tiny_challenge(
    folder: Path, *, rows: int = 200, seed: int = 1, **toml_overrides: Any
) -> Path:
    """Write a valid challenge folder and return it.

    Tables given as `toml_overrides` are merged into `tiny_toml()`, anything else replaces; a value
    of None removes the key: `write_tiny_challenge(folder, slug="other", rules=None)`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    test = _events(rows, seed)
    _events(rows, seed + 1).drop("usage").write_csv(folder / "train.csv")
    test.drop("label", "weight", "usage").write_csv(folder / "test.csv")
    test.drop("x").write_csv(folder / "solution.csv")
    (folder / "README.md").write_text(CARD)
    (folder / "rules.md").write_text(RULES)
    (folder / "challenge.toml").write_text(tomli_w.dumps(_merged(tiny_toml(), toml_overrides)))
    write_prediction(folder, folder / "sample_submission.csv", cut=-1.0)
    return folder


def tiny_toml() -> dict[str, Any]:
    """The contents of the tiny challenge's `challenge.toml`; one phase, open 1 to 21 Dec 2026."""
    return {
        "slug": "tiny",
        "title": "Tiny: find the bump",
        "summary": "Select the signal events.",
        "kind": "selection",
        "rules": "rules.md",
        "files": {
            "train": {"path": "train.csv", "title": "Training events"},
            "test": {"path": "test.csv", "title": "Test events"},
        },
        "test_sets": {"main": {"solution": "solution.csv", "sample": "sample_submission.csv"}},
        "phases": [
            {
                "slug": "final",
                "title": "The phase",
                "opens": OPENS,
                "closes": CLOSES,
                "metric": "ams",
                "metrics": ["signal_efficiency", "purity"],
                "options": {"regularisation": 10.0},
                "normalise": {"s": 100.0, "b": 1000.0},
                "limits": {"per_day": 5, "total": 20, "concurrent": 2},
            }
        ],
    }


def write_prediction(folder: Path, path: Path, *, cut: float = 0.0) -> Path:
    """Write the CSV submission that selects the test events with x above `cut`."""
    test = pl.read_csv(folder / "test.csv")
    selected = pl.when(pl.col("x") > cut).then(pl.lit("s")).otherwise(pl.lit("b"))
    rank = pl.col("x").rank("ordinal").cast(pl.Int64)
    columns = test.select("EventId", rank.alias("RankOrder"), selected.alias("Class"))
    columns.write_csv(path)
    return path


def _events(rows: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    signal = np.arange(rows) % 4 == 0
    public = np.arange(rows) // 4 % 2 == 0
    order = random.permutation(rows)
    return pl.DataFrame(
        {
            "EventId": np.arange(rows) + 100_000 * seed,
            "x": random.normal(np.where(signal, 1.0, -1.0))[order],
            "label": np.where(signal, "s", "b")[order],
            "weight": random.uniform(0.5, 1.5, rows),
            "usage": np.where(public, "public", "private")[order],
        }
    )


def _merged(base: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overrides.items():
        present = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(present, dict) and isinstance(value, dict):
            merged[key] = _merged(present, value)
        else:
            merged[key] = value
    return merged
