"""What a load prints: the splits with their sums, the files with their checksums."""

from __future__ import annotations

from collections.abc import Iterator

from fivesigma_scoring import SolutionSummary

from .definition import Definition
from .folder import Inventory


def split_lines(definition: Definition, name: str, summary: SolutionSummary) -> Iterator[str]:
    """The splits of every phase of a test set: events, class balance, sums of weights, factors."""
    yield f"Test set {name}: {summary.rows:,} events"
    split = definition.test_sets[name].split
    if split is not None:
        yield f"  split drawn with seed {split.seed}, {split.public:.1%} public"
    for slug, splits in summary.phases.items():
        for kind, one in splits.items():
            yield f"  phase {slug}, {kind}: {one.text}"


def file_lines(definition: Definition, inventory: Inventory) -> Iterator[str]:
    """The published files: size and checksum."""
    yield "Published files:"
    for name, file in definition.published().items():
        found = inventory[file.path]
        yield f"  {name}: {file.path}, {found.size:,} bytes, sha256 {found.sha256}"
