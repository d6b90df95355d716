"""How many small submissions the sandbox scores a second, against children that do nothing.

Run `python tests/bench/bench_sandbox.py`: medians of alternated runs, with one and with two
callers. Only ratios mean something. `--profile` says what a small submission costs beyond an empty
child, step by step: processor time and page faults, in a fresh child and when repeated there.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
from fivesigma_backend.core.platform import SANDBOX_JOBS, SANDBOX_PRELOAD, SANDBOX_REHEARSAL
from fivesigma_backend.core.sandbox import Sandbox
from fivesigma_scoring import PhaseScoring, TestSetSpec, compile_solution

EVENTS = 1_000
RUNS = 20
ROUNDS = 25
PROFILED = 25
LIMIT = 0.70
TOTALS = {"s": 691.988607712, "b": 410_999.847322}
PHASE = PhaseScoring("challenge", "ams", ["signal_efficiency", "purity"], normalise=TOTALS)
# Share of events that are selected. Of half of them enough background passes for sigma to follow
# from influence functions; of few of them it takes replicas, as it does in a tight selection.
SELECTIONS = {"1,000 rows": 0.5, "with replicas": 0.1}
JOBS = SANDBOX_JOBS | {"nothing": "bench_jobs:nothing", "steps": "bench_jobs:steps"}


def write_files(folder: Path) -> None:
    """A compiled solution with two splits, and a prediction for each of the selections."""
    random = np.random.default_rng(2014)
    ids = np.arange(350_000, 350_000 + EVENTS)
    signal = random.random(EVENTS) < 0.34
    weight = np.where(signal, 0.0015, 0.9) * random.uniform(0.5, 1.5, EVENTS)
    usage = np.where(np.arange(EVENTS) % 2 == 0, "public", "private")
    words = np.where(signal, "s", "b")
    frame = pl.DataFrame({"EventId": ids, "label": words, "weight": weight, "usage": usage})
    frame.write_csv(folder / "solution.csv")
    rank = (random.random(EVENTS) + 0.3 * signal).argsort().argsort() + 1
    for name, share in SELECTIONS.items():
        words = np.where(rank > (1 - share) * EVENTS, "s", "b")
        frame = pl.DataFrame({"EventId": ids, "RankOrder": rank, "Class": words})
        frame.write_csv(folder / f"{name}.csv")
    sample = folder / f"{next(iter(SELECTIONS))}.csv"
    compile_solution(
        folder / "solution.csv", sample, folder / "compiled", test_set=TestSetSpec(), phases=[PHASE]
    )


def run(sandbox: Sandbox, folder: Path, job: str, name: str) -> dict[str, Any]:
    """One job on one prediction, asked for as the worker does."""
    file, compiled = folder / f"{name}.csv", folder / "compiled"
    arguments = {
        "file": str(file),
        "filename": file.name,
        "compiled": str(compiled),
        "phase": PHASE.slug,
    }
    return sandbox.run(job, arguments, readable=[file, compiled])


def check(answer: dict[str, Any], *, replicas: bool) -> None:
    """Refuse to time what is not the work that is meant."""
    for scores in answer["scores"].values():
        if len(scores) != 3 or scores["ams"]["bootstrap"] is not replicas:
            raise SystemExit(f"not what was to be timed: {answer}")


def rate(action: Callable[[], object], callers: int) -> float:
    """Runs a second."""
    start = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        for done in [pool.submit(action) for _ in range(RUNS)]:
            done.result()
    return RUNS / (time.perf_counter() - start)


def rates(actions: list[Callable[[], object]], callers: int) -> list[tuple[float, float]]:
    """Median rate of each, and median of its ratio to the first one's in the same round.

    They take turns, so that a busy machine disturbs all alike.
    """
    rounds = [[rate(action, callers) for action in actions] for _ in range(ROUNDS)]
    return [
        (statistics.median(column), statistics.median(one / row[0] for one, row in pairs))
        for column in zip(*rounds, strict=True)
        for pairs in [list(zip(column, rounds, strict=True))]
    ]


def compare(sandbox: Sandbox, folder: Path) -> None:
    """Print a line for each number of callers and each selection."""
    for at, name in enumerate(SELECTIONS):
        check(run(sandbox, folder, "score", name), replicas=at > 0)
    jobs = [("nothing", next(iter(SELECTIONS))), *(("score", name) for name in SELECTIONS)]
    actions: list[Callable[[], object]] = [partial(run, sandbox, folder, *job) for job in jobs]
    print(
        f"{'submission':15}{'callers':>8}{'empty child':>14}{'scored':>10}{'ratio':>8}{'limit':>8}"
    )
    for callers in (1, 2):
        empty, *scored = rates(actions, callers)
        for at, (name, (found, ratio)) in enumerate(zip(SELECTIONS, scored, strict=True)):
            limit = "" if at else f"{LIMIT:.2f}"
            row = f"{name:15}{callers:8}{empty[0]:12.1f}/s{found:8.1f}/s"
            print(f"{row}{ratio:8.2f}{limit:>8}")


@contextmanager
def processor_time(server: int) -> Iterator[list[float]]:
    """Milliseconds a run that children, fork server and caller take in the block."""
    process, found = psutil.Process(server), list[float]()
    before, started = process.cpu_times(), time.process_time()
    yield found
    after = process.cpu_times()
    children = after.children_user - before.children_user
    children += after.children_system - before.children_system
    own = after.user - before.user + after.system - before.system
    caller = time.process_time() - started
    found += [1e3 * seconds / (RUNS * ROUNDS) for seconds in (children, own, caller)]


def profile(sandbox: Sandbox, folder: Path) -> None:
    """Print what the parts of a run cost, and the steps of scoring within its child."""
    print(f"\n{'ms of processor time a run':34}{'child':>8}{'server':>8}{'caller':>8}{'sum':>8}")
    for job, name in (("nothing", "1,000 rows"), *(("score", name) for name in SELECTIONS)):
        with processor_time(sandbox.server_pid or 0) as found:
            for _ in range(RUNS * ROUNDS):
                run(sandbox, folder, job, name)
        title = "empty child" if job == "nothing" else name
        print(f"{title:34}" + "".join(f"{one:8.2f}" for one in (*found, sum(found))))
    for name in SELECTIONS:
        answers = [run(sandbox, folder, "steps", name) for _ in range(PROFILED)]
        print(f"\n{name + ', in the child':34}{'first ms':>10}{'faults':>8}{'again ms':>10}")
        for at, (step, _, _) in enumerate(answers[0]["first"]):
            first, faults = (
                statistics.median(one["first"][at][column] for one in answers) for column in (1, 2)
            )
            again = statistics.median(one["second"][at][1] for one in answers)
            print(f"{step:34}{first:10.2f}{faults:8.0f}{again:10.2f}")


def main() -> None:
    """Measure."""
    path = [str(Path(__file__).parent.parent)]
    with (
        tempfile.TemporaryDirectory() as name,
        Sandbox(JOBS, SANDBOX_PRELOAD, path=path, rehearsal=SANDBOX_REHEARSAL) as sandbox,
    ):
        write_files(Path(name))
        compare(sandbox, Path(name))
        if "--profile" in sys.argv:
            profile(sandbox, Path(name))


if __name__ == "__main__":
    main()
