"""A small challenge of masks, and its files in every form."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import PhaseScoring, Report, TestSetSpec, check_file, compile_solution

CLASSES = ("nothing", "shower", "track", "proton")
COORDINATES = {2: ("row", "col"), 3: ("x", "y", "z")}
PHASE = PhaseScoring(
    "main",
    "event_accuracy_p80",
    ["event_accuracy_p50", "event_accuracy_mean", "voxel_accuracy", "mean_iou", "class_recall_2"],
)


class Masks:
    """Events with shuffled ids, lit pixels, true classes, and a prediction of middling quality.

    Event 3 has no scored pixel, event 5 a scored one that is not lit, as noise and a dead pixel do.
    """

    def __init__(self, path: Path, shape: tuple[int, ...] = (12, 9), *, text: bool = False) -> None:
        random = np.random.default_rng(2018)
        self.path, self.shape, self.n = path, shape, 60
        numbers = random.permutation(900)[: self.n] + 7
        self.ids: np.ndarray = np.array([f"event {one}" for one in numbers]) if text else numbers
        everything = (self.n, *shape)
        self.lit = random.random(everything) < 0.3
        self.truth = np.where(
            self.lit & (random.random(everything) < 0.9), random.integers(1, 4, everything), 0
        ).astype(np.uint8)
        self.truth[3] = 0
        self.lit.reshape(self.n, -1)[5, 0] = False
        self.truth.reshape(self.n, -1)[5, 0] = 2
        right = random.random(everything) < random.uniform(0.3, 1, self.n).reshape(
            -1, *[1] * len(shape)
        )
        guess = random.integers(1, 4, everything)
        self.mine = (np.where(right, self.truth, guess) * (self.truth > 0)).astype(np.uint8)
        self.mine[3] = guess[3] * self.lit[3]
        self.usage = random.choice(["public", "private", "ignored"], self.n, p=[0.4, 0.5, 0.1])
        self.phase = PHASE
        self.test_set = TestSetSpec(kind="segmentation", classes=CLASSES, shape=shape)

    def table(self, mask: np.ndarray, listed: np.ndarray, *, places: bool = False) -> pl.DataFrame:
        """The listed pixels of a mask, by index or by coordinates."""
        event, *place = np.nonzero(listed)
        columns: dict[str, Any] = {"event": self.ids[event]}
        if places:
            columns |= dict(zip(COORDINATES[len(self.shape)], place, strict=True))
        else:
            columns["voxel"] = np.ravel_multi_index(place, self.shape)
        return pl.DataFrame(columns | {"class": mask[listed]})

    def pixels(self) -> pl.DataFrame:
        """A sparse solution without columns of events; empty events have a row of class 0."""
        listed = self.truth > 0
        empty = ~listed.reshape(self.n, -1).any(axis=1)
        listed.reshape(self.n, -1)[empty, 0] = True
        return self.table(self.truth, listed)

    def solution(self, name: str = "solution.parquet") -> Path:
        events = pl.DataFrame({"event": self.ids, "usage": self.usage})
        return self.write(self.pixels().join(events, on="event"), name)

    def sample(self, name: str = "sample.csv") -> Path:
        return self.write(self.table(np.ones_like(self.truth), self.lit), name)

    def write(self, frame: pl.DataFrame, name: str) -> Path:
        path = self.path / name
        if name.endswith(".csv"):
            frame.write_csv(path)
        elif name.endswith(".npz"):
            np.savez_compressed(path, **{one: frame[one].to_numpy() for one in frame.columns})
        else:
            frame.write_parquet(path)
        return path

    def dense(self, mask: np.ndarray, name: str) -> Path:
        path = self.path / name
        if name.endswith(".npy"):
            np.save(path, mask)
        elif name.endswith(".npz"):
            np.savez(path, pred=mask)
        else:
            with h5py.File(path, "w") as file:
                file.create_dataset("pred", data=mask, compression="gzip")
        return path

    def compile(self, **changes: Any) -> Path:
        solution = changes.pop("solution", None) or self.solution()
        sample = changes.pop("sample", None) or self.sample()
        arguments = {"test_set": self.test_set, "phases": [PHASE], **changes}
        compile_solution(solution, sample, self.path / "compiled", **arguments)
        return self.path / "compiled"

    def check(self, path: Path) -> Report:
        """The full check against what `compile` wrote."""
        return check_file(path, path.name, self.path / "compiled" / "universe")

    def accuracies(self, mask: np.ndarray, split: str) -> list[float]:
        """Of each event of a split with scored pixels, by a plain loop."""
        found = []
        for event in np.flatnonzero(self.usage == split):
            pixels = list(zip(self.truth[event].flat, mask[event].flat, strict=True))
            right = [true == one for true, one in pixels if true > 0]
            found += [sum(right) / len(right)] if right else []
        return found


@pytest.fixture
def masks(tmp_path: Path) -> Masks:
    """Images."""
    return Masks(tmp_path)


@pytest.fixture
def compiled(masks: Masks) -> Masks:
    """Images whose solution is compiled."""
    masks.compile()
    return masks


Make = Callable[..., Masks]


@pytest.fixture
def make_masks(tmp_path: Path) -> Make:
    """Challenges of another shape, or with ids that are text."""

    def make(shape: Sequence[int] = (12, 9), *, text: bool = False) -> Masks:
        return Masks(tmp_path, tuple(shape), text=text)

    return make
