"""The solution of a regression: targets and weights, written once, mapped for every submission."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.phases import with_options
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.regression.columns import allowed
from fivesigma_scoring.regression.prediction import Aligned
from fivesigma_scoring.regression.registry import METRICS
from fivesigma_scoring.regression.sample import Sample
from fivesigma_scoring.settings import PhaseScoring, SplitSummary, TestSetSpec
from fivesigma_scoring.solution_files import read_floats
from fivesigma_scoring.solution_table import RowTruth, SolutionTable
from fivesigma_scoring.universe import Universe, load_array

STRATA = 10


@dataclass(frozen=True)
class RegressionTruth(RowTruth):
    """Target columns besides what every such solution has.

    Attributes
    ----------
    targets
        Names of the target columns.
    values
        float64 (n, t), in physical units.

    """

    targets: tuple[str, ...] = field(kw_only=True)
    values: NDArray[np.float64] = field(kw_only=True)

    def save(self, folder: Path) -> None:
        """Targets and weights of all rows."""
        np.save(folder / "target.npy", self.values, allow_pickle=False)
        np.save(folder / "weight.npy", self.weight, allow_pickle=False)

    def save_split(
        self,
        folder: Path,
        rows: NDArray[np.intp],
        phase: PhaseScoring,
        _nominal: NDArray[np.intp] | None = None,
    ) -> SplitSummary:
        """Rows of a split with their targets and weights.

        Raises
        ------
        ValueError
            There is no event, the weights do not sum to something above 0, a metric has no value on
            them, or the phase declares totals of classes.

        """
        if phase.normalise:
            raise ValueError("normalise is for the classes of selections; leave it out.")
        sample = self._sample(rows)
        metrics = [METRICS[name] for name in phase.names()]
        for metric, options in with_options(metrics, phase.options):
            metric.function(sample, options)
        arrays: dict[str, NDArray[Any]] = {
            "rows": rows,
            "target": sample.truth,
            "weight": sample.weight,
        }
        if sample.group is not None:
            arrays["group"] = sample.group
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        facts = _facts(sample, self.targets)
        return SplitSummary(rows.size, facts, describe(facts, self.targets))

    def _sample(self, rows: NDArray[np.intp]) -> Sample:
        """The events of a split, predicted as they are."""
        group = None if self.group is None else np.unique(self.group[rows], return_inverse=True)[1]
        return Sample.of(self.values[rows], self.values[rows], self.weight[rows], group)


def read_truth(
    solution: Path, universe: Universe, test_set: TestSetSpec, phases: Sequence[PhaseScoring]
) -> RegressionTruth:
    """The target columns, ``weight`` (optional), usage and group.

    Raises
    ------
    SolutionError
        Something does not fit; the text names file, column and row.

    """
    form = universe.format
    table = SolutionTable.open(solution, universe, test_set, phases, form.targets)
    columns = [_target(table, name, form) for name in form.targets]
    values = np.ascontiguousarray(np.stack(columns, axis=1))
    usage = table.usage(phases, quantile_bins(values[:, 0]))
    shared = (table.weight(), table.group(), usage, table.variants(), table.slices())
    return RegressionTruth(*shared, targets=form.targets, values=values)


def _target(table: SolutionTable, name: str, form: PredictionFormat) -> NDArray[np.float64]:
    """A target, float64 (n,); as a prediction it would have to be accepted."""
    column = table.source.need(name)
    values = read_floats(table.source, table.frame, column)
    low, high = allowed(form)
    bad = np.flatnonzero((values < low) | (values > high))
    what = f"leaves the range {low:g} to {high:g} that predictions must keep to"
    table.source.fail(column, bad, table.frame, what)
    return values[table.order]


def quantile_bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of the tenth that each value (n,) lies in, int64 (n,): strata of a drawn split."""
    if not values.size:
        return np.zeros(0, np.int64)
    inner = np.quantile(values, np.arange(1, STRATA) / STRATA)
    return np.searchsorted(inner, values, side="right").astype(np.int64)


def _facts(sample: Sample, targets: Sequence[str]) -> dict[str, float]:
    """Number of events, sum of weights; of each target lowest, highest and weighted mean value."""
    facts = {"n": float(sample.n), "weight_sum": float(sample.weight.sum())}
    for name, values in zip(targets, sample.truth.T, strict=True):
        facts[f"{name}_min"] = float(values.min())
        facts[f"{name}_mean"] = float(sample.share @ values)
        facts[f"{name}_max"] = float(values.max())
    return facts


def describe(facts: Mapping[str, float], targets: Sequence[str]) -> str:
    """The facts of a split in words."""
    columns = [
        f"{name} from {facts[f'{name}_min']:.6g} to {facts[f'{name}_max']:.6g}, "
        f"mean {facts[f'{name}_mean']:.6g}"
        for name in targets
    ]
    weights = f"{facts['n']:,.0f} events, weights sum to {facts['weight_sum']:.6g}"
    return "; ".join([weights, *columns])


def load(folder: Path, aligned: Aligned) -> Sample:
    """The events of a split with a prediction; their weights were checked when they were saved."""
    rows, target, weight = (
        load_array(folder / f"{name}.npy") for name in ("rows", "target", "weight")
    )
    group = folder / "group.npy"
    codes = load_array(group) if group.exists() else None
    return Sample(target, aligned.values[rows], weight, codes)


def write_perfect(compiled: Path, path: Path) -> Path:
    """The truth as a submission; the shortest text of a float64 is exact."""
    universe = Universe.load(compiled / "universe")
    values = np.load(compiled / "truth" / "target.npy", allow_pickle=False)
    columns: dict[str, Any] = {universe.format.id_column: universe.words()}
    columns |= {name: values[:, at] for at, name in enumerate(universe.format.targets)}
    path = path.with_suffix(".csv")
    pl.DataFrame(columns).write_csv(path)
    return path
