"""Variants of a regression, from the solution to the outcome, against loops and replicas."""

from collections.abc import Iterator
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
OF_200_REPLICAS = 4 / np.sqrt(2 * 200)
METRICS = ("mae", "bias", "rmse", "resolution_68", "median_absolute_error", "mre")
NAMES = ("nominal", "es down", "es up")
SHIFT = {"nominal": 0.1, "es down": -0.6, "es up": 0.5}


@pytest.fixture
def rows() -> pl.DataFrame:
    """800 events in three variants that lose some; an event shares most of its residual."""
    random = np.random.default_rng(6)
    n = 800
    event = {"event": np.arange(n), "mass": random.uniform(20, 90, n)}
    event |= {
        "weight": random.uniform(0.5, 1.5, n),
        "usage": random.choice(["public", "private"], n),
    }
    shared = random.normal(size=n)
    copies = []
    for name in NAMES:
        residual = shared + SHIFT[name] + 0.3 * random.normal(size=n)
        columns = event | {"variant": name, "predicted": event["mass"] + residual}
        copies.append(pl.DataFrame(columns).filter(pl.Series(random.random(n) < 0.9)))
    every = pl.concat(copies).sample(fraction=1.0, shuffle=True, seed=1)
    return every.select(pl.Series("id", np.arange(every.height)), pl.all())


def scored(rows: pl.DataFrame, path: Path, group: str | None, rank: str) -> Outcome:
    rows.drop("predicted").write_parquet(path / "s.parquet")
    mine = rows.select("id", mass="predicted")
    mine.write_csv(path / "mine.csv")
    test_set = TestSetSpec(kind="regression", variants="variant", group=group)
    phase = PhaseScoring("main", METRICS[0], METRICS, variant_rank=rank)
    compile_solution(
        path / "s.parquet", path / "mine.csv", path / "c", test_set=test_set, phases=[phase]
    )
    return score_file(path / "mine.csv", "mine.csv", path / "c", "main")


def part(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.filter(usage="private", variant=name)


def means(frame: pl.DataFrame, counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Metrics that are means where rows count so often, (replicas, n)."""
    residual = (frame["predicted"] - frame["mass"]).to_numpy()
    weight = counts * frame["weight"].to_numpy()
    total = weight.sum(axis=1)
    return {
        "mae": weight @ np.abs(residual) / total,
        "bias": weight @ residual / total,
        "rmse": np.sqrt(weight @ residual**2 / total),
        "mre": weight @ (np.abs(residual) / frame["mass"].to_numpy()) / total,
    }


def quantile(values: NDArray[np.float64], weight: NDArray[np.float64], share: float) -> float:
    """Without a word on what lies between two of several hundred events."""
    order = np.argsort(values)
    upto = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(upto, share * upto[-1])])


def quantiles(frame: pl.DataFrame, counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    residual = (frame["predicted"] - frame["mass"]).to_numpy()
    every = counts * frame["weight"].to_numpy()
    return {
        "median_absolute_error": np.array([quantile(np.abs(residual), w, 0.5) for w in every]),
        "resolution_68": np.array(
            [
                (quantile(residual, w, 0.8413) - quantile(residual, w, 0.1587)) / 2
                for w in every[: REPLICAS // 2]
            ]
        ),
    }


def draws(rows: pl.DataFrame, shared: bool) -> Iterator[tuple[pl.DataFrame, NDArray[np.float64]]]:
    random = np.random.default_rng(12)
    events = random.poisson(1.0, (REPLICAS, 800)).astype(float)
    for name in NAMES:
        frame = part(rows, name)
        apart = random.poisson(1.0, (REPLICAS, frame.height)).astype(float)
        yield frame, events[:, frame["event"].to_numpy()] if shared else apart


@pytest.mark.parametrize("group", [None, "event"])
def test_sigmas_agree_with_replicas(rows: pl.DataFrame, tmp_path: Path, group: str | None) -> None:
    outcome = scored(rows, tmp_path, group, "mean")
    drawn = [means(*one) | quantiles(*one) for one in draws(rows, group is not None)]
    assert list(outcome.variants["private"]) == list(NAMES)
    for name in METRICS:
        column = [one[name] for one in outcome.variants["private"].values()]
        mean = outcome.scores["private"][name]
        values = [one[name] for one in drawn]
        rough = name in ("median_absolute_error", "resolution_68")
        for one, replicas in zip([*column, mean], [*values, np.mean(values, axis=0)], strict=True):
            tolerance = OF_200_REPLICAS if rough else 0.05
            assert one.bootstrap == rough
            assert one.sigma == pytest.approx(np.std(replicas, ddof=1), rel=tolerance), name
        assert mean.value == pytest.approx(sum(one.value for one in column) / 3)


def test_shared_events_keep_the_mean_from_getting_surer(rows: pl.DataFrame, tmp_path: Path) -> None:
    """The two cases above are different numbers."""
    together, apart = (
        scored(rows, tmp_path, group, "mean").scores["private"]["bias"].sigma
        for group in ("event", None)
    )
    assert together is not None
    assert apart is not None
    assert together > 1.4 * apart


def test_values_are_those_of_loops_and_the_worst_is_the_farthest(
    rows: pl.DataFrame, tmp_path: Path
) -> None:
    outcome = scored(rows, tmp_path, "event", "worst")
    loops: dict[str, dict[str, float]] = {}
    for name in NAMES:
        total = errors = residuals = 0.0
        for row in part(rows, name).iter_rows(named=True):
            residual = row["predicted"] - row["mass"]
            total += row["weight"]
            errors += row["weight"] * abs(residual)
            residuals += row["weight"] * residual
        loops[name] = {"mae": errors / total, "bias": residuals / total}
    found = outcome.variants["private"]
    for name, expected in loops.items():
        values = {metric: found[name][metric].value for metric in expected}
        assert values == pytest.approx(expected, rel=1e-9)
    worst = max(loops, key=lambda name: abs(loops[name]["bias"]))
    assert loops[worst]["bias"] < 0 < loops["es up"]["bias"]
    assert outcome.scores["private"]["bias"] == found[worst]["bias"]
    worst = max(loops, key=lambda name: loops[name]["mae"])
    assert outcome.scores["private"]["mae"] == found[worst]["mae"]


def test_a_variant_without_a_value_is_named(rows: pl.DataFrame, tmp_path: Path) -> None:
    weight = pl.when(pl.col("variant") == "es up").then(0.0).otherwise(pl.col("weight"))
    with pytest.raises(SolutionError) as error:
        scored(rows.with_columns(weight=weight), tmp_path, None, "nominal")
    assert str(error.value).startswith(
        "Phase main, public split: variant es up: The weights sum to 0, not above 0"
    )
