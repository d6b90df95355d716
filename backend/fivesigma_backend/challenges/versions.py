"""Two versions of a compiled solution: whether predictions fit both, and what has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fivesigma_scoring.universe import FORMAT_FILE, IDS_FILE, POSITION_FILE

# What of a format may change by a re-scoring: bounds on values and sizes, not what is predicted.
MAY_CHANGE = (
    "min_selected",
    "max_bytes",
    "max_expanded_bytes",
    "needs_score",
    "bounds",
    "training",
)


def why_not_alike(old: Path, new: Path) -> str | None:
    """Why predictions made for one universe can't be scored against the other; None if they can."""
    if not _equal(old / IDS_FILE, new / IDS_FILE):
        return "it has other ids"
    if not _equal(old / POSITION_FILE, new / POSITION_FILE):
        return "its sample has another order, in which .npy files are read"
    before, after = _format(old), _format(new)
    differing = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return f"its format differs ({', '.join(differing)})" if differing else None


def truth_changes(old: Path, new: Path) -> list[str]:
    """What differs between two compiled truths, with the number of rows: for organisers' eyes."""
    names = {path.relative_to(root).as_posix() for root in (old, new) for path in _arrays(root)}
    lines = (_line(name, old / name, new / name) for name in sorted(names))
    return [line for line in lines if line is not None]


def _arrays(compiled: Path) -> Iterator[Path]:
    """The truth as a whole, and each phase's usage; what is derived of them tells nothing more."""
    yield from (compiled / "truth").glob("*.npy")
    yield from (compiled / "truth").glob("*/usage.npy")


def _line(name: str, old: Path, new: Path) -> str | None:
    what = name.removeprefix("truth/").removesuffix(".npy").replace("/usage", ": usage")
    if not old.exists():
        return f"{what}: new"
    if not new.exists():
        return f"{what}: removed"
    before, after = np.load(old, mmap_mode="r"), np.load(new, mmap_mode="r")
    if before.shape != after.shape:
        return f"{what}: {len(before):,} rows → {len(after):,} rows"
    differs = ~_same(before, after)
    count = int(np.count_nonzero(differs.reshape(len(before), -1).any(axis=1)))
    return f"{what}: {count:,} of {len(before):,} rows differ" if count else None


def _same(before: Any, after: Any) -> Any:
    numeric = before.dtype.kind == "f" and after.dtype.kind == "f"
    return np.isclose(before, after, rtol=0, atol=0, equal_nan=True) if numeric else before == after


def _equal(old: Path, new: Path) -> bool:
    before, after = np.load(old, mmap_mode="r"), np.load(new, mmap_mode="r")
    return before.dtype.kind == after.dtype.kind and np.array_equal(before, after)


def _format(universe: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((universe / FORMAT_FILE).read_text())
    return {key: value for key, value in found.items() if key not in MAY_CHANGE}
