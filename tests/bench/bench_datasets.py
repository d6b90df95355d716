"""HiggsML data: rows generated per second and process, and importing the official size.

The file that is imported has the official layout and number of rows, made by drawing rows of the
shipped table with replacement and giving them new ids. Memory is the child process's peak.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from fivesigma_datasets import BUILTINS
from fivesigma_datasets.higgsml.layout import OFFICIAL
from fivesigma_datasets.higgsml.packed import FILE, unpack
from fivesigma_datasets.higgsml.prepare import SMALL
from fivesigma_datasets.higgsml.processes import PROCESSES
from fivesigma_datasets.higgsml.simulate import Task, generate_chunk

ROWS = 818_238
SETS = {"t": 250_000, "b": 100_000, "v": 450_000, "u": 18_238}
PUBLISHED = {"ggH": 117, "Ztautau": 114, "ttbar": 142, "Wjet": 238}
"""Generated events per second of one core, as the design page has them."""

IMPORT = "import sys; from fivesigma_datasets.__main__ import main; sys.exit(main(sys.argv[1:]))"


def print_generation() -> None:
    """One chunk of each process in processor time: generated events and selected rows."""
    print(f"{'one core':12}{'generated/s':>13}{'page':>7}{'rows/s':>9}")
    for process in PROCESSES:
        generate_chunk(Task(process, 0, 1, 50))  # imports and tables are not part of the rate
        start = time.process_time()
        chunk = generate_chunk(Task(process, 1, 1, 1000))
        taken = time.process_time() - start
        page = PUBLISHED.get(process.name, "")
        rows = len(chunk["weight"]) / taken
        print(f"{process.name:12}{1000 / taken:13.0f}{page:>7}{rows:9.0f}")


def official_file(path: Path) -> None:
    """A file of 35 columns with the official number of rows."""
    table = unpack(SMALL / FILE)
    rng = np.random.default_rng(5)
    drawn = table[rng.integers(0, len(table), ROWS)]
    sets = rng.permutation(np.repeat(list(SETS), list(SETS.values())))
    drawn.with_columns(
        EventId=pl.int_range(100_000, 100_000 + ROWS),
        KaggleSet=pl.Series(sets),
        KaggleWeight=pl.col("Weight"),
    ).select(OFFICIAL).write_csv(path, float_precision=3)


def print_import(folder: Path) -> None:
    """Time and memory of the command that imports the file."""
    official_file(folder / "official.csv")
    options = ["higgsml", "--data", str(folder / "official.csv"), "--seed", "1"]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", IMPORT, *options, "--out", str(folder / "out")],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    taken = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"\nimport of {ROWS:,} rows: {taken:.1f} s (10 ≤), {peak:.2f} GiB (1.5 ≤)")


def print_small(folder: Path) -> None:
    """Writing the folder of the shipped table."""
    start = time.perf_counter()
    BUILTINS["higgsml"].small(folder / "small", lambda _line: None)
    print(f"small table written in {time.perf_counter() - start:.2f} s (2 ≤)")


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name:
        print_small(Path(name))
        print_import(Path(name))
    print_generation()


if __name__ == "__main__":
    main()
