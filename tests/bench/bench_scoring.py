"""Time read + align + AMS, efficiency and purity of a 550,000-row file against the bare read.

Run `python tests/bench/bench_scoring.py`. Medians of alternated runs; only ratios mean something.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from fivesigma_scoring import PhaseScoring, TestSetSpec, compile_solution, score_file

EVENTS = 550_000
PUBLIC = 100_000
FIRST_ID = 350_000
RUNS = 21
TOTALS = {"s": 691.988607712, "b": 410_999.847322}
PHASE = PhaseScoring("challenge", "ams", ["signal_efficiency", "purity"], normalise=TOTALS)


def write_files(folder: Path) -> None:
    """A solution like HiggsML's, and one prediction in the test file's order and shuffled."""
    random = np.random.default_rng(2014)
    ids = np.arange(FIRST_ID, FIRST_ID + EVENTS)
    signal = random.random(EVENTS) < 0.34
    weight = np.where(signal, 0.0015, 0.9) * random.uniform(0.5, 1.5, EVENTS)
    usage = np.where(np.arange(EVENTS) < PUBLIC, "public", "private")[random.permutation(EVENTS)]
    words = np.where(signal, "s", "b")
    frame = pl.DataFrame({"EventId": ids, "label": words, "weight": weight, "usage": usage})
    frame.write_parquet(folder / "solution.parquet")
    rank = (random.random(EVENTS) + 0.3 * signal).argsort().argsort() + 1
    words = np.where(rank > 0.85 * EVENTS, "s", "b")
    frame = pl.DataFrame({"EventId": ids, "RankOrder": rank, "Class": words})
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
            test_set=TestSetSpec(min_selected=5000),
            phases=[PHASE],
        )
        print(f"{'file':12}{'bare read':>12}{'scoring':>12}{'ratio':>8}{'limit':>7}")
        for file, limit in (("ordered.csv", 2), ("shuffled.csv", 4)):
            path = folder / file
            bare, scored = alternated(
                partial(pl.read_csv, path), partial(score_file, path, file, compiled, "challenge")
            )
            print(f"{file:12}{bare:9.1f} ms{scored:9.1f} ms{scored / bare:8.2f}{limit:7}")


if __name__ == "__main__":
    main()
