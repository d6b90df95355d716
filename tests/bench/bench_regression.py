"""Time read + align + MAE, RMSE and bias of a 550,000-row file against the bare read.

Run `python tests/bench/bench_regression.py`. Medians of alternated runs; only ratios mean
something. Linear algebra gets one thread, as in the children that score on a server.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is imported

import numpy as np
import polars as pl
from fivesigma_scoring import PhaseScoring, TestSetSpec, compile_solution, score_file

EVENTS = 550_000
FIRST_ID = 350_000
RUNS = 21
PHASE = PhaseScoring("challenge", "mae", ["rmse", "bias"])
LIMITS = {"ordered.csv": 1.5, "shuffled.csv": 2.5}


def write_files(folder: Path) -> None:
    """Masses like those of topmass, and one prediction in the test file's order and shuffled."""
    random = np.random.default_rng(2021)
    ids = np.arange(FIRST_ID, FIRST_ID + EVENTS)
    mass = random.uniform(85, 500, EVENTS)
    usage = np.where(random.random(EVENTS) < 0.2, "public", "private")
    frame = pl.DataFrame({"event": ids, "mass": mass, "usage": usage})
    frame.write_parquet(folder / "solution.parquet")
    frame.select("event", "mass").write_csv(folder / "train.csv")
    guess = mass * random.normal(1, 0.2, EVENTS)
    frame = pl.DataFrame({"event": ids, "mass": np.clip(guess, 85, 500)})
    frame.write_csv(folder / "ordered.csv")
    frame.sample(fraction=1.0, shuffle=True, seed=1).write_csv(folder / "shuffled.csv")


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of one run."""
    start = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - start)


def alternated(*actions: Callable[[], object]) -> list[float]:
    """Median of each action; they take turns, so that a busy machine disturbs all alike."""
    for action in actions:
        action()
    rounds = [[timed(action) for action in actions] for _ in range(RUNS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def main() -> None:
    """Print one line for each file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        compiled = folder / "compiled"
        compile_solution(
            folder / "solution.parquet",
            folder / "ordered.csv",
            compiled,
            test_set=TestSetSpec("regression", bounds=(0, 5000), training=folder / "train.csv"),
            phases=[PHASE],
        )
        print(f"{'file':14}{'bare read':>12}{'scoring':>12}{'ratio':>8}{'limit':>7}")
        for file, limit in LIMITS.items():
            path = folder / file
            bare, scored = alternated(
                partial(pl.read_csv, path), partial(score_file, path, file, compiled, "challenge")
            )
            print(f"{file:14}{bare:9.1f} ms{scored:9.1f} ms{scored / bare:8.2f}{limit:7}")


if __name__ == "__main__":
    main()
