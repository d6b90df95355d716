"""Compiling a solution: from an organiser's files to arrays that score a file in a few passes.

The output folder has two parts. ``universe/`` holds what is needed to check a file and nothing of
the truth; ``truth/`` holds labels, weights and, per phase and split, rows with scaled weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.compiled import write_phase, write_truth
from fivesigma_scoring.folders import fresh_folder
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.reading import read_prediction
from fivesigma_scoring.report import InputRefusedError
from fivesigma_scoring.settings import (
    PhaseScoring,
    SolutionSummary,
    SplitSpec,
    TestSetSpec,
    check_phase,
)
from fivesigma_scoring.solution_files import (
    SolutionError,
    Source,
    are_integers,
    read_id_array,
    read_labels,
    read_weights,
    text_of,
)
from fivesigma_scoring.splits import USAGES, make_usage
from fivesigma_scoring.universe import Universe


def compile_solution(
    solution: Path,
    sample: Path,
    out: Path,
    *,
    test_set: TestSetSpec,
    phases: Sequence[PhaseScoring],
) -> SolutionSummary:
    """Check a solution with its sample and write the compiled folder, all or nothing.

    Parameters
    ----------
    solution
        CSV or Parquet: id, ``label`` (s/b or 1/0), ``weight`` (optional), usage column(s).
    sample
        A valid submission as CSV or Parquet; its ids are the universe, its order that of
        ``.npy`` files.
    out
        Folder to write; replaced where it exists.
    test_set, phases
        Settings from the challenge.

    Raises
    ------
    SolutionError
        Something does not fit; the text names file, column and row. Nothing is written then.

    """
    metrics = {phase.slug: check_phase(phase, test_set.kind) for phase in phases}
    if len(metrics) != len(phases):
        raise SolutionError("Two phases have the same slug; rename one.")
    scores = [any(metric.needs_score for metric in used) for used in metrics.values()]
    universe = read_universe(Path(sample), test_set, needs_score=bool(scores) and all(scores))
    truth = _Solution(Source.open(Path(solution)), universe, test_set).read(phases)
    with fresh_folder(Path(out)) as folder:
        (folder / "universe").mkdir()
        universe.save(folder / "universe")
        (folder / "truth").mkdir()
        write_truth(folder / "truth", truth.label, truth.weight)
        summaries = {
            phase.slug: write_phase(
                folder / "truth",
                phase,
                truth.label,
                truth.weight,
                truth.usage[phase.slug],
                truth.group,
            )
            for phase in phases
        }
    return SolutionSummary(int(universe.ids.size), summaries)


def read_universe(sample: Path, test_set: TestSetSpec, *, needs_score: bool = False) -> Universe:
    """The universe of ids that a sample submission spans.

    Raises
    ------
    SolutionError
        The sample is no valid submission.

    """
    source = Source.open(sample)
    column = source.id_column()
    source.need("Class")
    frame = source.read([column])
    if not frame.height:
        raise SolutionError(f"{sample.name}: there are no rows.")
    integers = are_integers(text_of(frame, column))
    ids = read_id_array(source, frame, column, integers=integers)
    form = PredictionFormat(
        rows=ids.size,
        id_column=column,
        id_type="int" if integers else "str",
        kind=test_set.kind,
        min_selected=test_set.min_selected,
        max_bytes=test_set.max_bytes,
        max_expanded_bytes=test_set.max_expanded_bytes,
        needs_score=needs_score,
    )
    universe = Universe.of(form, ids)
    _check_sample(sample, universe)
    return universe


def _check_sample(sample: Path, universe: Universe) -> None:
    """The published example must pass its own check; how many it selects does not matter here."""
    try:
        read_prediction(sample, replace(universe.format, min_selected=0))
    except InputRefusedError as error:
        raise SolutionError(f"{sample.name}: {error}") from error


@dataclass(frozen=True)
class Truth:
    """Columns of the solution in the order of the sorted ids, each (n,).

    Attributes
    ----------
    label
        bool, True for signal.
    weight
        float64, as read.
    group
        int64, equal for rows of one event; None without such a column.
    usage
        Phase -> int8: 0 ignored, 1 public, 2 private.

    """

    label: NDArray[np.bool_]
    weight: NDArray[np.float64]
    group: NDArray[np.int64] | None
    usage: Mapping[str, NDArray[np.int8]]


@dataclass(frozen=True)
class _Solution:
    source: Source
    universe: Universe
    test_set: TestSetSpec

    def read(self, phases: Sequence[PhaseScoring]) -> Truth:
        """All columns that are needed, aligned to the universe."""
        identity = self.source.need(self.universe.format.id_column)
        label, weight = self.source.need("label"), self.source.find("weight")
        usages = self._usage_columns(phases)
        optional = [
            self.test_set.group,
            self._split_column("group"),
            self._split_column("stratify"),
        ]
        extra = [self.source.need(name) for name in optional if name is not None]
        named = [name for name in (identity, label, weight, *usages.values(), *extra) if name]
        frame = self.source.read(list(dict.fromkeys(named)))
        order = self._order(frame, identity)
        labels = read_labels(self.source, frame, label)[order]
        weights = np.ones(order.size)
        if weight:
            weights = read_weights(self.source, frame, weight)[order]
        usage = {slug: self._read_usage(frame, name)[order] for slug, name in usages.items()}
        if self.test_set.split is not None:
            drawn = self._drawn(frame, order, labels, self.test_set.split)
            usage = dict.fromkeys((phase.slug for phase in phases), drawn)
        group = self.test_set.group
        return Truth(labels, weights, self._codes(frame, group)[order] if group else None, usage)

    def _order(self, frame: pl.DataFrame, column: str) -> NDArray[np.int64]:
        """Rows of the file in the order of the sorted ids; both files must hold the same ids."""
        integers = self.universe.format.id_type == "int"
        ids = read_id_array(self.source, frame, column, integers=integers)
        target = self.universe.locate(ids)
        unknown = np.flatnonzero(target < 0)
        self.source.fail(column, unknown, frame, "holds ids that are not in the sample")
        if ids.size != self.universe.ids.size:
            gone = self.universe.ids.size - ids.size
            raise SolutionError(
                f"{self.source.path.name}: {gone:,} ids of the sample are missing in {column!r}."
            )
        order = np.empty_like(target)
        order[target] = np.arange(target.size)
        return order

    def _usage_columns(self, phases: Sequence[PhaseScoring]) -> dict[str, str]:
        if self.test_set.split is not None:
            return {}
        usage = self.test_set.usage
        shared = {} if isinstance(usage, str) else usage
        default = usage if isinstance(usage, str) else "usage"
        wanted = {p.slug: p.usage or shared.get(p.slug, default) for p in phases}
        return {slug: self.source.need(name) for slug, name in wanted.items()}

    def _split_column(self, role: str) -> str | None:
        name: Any = getattr(self.test_set.split, role, None)
        return name if isinstance(name, str) else None

    def _codes(self, frame: pl.DataFrame, name: str) -> NDArray[np.int64]:
        text = text_of(frame, self.source.need(name))
        return np.unique(text.to_numpy().astype(str), return_inverse=True)[1].astype(np.int64)

    def _drawn(
        self,
        frame: pl.DataFrame,
        order: NDArray[np.int64],
        label: NDArray[np.bool_],
        split: SplitSpec,
    ) -> NDArray[np.int8]:
        group = split.group or self.test_set.group
        strata = split.stratify
        try:
            return make_usage(
                label,
                public=split.public,
                seed=split.seed,
                stratify=self._codes(frame, strata)[order] if isinstance(strata, str) else strata,
                group=None if group is None else self._codes(frame, group)[order],
            )
        except ValueError as error:
            raise SolutionError(f"split: {error}") from error

    def _read_usage(self, frame: pl.DataFrame, column: str) -> NDArray[np.int8]:
        text = text_of(frame, column).str.to_lowercase()
        bad = np.flatnonzero(~text.is_in(list(USAGES)).to_numpy())
        self.source.fail(column, bad, frame, "holds other words than public, private and ignored")
        return text.replace_strict(USAGES, return_dtype=pl.Int8).to_numpy()
