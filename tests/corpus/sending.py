"""The whole corpus, one entry after the other, and a table of what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fivesigma_backend.core.sandbox import SandboxError

from corpus.checking import Checker, Result, objections
from corpus.entry import Entry

SHOWN = 5


@dataclass
class Sending:
    """Sends entries and remembers what came back."""

    checker: Checker
    folder: Path
    results: list[tuple[str, Entry, Result]] = field(default_factory=list)

    def send(self, layer: str, entry: Entry) -> list[str]:
        """What is wrong with the answer to an entry, in words."""
        file = entry.write(self.folder / "file")
        try:
            result = self.checker.check(file, entry.filename, entry.test_set)
        except SandboxError as error:
            return [f"{error!r}: {error.detail[-2000:]}"]
        self.results.append((layer, entry, result))
        wrong = objections(entry, result)
        return [*wrong, *(one.message for one in result.report.findings)] if wrong else []

    def table(self) -> str:
        """Counts by layer, and the dearest entries."""
        return "\n".join([*_counts(self.results), *_dearest(self.results)])


Results = Sequence[tuple[str, Entry, Result]]


def _counts(results: Results) -> list[str]:
    entries = Counter(layer for layer, _, _ in results)
    refused = Counter(layer for layer, entry, _ in results if entry.errors)
    rows = [*((layer, count, refused[layer]) for layer, count in entries.items())]
    rows.append(("all", entries.total(), refused.total()))
    return [f"{layer:11} {count:4} entries, {bad:4} refused" for layer, count, bad in rows]


def _dearest(results: Results) -> list[str]:
    lines = []
    for what, key in (("slowest", "seconds"), ("largest", "peak")):
        lines.append(what)
        for layer, entry, one in sorted(results, key=lambda row: -getattr(row[2], key))[:SHOWN]:
            cost = f"{one.seconds:6.3f} s {one.peak / 2**20:7.1f} MiB"
            lines.append(f"  {cost}  {layer}: {entry.name}")
    return lines
