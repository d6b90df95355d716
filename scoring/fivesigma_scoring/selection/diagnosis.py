"""What looks wrong with a selection once it is held against the truth: inverted, or shuffled.

A decision is a cut that an event passes or not, and a score becomes one in its middle. Of each cut
the share of signal that passes is compared with that of background.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import Finding
from fivesigma_scoring.selection.cells import CellInfluence, Sample
from fivesigma_scoring.selection.columns import CLASS, SCORE
from fivesigma_scoring.uncertainty import FEW_EVENTS

SURE, COMPATIBLE = 5.0, 3.0
"""Standard deviations: chance alone never inverts a good file, and hides few shuffled ones."""
WEAKEST = 0.15
"""Least separation of a file that has learnt something: an AUC of 0.55 has it in the middle.

In units of the smaller share of events on either side, so that tight cuts are judged alike.
"""
LOOKED_AT = 10_000
"""So many scores are enough to find a cut near their middle."""


@dataclass(frozen=True)
class Separation:
    """How a cut separates the classes.

    Attributes
    ----------
    count
        Number of events, (2, 2), indexed [is signal][passes].
    read_cut
        Gives the events; those that pass are `selected`. Few files need more than the numbers.

    """

    count: NDArray[np.float64]
    read_cut: Callable[[], Sample]

    @cached_property
    def cut(self) -> Sample:
        """The events; those that pass are `selected`."""
        return self.read_cut()

    @cached_property
    def share(self) -> float:
        """Share of all events that pass."""
        return float(self.count[:, 1].sum() / self.count.sum())

    @cached_property
    def room(self) -> float:
        """Share of the events on the smaller side of the cut."""
        return min(self.share, 1 - self.share)

    @property
    def known(self) -> bool:
        """Whether enough events are on both sides; a Gaussian would promise too much of fewer."""
        return self.room * float(self.count.sum(axis=1).min()) >= FEW_EVENTS

    @cached_property
    def difference(self) -> float:
        """Share of signal that passes minus that of background, by number of events."""
        passed = self.count[:, 1] / self.count.sum(axis=1)
        return float(passed[1] - passed[0])

    @cached_property
    def effects(self) -> NDArray[np.float64]:
        """Effects of events on the difference, by cell, (2, 2), if it were none."""
        passing = np.array([-self.share, 1 - self.share])
        return np.asarray(np.stack([-passing, passing]) / self.count.sum(axis=1)[:, None])

    @property
    def evident(self) -> bool:
        """The right way round as far as numbers tell: all there is to know of most files."""
        return self.difference > COMPATIBLE * math.sqrt((self.effects**2 * self.count).sum())

    @property
    def suspicious(self) -> bool:
        """Neither evident nor beyond knowing."""
        return self.known and not self.evident

    @cached_property
    def sigma(self) -> float:
        """Standard deviation of the difference if it were none; rows of one event go together."""
        return math.sqrt(CellInfluence(self.effects, weighted=False).variance(self.cut))

    @cached_property
    def by_weight(self) -> tuple[float, float]:
        """The difference of the shares by weight, and its standard deviation."""
        cells = self.cut.cells
        totals = np.array([cells.total_background, cells.total_signal])
        passed = np.array([cells.b, cells.s]) / totals
        effects = np.stack([[passed[0], passed[0] - 1], [-passed[1], 1 - passed[1]]])
        variance = CellInfluence(effects / totals[:, None]).variance(self.cut)
        return float(passed[1] - passed[0]), math.sqrt(variance)

    @property
    def inverted(self) -> bool:
        """Weights must agree: a selection may aim at the signal that weighs most."""
        if self.difference >= 0:
            return False  # most files; sigma would have to fetch events
        return self.difference < -SURE * self.sigma and self.by_weight[0] < 0

    @property
    def absent(self) -> bool:
        """Compatible with none, by number and by weight."""
        if self.evident or abs(self.difference) > COMPATIBLE * self.sigma:
            return False
        return abs(self.by_weight[0]) <= COMPATIBLE * self.by_weight[1]

    @property
    def excludes_any(self) -> bool:
        """There are enough events to tell that it is below that of any useful file."""
        return self.difference + COMPATIBLE * self.sigma < WEAKEST * self.room


def diagnose(sample: Sample, form: PredictionFormat) -> list[Finding]:
    """Warnings on a selection.

    Scores are looked at where the phase ranks by them, or where the decisions leave a suspicion:
    fetching them takes longer than all the rest.

    Parameters
    ----------
    sample
        The events of the public split with a prediction.
    form
        What the file had to look like.

    """
    cuts = {CLASS: Separation(sample.cells.count, lambda: sample)}
    if (form.needs_score or cuts[CLASS].suspicious) and sample.score is not None:
        cuts[SCORE] = in_the_middle(sample, sample.score)
    known = {name: cut for name, cut in cuts.items() if cut.known}
    found = [INVERTED[name] for name, cut in known.items() if cut.inverted]
    if known and all(cut.absent for cut in known.values()):
        found += [SHUFFLED] if any(cut.excludes_any for cut in known.values()) else []
    return found


def in_the_middle(sample: Sample, score: NDArray[np.float64]) -> Separation:
    """The events cut where half of them score higher; of equal scores about the closer side."""
    middle = np.median(score[:: 1 + score.size // LOOKED_AT])
    sides = [score >= middle, score > middle]
    passes = min(sides, key=lambda side: abs(2 * np.count_nonzero(side) - side.size))
    passing = np.count_nonzero(passes & sample.truth)
    passed = np.array([np.count_nonzero(passes) - passing, passing], np.float64)
    count = np.stack([sample.cells.count.sum(axis=1) - passed, passed], axis=1)
    return Separation(count, partial(_selecting, sample, passes))


def _selecting(sample: Sample, selected: NDArray[np.bool_]) -> Sample:
    cells = sample.cells
    totals = np.stack([one.sum(axis=1) for one in (cells.count, cells.weight, cells.square)])
    return Sample.of(sample.truth, selected, sample.weight, cells.fixed, sample.group, totals)


def _warning(code: str, text: str) -> Finding:
    return Finding(code, "warning", text)


INVERTED = {
    CLASS: _warning(
        "looks_inverted",
        "The classes look inverted: background is selected more often than signal. Swap s and b; "
        "s, 1 and true are what you take for signal.",
    ),
    SCORE: _warning(
        "looks_inverted",
        "The score looks inverted: background tends to score higher than signal. Send 1 - score, "
        "or turn the ranks round: a larger score means more like signal.",
    ),
}
SHUFFLED = _warning(
    "looks_shuffled",
    "Signal and background look alike in this file, as if its rows were shuffled. Join your "
    "predictions to the test file by the id instead of the order of the rows.",
)
