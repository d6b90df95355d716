"""Slices of a segmentation: events of the table of events that share a value."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import (
    Outcome,
    PhaseScoring,
    SolutionError,
    TestSetSpec,
    compile_solution,
    score_file,
)
from numpy.typing import NDArray

EVENTS, PIXELS = 300, 40
METRICS = ("event_accuracy_p80", "voxel_accuracy", "event_accuracy_mean", "mean_iou")
RECALL = "class_recall_2"
BEAMS = ("cosmic", "nue", "numu")


class Images:
    """300 images from three beams; some have no pixel, and cosmics have none of class 2."""

    def __init__(self) -> None:
        random = np.random.default_rng(9)
        self.beam = random.choice(BEAMS, EVENTS)
        self.usage = random.choice(["public", "private", "ignored"], EVENTS, p=[0.5, 0.4, 0.1])
        shape = (EVENTS, PIXELS)
        self.truth = random.integers(0, 3, shape)
        self.truth[::17] = 0
        cosmic = self.beam == "cosmic"
        self.truth[cosmic] = np.minimum(self.truth[cosmic], 1)
        share = np.array([0.9, 0.6, 0.75])[np.searchsorted(BEAMS, self.beam)]
        right = random.random(shape) < share[:, np.newaxis]
        mine = np.where(right, self.truth, random.integers(1, 3, shape))
        self.mine = np.where(self.truth > 0, mine, 0)

    def table(self, masks: NDArray[np.int64]) -> pl.DataFrame:
        event, voxel = np.nonzero(masks)
        empty = np.flatnonzero(~self.truth.any(axis=1))
        return pl.DataFrame(
            {
                "event": np.concatenate([event, empty]),
                "voxel": np.concatenate([voxel, np.zeros(empty.size, int)]),
                "class": np.concatenate([masks[event, voxel], np.zeros(empty.size, int)]),
            }
        )

    def score(self, path: Path, *slices: str, metrics: tuple[str, ...] = METRICS) -> Outcome:
        columns = {"event": np.arange(EVENTS), "usage": self.usage, "beam": self.beam}
        table = self.table(self.truth).join(pl.DataFrame(columns), on="event", how="left")
        table.sample(fraction=1.0, shuffle=True, seed=4).write_parquet(path / "s.parquet")
        self.table(self.mine).write_parquet(path / "mine.parquet")
        test_set = TestSetSpec(kind="segmentation", slices=slices, shape=(PIXELS,))
        arguments = (path / "s.parquet", path / "mine.parquet", path / "c")
        phase = PhaseScoring("main", metrics[0], metrics)
        compile_solution(*arguments, test_set=test_set, phases=[phase])
        return score_file(path / "mine.parquet", "mine.parquet", path / "c", "main")


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.mark.parametrize("beam", BEAMS)
def test_a_slice_is_scored_as_if_there_were_no_other_events(
    images: Images, tmp_path: Path, beam: str
) -> None:
    found = images.score(tmp_path, "beam").slices
    images.usage = np.where(images.beam == beam, images.usage, "ignored")
    for split, scores in images.score(tmp_path).scores.items():
        assert found[split][f"beam={beam}"] == scores


def test_values_and_sigmas_agree_with_filtered_events(images: Images, tmp_path: Path) -> None:
    slices = images.score(tmp_path, "beam").slices["public"]
    assert list(slices) == [f"beam={name}" for name in BEAMS]
    for beam in BEAMS:
        here = (images.usage == "public") & (images.beam == beam) & images.truth.any(axis=1)
        truth, mine = images.truth[here], images.mine[here]
        right, scored = ((truth == mine) & (truth > 0)).sum(axis=1), (truth > 0).sum(axis=1)
        mean = slices[f"beam={beam}"]["event_accuracy_mean"]
        pooled = slices[f"beam={beam}"]["voxel_accuracy"]
        assert mean is not None
        assert pooled is not None
        assert mean.value == pytest.approx((right / scored).mean())
        assert mean.sigma == pytest.approx(np.std(right / scored) / np.sqrt(scored.size))
        assert pooled.value == pytest.approx(right.sum() / scored.sum())
        draws = np.random.default_rng(1).poisson(1.0, (4000, scored.size))
        replicas = (draws @ right) / (draws @ scored)
        assert pooled.sigma == pytest.approx(float(np.std(replicas)), rel=0.06)


def test_the_recall_of_a_class_that_a_slice_lacks_is_null(images: Images, tmp_path: Path) -> None:
    slices = images.score(tmp_path, "beam", metrics=("voxel_accuracy", RECALL)).slices["private"]
    assert slices["beam=cosmic"][RECALL] is None
    assert slices["beam=cosmic"]["voxel_accuracy"] is not None
    assert slices["beam=nue"][RECALL] is not None


def test_a_beam_must_be_the_same_in_all_rows_of_an_event(images: Images, tmp_path: Path) -> None:
    images.score(tmp_path, "beam")
    table = pl.read_parquet(tmp_path / "s.parquet")
    table = table.with_columns(beam=pl.Series(np.arange(table.height) % 7).cast(pl.String))
    table.write_parquet(tmp_path / "s.parquet")
    test_set = TestSetSpec(kind="segmentation", slices=("beam",), shape=(PIXELS,))
    arguments = (tmp_path / "s.parquet", tmp_path / "mine.parquet", tmp_path / "d")
    with pytest.raises(SolutionError, match="'beam' must be the same in all rows of an event"):
        compile_solution(*arguments, test_set=test_set, phases=[PhaseScoring("m", "mean_iou")])
