"""Slices of a regression: what each says is what a test set of its rows alone would say."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import (
    Outcome,
    PhaseScoring,
    TestSetSpec,
    compile_solution,
    score_file,
)

REPLICAS = 2500
METRICS = ("mae", "bias", "rmse", "resolution_68", "median_absolute_error", "mre")
RANGES = ("0-30", "30-60", "60-90")


@pytest.fixture
def rows() -> pl.DataFrame:
    """1,500 events in three ranges of mass, the resolution of which differs."""
    random = np.random.default_rng(8)
    n = 1500
    mass = random.uniform(5, 90, n)
    at = (mass // 30).astype(int)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "mass": mass,
            "weight": random.uniform(0.5, 1.5, n),
            "usage": random.choice(["public", "private"], n),
            "range": np.array(RANGES)[at],
            "event": np.arange(n) // 2,
            "predicted": mass + random.normal(size=n) * (1 + at) + 0.2 * at,
        }
    )


def scored(rows: pl.DataFrame, path: Path, *slices: str, group: str | None = None) -> Outcome:
    rows.drop("predicted").write_parquet(path / "s.parquet")
    rows.select("id", mass="predicted").write_csv(path / "mine.csv")
    test_set = TestSetSpec(kind="regression", slices=slices, group=group)
    phase = PhaseScoring("main", METRICS[0], METRICS)
    compile_solution(
        path / "s.parquet", path / "mine.csv", path / "c", test_set=test_set, phases=[phase]
    )
    return score_file(path / "mine.csv", "mine.csv", path / "c", "main")


@pytest.mark.parametrize("group", [None, "event"])
@pytest.mark.parametrize("name", RANGES)
def test_a_slice_is_scored_as_if_there_were_no_other_rows(
    rows: pl.DataFrame, tmp_path: Path, name: str, group: str | None
) -> None:
    found = scored(rows, tmp_path, "range", group=group).slices
    other = pl.when(pl.col("range") == name).then(pl.col("usage")).otherwise(pl.lit("ignored"))
    alone = scored(rows.with_columns(usage=other), tmp_path, group=group).scores
    for split, scores in alone.items():
        for metric, expected in scores.items():
            one = found[split][f"range={name}"][metric]
            assert one is not None
            assert (one.value, one.sigma) == pytest.approx((expected.value, expected.sigma))
            assert (one.n, one.bootstrap) == (expected.n, expected.bootstrap)


def test_values_and_sigmas_agree_with_filtered_rows_and_replicas(
    rows: pl.DataFrame, tmp_path: Path
) -> None:
    slices = scored(rows, tmp_path, "range").slices["private"]
    assert list(slices) == [f"range={name}" for name in RANGES]
    for name in RANGES:
        here = rows.filter(pl.col("range") == name, usage="private")
        residual, weight = (here["predicted"] - here["mass"]).to_numpy(), here["weight"].to_numpy()
        draws = np.random.default_rng(2).poisson(1.0, (REPLICAS, here.height)) * weight
        total, sums = weight.sum(), draws.sum(axis=1)
        for metric, size in (("mae", np.abs(residual)), ("bias", residual)):
            one = slices[f"range={name}"][metric]
            assert one is not None
            assert one.value == pytest.approx(float(weight @ size / total))
            assert one.sigma == pytest.approx(float(np.std(draws @ size / sums)), rel=0.05)


def test_a_slice_whose_weights_cancel_has_no_value(rows: pl.DataFrame, tmp_path: Path) -> None:
    weight = pl.when(pl.col("range") == "0-30").then(-0.1 * pl.col("weight"))
    rows = rows.with_columns(weight=weight.otherwise(pl.col("weight")))
    means = ("mae", "bias")
    rows.drop("predicted").write_parquet(tmp_path / "s.parquet")
    rows.select("id", mass="predicted").write_csv(tmp_path / "mine.csv")
    phase = PhaseScoring("main", "mae", means)
    spec = TestSetSpec(kind="regression", slices=("range",))
    arguments = (tmp_path / "s.parquet", tmp_path / "mine.csv", tmp_path / "c")
    compile_solution(*arguments, test_set=spec, phases=[phase])
    slices = score_file(tmp_path / "mine.csv", "mine.csv", tmp_path / "c", "main").slices
    assert slices["public"]["range=0-30"] == dict.fromkeys(means)
    assert None not in slices["public"]["range=30-60"].values()
