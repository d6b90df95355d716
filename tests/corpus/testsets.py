"""The tiny test sets that the corpus is sent to, compiled as an organiser's would be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fivesigma_scoring import PhaseScoring, TestSetSpec, compile_solution

from corpus.entry import MASKS, NAMED, RANKED, REGRESSION, SELECTION, VOXELS

EVENTS = 40
IDS = tuple(range(100, 100 + 3 * EVENTS, 3))
NAMES = tuple(f"run{at % 3}:ev{at:03}" for at in range(EVENTS))
WORDS = tuple("s" if at % 3 == 0 else "b" for at in range(EVENTS))
TARGETS = tuple((20.5 + 10 * at, round(0.1 + at / 20, 3)) for at in range(EVENTS))
MASK_EVENTS, SHAPE, VOLUME, LIT = (10, 11, 12, 15, 20, 21), (4, 5), (200, 200, 200), 60
CLASSES = ("nothing", "shower", "track")
TRAINING = "event,energy,theta\n1,10,0\n2,500,3.2\n"
BOUNDS = (-1000.0, 5000.0)

Rows = tuple[tuple[object, ...], ...]


def pixels(shape: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """The pixels that are lit, a third of the first ones: event, index, class."""
    for at, event in enumerate(MASK_EVENTS):
        for index in range(at % 3, min(LIT, math.prod(shape)), 3):
            yield event, index, 1 + (index + at) % 2


@dataclass(frozen=True)
class Tiny:
    """A test set: its sample, which is right in every row, and what scores it."""

    header: tuple[str, ...]
    rows: Rows
    test_set: TestSetSpec
    metric: str

    @property
    def sample(self) -> bytes:
        """A good file."""
        return table(self.header, self.rows)

    def compile(self, folder: Path) -> Path:
        """Compile it into a new folder; returns the universe."""
        folder.mkdir()
        (folder / "sample.csv").write_bytes(self.sample)
        (folder / "training.csv").write_text(TRAINING)
        header = ("label" if name == "Class" else name for name in self.header)
        ids = list(dict.fromkeys(row[0] for row in self.rows))
        usage = {one: ("public", "private")[at % 2] for at, one in enumerate(ids)}
        rows = tuple((*row, usage[row[0]]) for row in self.rows)
        solution = table((*header, "usage"), rows)
        (folder / "solution.csv").write_bytes(solution)
        settings = {**self.test_set.__dict__, "training": folder / "training.csv"}
        compile_solution(
            folder / "solution.csv",
            folder / "sample.csv",
            folder / "compiled",
            test_set=TestSetSpec(**settings),
            phases=[PhaseScoring("main", self.metric)],
        )
        return folder / "compiled" / "universe"


def table(header: tuple[str, ...], rows: Rows, separator: str = ",") -> bytes:
    """A CSV."""
    return "".join(separator.join(map(str, row)) + "\n" for row in (header, *rows)).encode()


def _masks(shape: tuple[int, ...]) -> Tiny:
    spec = TestSetSpec(kind="segmentation", classes=CLASSES, shape=shape)
    return Tiny(("event", "voxel", "class"), tuple(pixels(shape)), spec, "voxel_accuracy")


_SELECTION = TestSetSpec(min_selected=1)
TEST_SETS: Mapping[str, Tiny] = {
    SELECTION: Tiny(
        ("EventId", "Class"), tuple(zip(IDS, WORDS, strict=True)), _SELECTION, "accuracy"
    ),
    RANKED: Tiny(
        ("EventId", "Class", "Score"),
        tuple((id_, word, at / 64) for at, (id_, word) in enumerate(zip(IDS, WORDS, strict=True))),
        _SELECTION,
        "auc",
    ),
    NAMED: Tiny(
        ("EventId", "Class"), tuple(zip(NAMES, WORDS, strict=True)), _SELECTION, "accuracy"
    ),
    REGRESSION: Tiny(
        ("event", "energy", "theta"),
        tuple((id_, *values) for id_, values in zip(IDS, TARGETS, strict=True)),
        TestSetSpec(kind="regression", bounds=BOUNDS),
        "mae",
    ),
    MASKS: _masks(SHAPE),
    VOXELS: _masks(VOLUME),
}


def compile_all(folder: Path) -> dict[str, Path]:
    """Compile every test set; its name to the folder of its universe."""
    return {name: tiny.compile(folder / name) for name, tiny in TEST_SETS.items()}
