"""Time scoring a 550,000-row selection against the bare read, and against what people use instead.

Run `python tests/bench/bench_scoring.py`. Medians of alternated runs; only ratios mean something.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from bench_loop import Scores as LoopScores
from bench_loop import score_in_a_loop
from fivesigma_scoring import PhaseScoring, TestSetSpec, compile_solution, score, score_file
from fivesigma_scoring.compiled import Scores
from fivesigma_scoring.selection.metrics import ams_value
from sklearn.metrics import roc_auc_score

EVENTS = 550_000
PUBLIC = 100_000
FIRST_ID = 350_000
RUNS = 21
RANKED = 1_000_000
TOTALS = {"s": 691.988607712, "b": 410_999.847322}
THREE = ["signal_efficiency", "purity"]
EIGHT = [*THREE, "ams3", "accuracy", "background_rejection", "auc", "rejection_at_30"]
PHASES = [
    PhaseScoring("three", "ams", THREE, normalise=TOTALS),
    PhaseScoring("eight", "ams", EIGHT, normalise=TOTALS),
]


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


def alternated(*actions: Callable[[], object], runs: int = RUNS) -> list[float]:
    """Median of each action; they take turns, so that a busy machine disturbs all alike."""
    for action in actions:
        action()
    rounds = [[timed(action) for action in actions] for _ in range(runs)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def with_pandas(solution: pd.DataFrame, path: Path) -> list[float]:
    """The AMS of both splits as a Kaggle metric computes it: read, merge on the id, sum."""
    merged = solution.merge(pd.read_csv(path), on="EventId", validate="one_to_one")
    values = []
    for _, split in merged.groupby("usage"):
        chosen = split[split["Class"] == "s"]
        sums = chosen.groupby("label")["weight"].sum() / split.groupby("label")["weight"].sum()
        values.append(ams_value(sums["s"] * TOTALS["s"], sums["b"] * TOTALS["b"]))
    return values


def print_reads(folder: Path, compiled: Path) -> None:
    """Ratios to the bare read of the same file."""
    print(f"{'550,000 rows':28}{'bare read':>12}{'scoring':>12}{'ratio':>8}{'limit':>9}")
    for file, phase, limit in (
        ("ordered.csv", "three", 1.3),
        ("shuffled.csv", "three", 2.5),
        ("ordered.csv", "eight", 5.0),
    ):
        path = folder / file
        bare, scored = alternated(
            partial(pl.read_csv, path), partial(score_file, path, file, compiled, phase)
        )
        name = f"{file}, {phase} metrics"
        print(f"{name:28}{bare:9.1f} ms{scored:9.1f} ms{scored / bare:8.2f}{limit:7} ≥")


def check_alternatives(mine: Scores, pandas: list[float], loop: dict[str, LoopScores]) -> None:
    """Refuse to time what does not come to the same numbers."""
    ams = [mine[split]["ams"].value for split in ("private", "public")]
    np.testing.assert_allclose(pandas, ams, rtol=1e-9)
    for split, scores in loop.items():
        assert scores.keys() == mine[split].keys()
        for name, found in scores.items():
            wanted = mine[split][name]
            np.testing.assert_allclose(found, (wanted.value, wanted.sigma), rtol=1e-9)


def print_alternatives(folder: Path, compiled: Path) -> None:
    """How many times quicker than what people use instead.

    All get the same AMS; the loop, which does the whole job, the same metrics and sigmas as well.
    """
    frame = pl.read_parquet(folder / "solution.parquet")
    solution = pd.DataFrame(frame.to_dict(as_series=False))
    rows = {str(one): (label, weight, usage) for one, label, weight, usage in frame.iter_rows()}
    print(f"\n{'550,000 rows':28}{'theirs':>12}{'scoring':>12}{'times':>8}{'limit':>9}")
    for file in ("ordered.csv", "shuffled.csv"):
        path = folder / file
        mine = partial(score_file, path, file, compiled, "three")
        pandas = partial(with_pandas, solution, path)
        loop = partial(score_in_a_loop, path, rows, TOTALS)
        check_alternatives(mine().scores, pandas(), loop())
        for name, theirs, limit, runs in (
            ("pandas merge", pandas, 6, RUNS),
            ("csv module", loop, 50, 5),
        ):
            slow, quick = alternated(theirs, mine, runs=runs)
            title = f"{file}, {name}"
            print(f"{title:28}{slow:9.1f} ms{quick:9.1f} ms{slow / quick:8.1f}{limit:7} ≤")


def print_auc() -> None:
    """The AUC with ties, by weight, of a million rows against scikit-learn's."""
    random = np.random.default_rng(30)
    truth = random.random(RANKED) < 0.3
    scores = np.round(random.random(RANKED) + 0.3 * truth, 4)
    weight = random.uniform(0.5, 1.5, RANKED)
    assert np.isclose(
        score("auc", truth, scores, weight, weighted=True).value,
        roc_auc_score(truth, scores, sample_weight=weight),
        rtol=1e-9,
    )
    with_sigma = partial(score, "auc", truth, scores, weight, weighted=True)
    theirs = partial(roc_auc_score, truth, scores, sample_weight=weight)
    slow, quick = alternated(theirs, with_sigma, runs=7)
    print(
        f"\n{'1,000,000 weighted rows':28}{'sklearn':>12}{'with sigma':>12}{'times':>8}{'limit':>9}"
    )
    print(f"{'AUC with ties':28}{slow:9.1f} ms{quick:9.1f} ms{slow / quick:8.1f}{2:7} ≤")


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        compile_solution(
            folder / "solution.parquet",
            folder / "ordered.csv",
            folder / "compiled",
            test_set=TestSetSpec(min_selected=5000),
            phases=PHASES,
        )
        print_reads(folder, folder / "compiled")
        print_alternatives(folder, folder / "compiled")
    print_auc()


if __name__ == "__main__":
    main()
