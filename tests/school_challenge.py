"""The challenge of a school week, and what its solution says of a file: significances and ranks.

The significance is computed from its definition, ranks by counting who is better: nothing of the
platform's own scoring or ranking is used.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from challenge_folder import write_tiny_challenge

ZONE = ZoneInfo("Europe/Zurich")
DAYS = {"Mon": 7, "Tue": 8, "Wed": 9, "Thu": 10, "Fri": 11}
PAIRS = ("phase-1", "phase-2", "phase-3")
PHASES = tuple(slug for one in PAIRS for slug in (one, f"{one}-final"))
ROWS, BLOCKS = 324, 9  # three blocks of public rows, six of private ones
SIGNAL, BACKGROUND, REGULARISATION = 100.0, 1000.0, 10.0
WRONG = "phase-2"
Ranks = dict[str, int]


def moment(text: str) -> datetime:
    """A time of the week where the school is: “Mon 09:00”."""
    day, time = text.split()
    hour, minute = map(int, time.split(":"))
    return datetime(2026, 12, DAYS[day], hour, minute, tzinfo=ZONE)


def usage_column(slug: str) -> str:
    """The column of the solution that says what a phase does with each row."""
    return f"usage_{slug.removeprefix('phase-').replace('-', '_')}"


def week_toml() -> dict[str, Any]:
    """Six phases in three pairs. Times are written as people write them: local, without offset."""
    timetable: dict[str, tuple[str, str | None, dict[str, Any]]] = {
        "phase-1": ("Mon 09:00", "Tue 12:00", {"late": True}),
        "phase-1-final": ("Tue 12:00", None, {"carry_over": "selected"}),
        "phase-2": ("Tue 15:00", "Wed 18:00", {}),
        "phase-2-final": ("Wed 18:00", None, {"carry_over": "best"}),
        "phase-3": ("Thu 09:00", "Fri 12:00", {}),
        "phase-3-final": ("Fri 12:00", None, {"carry_over": "latest", "unblind": "manual"}),
    }
    phases = []
    for slug, (opens, closes, further) in timetable.items():
        final = slug.endswith("-final")
        phase: dict[str, Any] = {
            "slug": slug,
            "title": f"Phase {slug[6]}{', final board' if final else ''}",
            "opens": moment(opens).replace(tzinfo=None),
            "metric": "ams",
            "metrics": ["purity"],
            "options": {"regularisation": REGULARISATION},
            "normalise": {"s": SIGNAL, "b": BACKGROUND},
            **further,
        }
        if closes is not None:
            phase["closes"] = moment(closes).replace(tzinfo=None)
        if final:
            phase |= {"uploads": False, "carry_from": slug.removesuffix("-final")}
        else:
            phase["limits"] = {"per_day": 5, "total": 20, "concurrent": 2}
        phases.append(phase)
    return {
        "title": "A week of bumps",
        "timezone": ZONE.key,
        "teams": {"max_size": 3},
        "test_sets": {"main": {"usage": {slug: usage_column(slug) for slug in PHASES}}},
        "phases": phases,
    }


def write_week(folder: Path) -> pl.DataFrame:
    """Write the challenge with a wrong solution: in phase 2, some labels are flipped. The true one.

    Each pair of phases has public rows of its own, and each phase private ones.
    """
    write_tiny_challenge(folder, rows=ROWS, **week_toml())
    plain = pl.read_csv(folder / "solution.csv").select("EventId", "label", "weight")
    block = (pl.int_range(pl.len()).over("label") % BLOCKS).alias("block")
    blocks = plain.with_columns(block)
    usage = []
    for position, slug in enumerate(PHASES):
        public = pl.when(pl.col("block") == position // 2).then(pl.lit("public"))
        private = public.when(pl.col("block") == 3 + position).then(pl.lit("private"))
        usage.append(private.otherwise(pl.lit("ignored")).alias(usage_column(slug)))
    truth = blocks.with_columns(usage)
    used = pl.col(usage_column(WRONG)) != "ignored"
    flipped = used & (pl.int_range(pl.len()).over("block", "label") % 3 == 0)
    other = pl.when(pl.col("label") == "s").then(pl.lit("b")).otherwise(pl.lit("s"))
    wrong = truth.with_columns(pl.when(flipped).then(other).otherwise("label").alias("label"))
    wrong.drop("block").write_csv(folder / "solution.csv")
    return truth.drop("block")


@dataclass(frozen=True)
class Answer:
    """A solution, and the significance that a file has on a split of a phase by it."""

    table: pl.DataFrame

    def score(self, content: bytes, slug: str, split: str) -> float:
        """The AMS, from the definition."""
        chosen = pl.read_csv(io.BytesIO(content)).select("EventId", "Class")
        rows = self.table.join(chosen, on="EventId").filter(pl.col(usage_column(slug)) == split)
        signal = rows["label"].to_numpy() == "s"
        selected = rows["Class"].to_numpy() == "s"
        weight = rows["weight"].to_numpy()
        s = SIGNAL * weight[signal & selected].sum() / weight[signal].sum()
        b = BACKGROUND * weight[~signal & selected].sum() / weight[~signal].sum()
        total = b + REGULARISATION
        return float(np.sqrt(2 * ((s + total) * np.log1p(s / total) - s)))


def ranked(scores: Mapping[str, float]) -> Ranks:
    """One more than the number of those who are better."""
    values = np.array(list(scores.values()))
    return {team: 1 + int((values > score + 1e-12).sum()) for team, score in scores.items()}
