"""Variants of a segmentation, from the solution to the outcome, against loops and replicas."""

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

REPLICAS = 2500
EVENTS, SIDE, CLASSES = 240, 6, 3
OF_200_REPLICAS = 4 / np.sqrt(2 * 200)
METRICS = ("event_accuracy_p80", "voxel_accuracy", "event_accuracy_mean", "mean_iou")
NAMES = ("nominal", "dead channels", "noise")
RIGHT = {"nominal": 0.55, "dead channels": 0.4, "noise": 0.5}
Masks = NDArray[np.uint8]


class Images:
    """240 images in three variants; how hard one is hangs on the event. Some have no pixel."""

    def __init__(self) -> None:
        random = np.random.default_rng(7)
        ease = random.beta(3, 3, EVENTS) - 0.5
        filled = random.uniform(0.2, 0.9, EVENTS)
        filled[::17] = 0
        self.truth = np.zeros((3, EVENTS, SIDE * SIDE), np.uint8)
        self.mine = np.zeros_like(self.truth)
        for at, name in enumerate(NAMES):
            lit = random.random((EVENTS, SIDE * SIDE)) < filled[:, np.newaxis]
            self.truth[at] = lit * random.integers(1, CLASSES, lit.shape)
            right = random.random(lit.shape) < (RIGHT[name] + 0.9 * ease)[:, np.newaxis]
            self.mine[at] = np.where(
                right, self.truth[at], lit * random.integers(1, CLASSES, lit.shape)
            )
        self.usage = random.choice(["public", "private"], EVENTS)

    def table(self, masks: Masks) -> pl.DataFrame:
        """Pixels of all variants; an event of another variant is another image."""
        flat = masks.reshape(3 * EVENTS, -1)
        event, voxel = np.nonzero(flat)
        empty = np.flatnonzero(~self.truth.reshape(3 * EVENTS, -1).any(axis=1))
        return pl.DataFrame(
            {
                "event": np.concatenate([event, empty]),
                "voxel": np.concatenate([voxel, np.zeros(empty.size, int)]),
                "class": np.concatenate([flat[event, voxel], np.zeros(empty.size, np.uint8)]),
            }
        )

    def solution(self) -> pl.DataFrame:
        of_event = pl.DataFrame(
            {
                "event": np.arange(3 * EVENTS),
                "usage": np.tile(self.usage, 3),
                "variant": np.repeat(NAMES, EVENTS),
                "image": np.tile(np.arange(EVENTS), 3),
            }
        )
        return self.table(self.truth).join(of_event, on="event", how="left")

    def score(self, path: Path, group: str | None, rank: str) -> Outcome:
        self.solution().write_parquet(path / "s.parquet")
        self.table(self.mine).write_parquet(path / "mine.parquet")
        test_set = TestSetSpec(
            kind="segmentation", variants="variant", group=group, shape=(SIDE * SIDE,)
        )
        phase = PhaseScoring("main", METRICS[0], METRICS, variant_rank=rank)
        arguments = (path / "s.parquet", path / "mine.parquet", path / "c")
        compile_solution(*arguments, test_set=test_set, phases=[phase])
        return score_file(path / "mine.parquet", "mine.parquet", path / "c", "main")


@pytest.fixture(scope="module")
def images() -> Images:
    return Images()


def counted(truth: Masks, mine: Masks) -> NDArray[np.float64]:
    """Pixels by event, true and predicted class, one by one."""
    counts = np.zeros((len(truth), CLASSES, CLASSES))
    for at, (true, predicted) in enumerate(zip(truth.tolist(), mine.tolist(), strict=True)):
        for one, other in zip(true, predicted, strict=True):
            counts[at, one, other] += one > 0
    return counts


def values(counts: NDArray[np.float64], draws: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Metrics where events count so often, draws (replicas, n)."""
    scored = counts.sum(axis=(1, 2)) > 0
    counts, draws = counts[scored], draws[:, scored]
    accuracy = np.trace(counts, axis1=1, axis2=2) / counts.sum(axis=(1, 2))
    pooled = np.tensordot(draws.astype(float), counts, 1)
    hits = np.diagonal(pooled, axis1=1, axis2=2)[:, 1:]
    union = pooled.sum(axis=1)[:, 1:] + pooled.sum(axis=2)[:, 1:] - hits
    return {
        "voxel_accuracy": np.trace(pooled, axis1=1, axis2=2) / pooled.sum(axis=(1, 2)),
        "event_accuracy_mean": draws @ accuracy / draws.sum(axis=1),
        "event_accuracy_p80": np.array([np.percentile(np.repeat(accuracy, n), 80) for n in draws]),
        "mean_iou": (hits / union).mean(axis=1),
    }


@pytest.mark.parametrize("group", [None, "image"])
def test_values_and_sigmas_agree_with_loops_and_replicas(
    images: Images, tmp_path: Path, group: str | None
) -> None:
    outcome = images.score(tmp_path, group, "mean")
    random, private = np.random.default_rng(5), images.usage == "private"
    counts = [
        counted(t[private], m[private]) for t, m in zip(images.truth, images.mine, strict=True)
    ]
    shared = random.poisson(1.0, (REPLICAS, int(private.sum())))
    drawn = [values(one, shared if group else random.poisson(1.0, shared.shape)) for one in counts]
    assert list(outcome.variants["private"]) == list(NAMES)
    for name in METRICS:
        column = [one[name] for one in outcome.variants["private"].values()]
        mean = outcome.scores["private"][name]
        replicas = [one[name] for one in drawn]
        for one, own in zip(column, counts, strict=True):
            expected = values(own, np.ones((1, len(own)), np.int64))[name][0]
            assert one.value == pytest.approx(expected, rel=1e-12)
            assert one.n == (own.sum(axis=(1, 2)) > 0).sum()
        assert mean.value == pytest.approx(sum(one.value for one in column) / 3)
        rough = name == "event_accuracy_p80"
        spreads = [*replicas, np.mean(replicas, axis=0)]
        for one, spread in zip([*column, mean], spreads, strict=True):
            assert one.bootstrap == rough
            tolerance = OF_200_REPLICAS if rough else 0.05
            assert one.sigma == pytest.approx(np.std(spread, ddof=1), rel=tolerance), name


def test_shared_images_keep_the_mean_from_getting_surer(images: Images, tmp_path: Path) -> None:
    """The two cases above are different numbers."""
    together, apart = (
        images.score(tmp_path, group, "mean").scores["private"]["event_accuracy_mean"].sigma
        for group in ("image", None)
    )
    assert together is not None
    assert apart is not None
    assert together > 1.2 * apart


def test_the_worst_variant_is_shown(images: Images, tmp_path: Path) -> None:
    outcome = images.score(tmp_path, "image", "worst")
    for split, scores in outcome.scores.items():
        assert scores == outcome.variants[split]["dead channels"]


def test_a_variant_without_events_in_a_split_is_named(images: Images, tmp_path: Path) -> None:
    rows = images.solution()
    gone = (pl.col("variant") == "noise") & (pl.col("usage") == "public")
    usage = pl.when(gone).then(pl.lit("ignored")).otherwise(pl.col("usage"))
    rows.with_columns(usage=usage).write_parquet(tmp_path / "s.parquet")
    images.table(images.mine).write_parquet(tmp_path / "mine.parquet")
    test_set = TestSetSpec(kind="segmentation", variants="variant", shape=(SIDE * SIDE,))
    with pytest.raises(SolutionError) as error:
        compile_solution(
            tmp_path / "s.parquet",
            tmp_path / "mine.parquet",
            tmp_path / "c",
            test_set=test_set,
            phases=[PhaseScoring("main", "voxel_accuracy")],
        )
    assert str(error.value) == (
        "Phase main, public split: variant noise: There is no event of it; both splits need some."
    )
