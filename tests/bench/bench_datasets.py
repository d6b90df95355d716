"""Built-in challenges: loading, package size, rates of generation, importing the official size.

The file that is imported has the official layout and number of rows, made by drawing rows of the
shipped table with replacement and giving them new ids. Memory is the child process's peak.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fivesigma_datasets
import numpy as np
import polars as pl
from fivesigma_backend.challenges.builtin import load_builtin
from fivesigma_backend.core.migrate import migrate
from fivesigma_backend.core.platform import open_platform
from fivesigma_backend.core.settings import load_settings
from fivesigma_datasets import BUILTINS
from fivesigma_datasets.chunks import made_in_order
from fivesigma_datasets.higgsml.layout import OFFICIAL
from fivesigma_datasets.higgsml.packed import FILE, unpack
from fivesigma_datasets.higgsml.prepare import SMALL
from fivesigma_datasets.higgsml.processes import PROCESSES
from fivesigma_datasets.higgsml.simulate import Task, generate_chunk

PACKAGE = Path(fivesigma_datasets.__file__).parent
CHUNKS = 16
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


def print_processes(folder: Path) -> None:
    """The same chunks with one process and with two; starting processes is part of it."""
    process = next(one for one in PROCESSES if one.name == "Wjet")
    taken = {}
    for processes in (1, 2):
        chunks = made_in_order(
            generate_chunk,
            [Task(process, index, 1, 1000) for index in range(CHUNKS)],
            kept=folder / f"chunks-{processes}",
            fingerprint={},
            processes=processes,
        )
        start = time.perf_counter()
        for _ in chunks:
            pass
        taken[processes] = time.perf_counter() - start
    print(f"\ntwo processes generate {taken[1] / taken[2]:.2f} times as fast as one")


def print_loading(folder: Path) -> None:
    """Loading the shipped data of each challenge into an empty platform."""
    settings = load_settings({}, data_dir=folder / "data", broker_url="redis://127.0.0.1:9")
    platform = open_platform(settings)
    migrate(platform.db)
    print(f"{'loaded in':12}{'seconds':>9}{'limit':>7}")
    for name in BUILTINS:
        start = time.perf_counter()
        load_builtin(platform, name, report=lambda _line: None)
        print(f"{name:12}{time.perf_counter() - start:9.2f}{2:>7}")
    platform.close()
    shipped = [path for path in PACKAGE.glob("*/small/**/*") if path.is_file()]
    size = sum(path.stat().st_size for path in shipped) / 1e6
    print(f"\nshipped data: {size:.1f} MB (40 ≤)\n")


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name:
        print_loading(Path(name))
        print_generation()
        print_processes(Path(name))
        print_import(Path(name))


if __name__ == "__main__":
    main()
