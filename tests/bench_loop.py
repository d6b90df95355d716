"""A scoring program of plain Python, such as comes with a challenge elsewhere; see `bench_scoring`.

It has the job of `score_file`: each id is known and stands there once, each class is s or b, each
rank is a finite number, no event is missing; then AMS, efficiency and purity of both splits, each
with its standard deviation. What it leaves out is to its advantage: it has the solution in memory,
stops at the first mistake instead of reporting them, and draws no replicas.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from itertools import product
from pathlib import Path

REGULARISATION = 10.0

Solution = Mapping[str, tuple[str, float, str]]
"""Id to label, weight and usage."""
Sums = dict[tuple[str, str, str], list[float]]
"""Usage, label and decision to the sum of weights and that of their squares."""
Scores = dict[str, tuple[float, float]]
"""Metric to value and standard deviation."""


def score_in_a_loop(
    path: Path, solution: Solution, totals: Mapping[str, float]
) -> dict[str, Scores]:
    """Split to scores; `ValueError` on a file that is not accepted."""
    sums = read(path, solution)
    return {split: scores_of(sums, split, totals) for split in ("public", "private")}


def read(path: Path, solution: Solution) -> Sums:
    """Check every line and add up the weights."""
    sums: Sums = {key: [0.0, 0.0] for key in product(("public", "private"), "sb", "sb")}
    seen = set()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            event, decision = row["EventId"], row["Class"]
            if event not in solution:
                raise ValueError(f"{event} is no event of the test set.")
            if event in seen:
                raise ValueError(f"{event} is there twice.")
            seen.add(event)
            if decision not in ("s", "b"):
                raise ValueError(f"The class of {event} is neither s nor b.")
            if not math.isfinite(float(row["RankOrder"])):
                raise ValueError(f"The rank of {event} is not finite.")
            label, weight, split = solution[event]
            cell = sums[split, label, decision]
            cell[0] += weight
            cell[1] += weight * weight
    if len(seen) < len(solution):
        raise ValueError(f"{len(solution) - len(seen)} events are missing.")
    return sums


def scores_of(sums: Sums, split: str, totals: Mapping[str, float]) -> Scores:
    """The three metrics of a split, its weights scaled to the declared totals."""
    share, square = {}, {}
    for label in "sb":
        (passed, passed_square), (failed, failed_square) = (
            sums[split, label, decision] for decision in "sb"
        )
        share[label] = passed / (passed + failed)
        factor = totals[label] / (passed + failed)
        # Effect of an event: its weight times (selected - share) times the slope in s or b.
        inside, outside = (1 - share[label]) ** 2, share[label] ** 2
        square[label] = factor**2 * (inside * passed_square + outside * failed_square)
    s, b = (totals[label] * share[label] for label in "sb")
    found = {
        "ams": ams(s, b),
        "signal_efficiency": (share["s"], 1 / totals["s"], 0.0),
        "purity": (s / (s + b), b / (s + b) ** 2, -s / (s + b) ** 2),
    }
    return {
        name: (value, math.sqrt(in_s**2 * square["s"] + in_b**2 * square["b"]))
        for name, (value, in_s, in_b) in found.items()
    }


def ams(s: float, b: float) -> tuple[float, float, float]:
    """The AMS and its slopes in s and b."""
    b += REGULARISATION
    rise = math.log1p(s / b)
    value = math.sqrt(2 * ((s + b) * rise - s))
    return value, rise / value, (rise - s / b) / value
