"""Time and memory of scoring masks: dense images, and sparse 3-D events from Parquet.

Run `python tests/bench/bench_masks.py`. Medians of alternated runs. Dense: pixels a second of one
core's time, ranked by the 80th percentile of event accuracies. Sparse: the ratio to a bare read of
the three columns, for metrics whose sigma comes from influence functions; beside it the same for a
phase with two percentiles, whose 200 replicas of 10,000 events depend on no file. Memory: what a
process needs at its peak above what it needs to start, against the arrays of the file.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from fivesigma_scoring import PhaseScoring, TestSetSpec, compile_solution, score_file

RUNS = 11
IMAGES, SIDE, LIT_SHARE = 153, 256, 0.07
EVENTS, VOXELS, CUBE = 10_000, 800, 192
CLASSES = ("nothing", "shower", "track")
PLAIN = PhaseScoring("plain", "event_accuracy_mean", ["voxel_accuracy", "mean_iou", "macro_f1"])
RANKED = PhaseScoring(
    "ranked", "event_accuracy_p80", ["event_accuracy_p50", "event_accuracy_mean", "voxel_accuracy"]
)
COLUMNS = ["event", "voxel", "class"]
LEAST_RATE, MOST_RATIO, MOST_SHUFFLED, MOST_MEMORY = 200, 2, 6, 3


def timed(action: Callable[[], object], clock: Callable[[], float]) -> float:
    """Milliseconds of one run."""
    start = clock()
    action()
    return 1e3 * (clock() - start)


def alternated(
    *actions: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Median of each action; they take turns, so that a busy machine disturbs all alike."""
    for action in actions:
        action()
    rounds = [[timed(action, clock) for action in actions] for _ in range(RUNS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def compiled(folder: Path, events: np.ndarray, pixels: pl.DataFrame, shape: list[int]) -> Path:
    """Compile a solution in which every lit pixel is scored, half of the events public."""
    usage = np.where(events % 2 == 0, "public", "private")
    arrays = {name: pixels[name].to_numpy() for name in COLUMNS}
    np.savez(folder / "solution.npz", events=events, usage=usage, **arrays)
    pixels.write_parquet(folder / "sample.parquet")
    out = folder / "compiled"
    test_set = TestSetSpec(kind="segmentation", classes=CLASSES, shape=shape)
    sample = folder / "sample.parquet"
    compile_solution(
        folder / "solution.npz", sample, out, test_set=test_set, phases=[PLAIN, RANKED]
    )
    return out


def write_dense(folder: Path) -> tuple[Path, Path]:
    """Images as wire planes are: few pixels lit, and most of those labelled right."""
    random = np.random.default_rng(2018)
    shape = (IMAGES, SIDE, SIDE)
    truth = ((random.random(shape) < LIT_SHARE) * random.integers(1, 3, shape)).astype(np.uint8)
    event, row, col = np.nonzero(truth)
    columns = {"event": event, "voxel": row * SIDE + col, "class": truth[truth > 0]}
    out = compiled(folder, np.arange(IMAGES), pl.DataFrame(columns), [SIDE, SIDE])
    wrong = random.random(shape) < 0.2
    np.save(folder / "mask.npy", np.where(wrong & (truth > 0), 3 - truth, truth).astype(np.uint8))
    return folder / "mask.npy", out


def write_sparse(folder: Path) -> Path:
    """Ten thousand events of 800 voxels; two files of predictions, ordered and shuffled."""
    random = np.random.default_rng(2018)
    voxel = np.sort(random.integers(0, CUBE**3 - VOXELS, (EVENTS, VOXELS)), axis=1)
    voxel += np.arange(VOXELS)  # so that none is there twice
    event = np.repeat(np.arange(EVENTS), VOXELS)
    truth = random.integers(1, 3, event.size).astype(np.uint8)
    pixels = pl.DataFrame({"event": event, "voxel": voxel.ravel(), "class": truth})
    out = compiled(folder, np.arange(EVENTS), pixels, [CUBE] * 3)
    wrong = random.random(event.size) < 0.2
    mine = pixels.with_columns(pl.Series("class", np.where(wrong, 3 - truth, truth).astype("u1")))
    order = random.permutation(event.size)
    for bits, dtype in ((64, pl.Int64), (32, pl.Int32)):
        typed = mine.with_columns(pl.col("event", "voxel").cast(dtype))
        typed.write_parquet(folder / f"ordered-{bits}.parquet", compression="uncompressed")
        typed[order].write_parquet(folder / f"shuffled-{bits}.parquet", compression="uncompressed")
    return out


def score(path: Path, out: Path, phase: PhaseScoring = RANKED) -> None:
    """The whole of checking and scoring; a refused file would be no measurement."""
    outcome = score_file(path, path.name, out, phase.slug)
    if not outcome.report.ok:
        sys.exit(f"{path.name} was refused: {outcome.report}")


def peak() -> int:
    """Largest resident set of this process so far in bytes; that of `getrusage` is inherited."""
    status = Path("/proc/self/status").read_text().splitlines()
    line = next(one for one in status if one.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def memory(path: Path, out: Path) -> int:
    """Bytes that scoring a file needs above a process that has scored nothing yet."""
    command = [sys.executable, __file__, str(path), str(out)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(run.stdout)


def print_memory(path: str, out: str) -> None:
    """What the subprocess of `memory` runs."""
    pl.DataFrame({"one": [1]}).select(pl.col("one").sum())
    before = peak()
    score(Path(path), Path(out))
    print(peak() - before)


def main() -> None:
    """Print a line for each file."""
    with tempfile.TemporaryDirectory() as name:
        print_dense(Path(name))
        print_sparse(Path(name))


def print_dense(folder: Path) -> None:
    """Images of 10 million pixels."""
    path, out = write_dense(folder)
    [scored] = alternated(partial(score, path, out), clock=time.process_time)
    pixels = IMAGES * SIDE * SIDE
    needed = memory(path, out) / pixels
    print(f"{'file':16}{'scoring':>12}{'M pixels/s':>12}{'least':>7}{'memory':>9}{'limit':>7}")
    print(
        f"{'dense':16}{scored:9.1f} ms{pixels / scored / 1e3:12.0f}{LEAST_RATE:7}"
        f"{needed:8.1f}x{MOST_MEMORY:7}"
    )


def print_sparse(folder: Path) -> None:
    """Eight million voxels."""
    out = write_sparse(folder)
    head = f"{'ratio':>8}{'limit':>7}{'percentiles':>14}{'memory':>9}{'limit':>7}"
    print(f"\n{'file':16}{'bare read':>12}{'scoring':>12}{head}")
    for order, limit in (("ordered", MOST_RATIO), ("shuffled", MOST_SHUFFLED)):
        for bits in (64, 32):
            path = folder / f"{order}-{bits}.parquet"
            bare, scored, ranked = alternated(
                partial(pl.read_parquet, path, columns=COLUMNS),
                partial(score, path, out, PLAIN),
                partial(score, path, out, RANKED),
            )
            needed = memory(path, out) / (EVENTS * VOXELS * (2 * bits // 8 + 1))
            print(
                f"{path.stem:16}{bare:9.1f} ms{scored:9.1f} ms{scored / bare:8.2f}{limit:7}"
                f"{ranked:11.1f} ms{needed:8.1f}x{MOST_MEMORY:7}"
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print_memory(sys.argv[1], sys.argv[2])
    else:
        main()
