"""The kinds of challenges: what each brings for its files, its truth and its events.

A kind is a module with the functions below; a new one is a package beside the others and a line in
`KINDS`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fivesigma_scoring.files.table import find_column, plain
from fivesigma_scoring.metric import Comparison, Estimate, Metric, Options
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.regression import kind as regression
from fivesigma_scoring.report import Finding
from fivesigma_scoring.segmentation import kind as segmentation
from fivesigma_scoring.selection import kind as selection
from fivesigma_scoring.selection.columns import CLASS
from fivesigma_scoring.settings import PhaseScoring, SplitSummary, TestSetSpec
from fivesigma_scoring.slices import Places, Row, Slices
from fivesigma_scoring.solution_files import sample_names
from fivesigma_scoring.uncertainty import Chosen
from fivesigma_scoring.variants import Linked, Variants


class Universe(Protocol):
    """Which events a file must predict, and what is public about them."""

    @property
    def format(self) -> PredictionFormat:
        """What a file must look like."""

    def save(self, folder: Path) -> None:
        """Write it into an existing folder."""

    def with_format(self, format: PredictionFormat) -> Self:  # noqa: A002
        """The same events under another format."""


class Truth(Protocol):
    """A solution in the order of its universe."""

    @property
    def usage(self) -> Mapping[str, NDArray[np.int8]]:
        """Phase -> use of each event (n,): 0 ignored, 1 public, 2 private."""

    @property
    def variants(self) -> Variants | None:
        """Which variant each event belongs to; None where the test set has none."""

    @property
    def slices(self) -> Sequence[Slices]:
        """Which slice each event belongs to, for each column of the test set that has slices."""

    def events(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Which of the events `rows` are scored, in the order that `save_split` gives them."""

    def groups(self, rows: NDArray[np.intp]) -> NDArray[np.int64] | None:
        """Which events of `rows` are one physical event, int64 (n,); None where each is its own.

        Events that no metric looks at are left out.
        """

    def save(self, folder: Path) -> None:
        """Write what is the same in every phase into an existing folder."""

    def save_split(
        self,
        folder: Path,
        rows: NDArray[np.intp],
        phase: PhaseScoring,
        nominal: NDArray[np.intp] | None = None,
    ) -> SplitSummary:
        """Write the events `rows` as a phase scores them into an existing folder.

        Those of a shifted variant are scaled as the events `nominal` are.

        Raises
        ------
        ValueError
            Some metric has no value on these events.

        """


class Kind(Protocol):
    """What a kind can do. Files that don't fit raise `InputRefusedError`."""

    def look(
        self, what: str, head: bytes, size: int, form: PredictionFormat
    ) -> list[Finding] | None:
        """Findings on the first bytes of an array file; None for tables."""

    def header(self, names: Sequence[str], form: PredictionFormat) -> Sequence[Finding]:
        """Warnings on the header of a table."""

    def read(self, path: Path, what: str, form: PredictionFormat) -> Any:
        """A whole file of the format `what`, a subclass of `prediction.Prediction`."""

    def align(self, prediction: Any, universe: Any) -> Any:
        """The prediction in the order of the universe, with its `warnings`."""

    def read_universe(self, sample: Path, solution: Path | None, test_set: TestSetSpec) -> Universe:
        """The universe that a sample submission spans; raises `SolutionError`."""

    def universe_of_truth(
        self,
        truth: Path,
        test_set: TestSetSpec,
        prediction: Path | None = None,
    ) -> Universe:
        """The universe that a truth of one's own spans; raises `SolutionError`.

        Such a truth may hold inputs too: the prediction, unread so far, tells what it predicts.
        """

    def open_universe(self, folder: Path) -> Universe:
        """What `Universe.save` wrote."""

    def read_truth(
        self, solution: Path, universe: Any, test_set: TestSetSpec, phases: Sequence[PhaseScoring]
    ) -> Truth:
        """The solution, aligned to its universe; raises `SolutionError`."""

    def load(self, folder: Path, aligned: Any) -> Any:
        """The events of a split, as `Truth.save_split` wrote them, with a prediction."""

    def link(self, sample: Any, nominal: Any) -> Linked:
        """The events of a variant with the nominal ones of the same split."""

    def sample_of(
        self,
        metric: Metric,
        truth: ArrayLike,
        prediction: ArrayLike,
        weight: ArrayLike | None,
        normalise: Mapping[str, float] | None,
    ) -> Any:
        """The events of arrays at hand; raises `ValueError`."""

    def estimates(self, sample: Any, metrics: Sequence[Chosen]) -> list[Estimate]:
        """Each metric with its sampling error."""

    def sliced(self, sample: Any, parts: Sequence[Places], metrics: Sequence[Chosen]) -> list[Row]:
        """Each metric on some of the events, for each of the `parts`; None without a value."""

    def diagnose(self, sample: Any, form: PredictionFormat) -> list[Finding]:
        """Warnings that need the truth of the events, as cheap as their metrics."""

    def compare(self, metric: Metric, first: Any, second: Any, options: Options) -> Comparison:
        """Two predictions on the same events."""

    def write_perfect(self, compiled: Path, path: Path) -> Path:
        """The truth as a submission; returns the file's path, whose suffix may be another."""


KINDS: Mapping[str, Kind] = {
    "selection": selection,
    "regression": regression,
    "segmentation": segmentation,
}


def kind_of_sample(sample: Path) -> str:
    """Which kind of challenge a sample submission is from, by its columns.

    Raises
    ------
    SolutionError
        It is neither a table nor an array file.

    """
    names = sample_names(sample)
    if names is None or {"event", "class"} <= {plain(name) for name in names}:
        return "segmentation"
    return "selection" if find_column(names, CLASS) is not None else "regression"
