"""The solution of a selection: labels and weights, written once and mapped for every submission."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.selection.cells import Sample, cells_of, class_totals
from fivesigma_scoring.selection.columns import BACKGROUND_LABELS, CLASS, SCORE, SIGNAL_LABELS
from fivesigma_scoring.selection.prediction import Aligned
from fivesigma_scoring.selection.weights import describe, scale
from fivesigma_scoring.settings import PhaseScoring, SplitSummary, TestSetSpec
from fivesigma_scoring.solution_files import Source, text_of
from fivesigma_scoring.solution_table import RowTruth, SolutionTable
from fivesigma_scoring.universe import Universe, load_array

SPLIT_FILE = "split.json"


@dataclass(frozen=True)
class SelectionTruth(RowTruth):
    """Labels besides what every such solution has.

    Attributes
    ----------
    label
        bool, True for signal.

    """

    label: NDArray[np.bool_] = field(kw_only=True)

    def save(self, folder: Path) -> None:
        """Labels and raw weights of all rows."""
        np.save(folder / "label.npy", self.label, allow_pickle=False)
        np.save(folder / "weight.npy", self.weight, allow_pickle=False)

    def save_split(
        self,
        folder: Path,
        rows: NDArray[np.intp],
        phase: PhaseScoring,
        nominal: NDArray[np.intp] | None = None,
    ) -> SplitSummary:
        """Rows of a split with their labels, and weights scaled to the declared totals.

        Those of a shifted variant are scaled as its `nominal` rows are: what a shift loses is lost.

        Raises
        ------
        ValueError
            A class is missing or has no positive sum of weights.

        """
        label = self.label[rows]
        wanted = phase.normalise or {}
        reference = None if nominal is None else (self.label[nominal], self.weight[nominal])
        scaled, facts = scale(label, self.weight[rows], wanted, reference)
        arrays: dict[str, NDArray[Any]] = {
            "place": places_of(rows, self.label.size),
            "label": label,
            "weight": scaled,
        }
        if self.group is not None:
            arrays["group"] = np.unique(self.group[rows], return_inverse=True)[1]
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        settings = {
            "fixed": [name in wanted and nominal is None for name in ("b", "s")],
            "totals": class_totals(label, scaled).tolist(),
        }
        (folder / SPLIT_FILE).write_text(json.dumps(settings) + "\n")
        return SplitSummary(rows.size, facts, describe(facts))


def read_truth(
    solution: Path, universe: Universe, test_set: TestSetSpec, phases: Sequence[PhaseScoring]
) -> SelectionTruth:
    """The columns ``label`` and ``weight`` (optional), usage and group.

    Raises
    ------
    SolutionError
        Something does not fit; the text names file, column and row.

    """
    table = SolutionTable.open(solution, universe, test_set, phases, ["label"])
    label = read_labels(table.source, table.frame, table.source.need("label"))[table.order]
    usage = table.usage(phases, label)
    shared = (table.weight(), table.group(), usage, table.variants(), table.slices())
    return SelectionTruth(*shared, label=label)


def read_labels(source: Source, frame: pl.DataFrame, column: str) -> NDArray[np.bool_]:
    """The label column as bool (n,), True for signal."""
    text = text_of(frame, column).str.to_lowercase()
    signal = text.is_in(SIGNAL_LABELS).to_numpy()
    background = text.is_in(BACKGROUND_LABELS).to_numpy()
    bad = np.flatnonzero(~(signal | background))
    source.fail(column, bad, frame, "holds other labels than s and b (or 1 and 0)")
    return signal


def places_of(rows: NDArray[np.intp], size: int) -> NDArray[np.int32]:
    """Place of each of `size` events among the increasing `rows` of a split; -1 of others."""
    place = np.full(size, -1, np.int32)
    place[rows] = np.arange(rows.size, dtype=np.int32)
    return place


def load(folder: Path, aligned: Aligned) -> Sample:
    """The events of a split with a prediction; only those that are selected are visited."""
    settings = json.loads((folder / SPLIT_FILE).read_text())
    place, label, weight = (
        load_array(folder / f"{name}.npy") for name in ("place", "label", "weight")
    )
    group = folder / "group.npy"
    chosen = place[aligned.chosen].astype(np.intp)
    chosen = chosen[chosen >= 0]
    fixed = (settings["fixed"][0], settings["fixed"][1])
    return Sample(
        label,
        chosen,
        weight,
        cells_of(label, chosen, weight, fixed, np.array(settings["totals"])),
        load_array(group) if group.exists() else None,
        None if aligned.read_score is None else partial(_score_of, aligned, place),
    )


def _score_of(aligned: Aligned, place: NDArray[np.int32]) -> NDArray[np.float64]:
    assert aligned.score is not None
    return aligned.score[place >= 0]


def write_perfect(compiled: Path, path: Path) -> Path:
    """The truth as a submission: the label is its own score."""
    universe = Universe.load(compiled / "universe")
    label = np.load(compiled / "truth" / "label.npy", allow_pickle=False)
    columns: dict[str, Any] = {
        universe.format.id_column: universe.words(),
        CLASS: np.where(label, "s", "b"),
        SCORE: label.astype(float),
    }
    path = path.with_suffix(".csv")
    pl.DataFrame(columns).write_csv(path)
    return path
