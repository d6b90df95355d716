"""Displays of single events: truth, prediction and where they differ.

They show the truth pixel by pixel, so they are for challenges with `truth_public` alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.figures import Figure
from fivesigma_scoring.layers import DIFFERENCE, MOST_POINTS, Mask
from fivesigma_scoring.segmentation.figures import class_names

CHOSEN = (0, 20, 50, 80)
"""Percentiles of the accuracy whose events are shown; 0 is the worst."""
PROJECTIONS = {"seen along z": (0, 1), "seen along y": (0, 2)}
"""Of three axes (x, y, z), which two stay: rows and columns of the picture."""

Pixels = NDArray[np.integer]


@dataclass(frozen=True)
class EventPixels:
    """The pixels of one event that have a class, true or predicted.

    Attributes
    ----------
    name
        As the participant knows the event.
    index
        Places in C order, int (m,), each once.
    truth, predicted
        Class numbers, (m,).

    """

    name: str
    index: Pixels
    truth: Pixels
    predicted: Pixels


def chosen_events(accuracies: NDArray[np.float64]) -> list[int]:
    """Numbers of the worst event and of those at 20, 50 and 80 % of the ranking, each once.

    Parameters
    ----------
    accuracies
        Of the events with scored pixels, (n,); ties are taken in the order of the events.

    """
    order = np.argsort(accuracies, kind="stable")
    places = [percent * (order.size - 1) // 100 for percent in CHOSEN if order.size]
    return list(dict.fromkeys(int(order[place]) for place in places))


def event_displays(
    accuracies: NDArray[np.float64],
    shape: Sequence[int],
    pixels_of: Callable[[int], EventPixels],
    classes: Sequence[str],
) -> list[Figure]:
    """Displays of at most four events.

    Parameters
    ----------
    accuracies
        As for `chosen_events`.
    shape
        Pixels along each axis, two or three of them.
    pixels_of
        ``pixels_of(e)`` gives the pixels of event e.
    classes
        Names of the classes, class 0 first.

    """
    return [
        event_display(f"event_{at}", pixels_of(event), accuracies[event], shape, classes)
        for at, event in enumerate(chosen_events(accuracies), start=1)
    ]


def event_display(
    name: str,
    pixels: EventPixels,
    accuracy: float,
    shape: Sequence[int],
    classes: Sequence[str],
) -> Figure:
    """Truth, prediction and difference of one event; in three dimensions, seen from two sides.

    Raises
    ------
    ValueError
        The event has neither two nor three axes, or pixels outside of them.

    """
    names = class_names(classes, max(len(classes), _most(pixels) + 1))
    places = np.unravel_index(np.asarray(pixels.index, np.int64), tuple(shape))
    masks: list[Mask] = []
    for suffix, (down, across) in _views(len(shape)).items():
        view = _View(shape[down], shape[across], places[down], places[across])
        masks += _masks(view, pixels, names, f", {suffix}" if suffix else "")
    note = f"{100 * accuracy:.1f} % of its pixels are right."
    return Figure(name, f"Event {pixels.name}", "", "", masks, note)


def _most(pixels: EventPixels) -> int:
    return max(int(pixels.truth.max(initial=0)), int(pixels.predicted.max(initial=0)))


def _views(axes: int) -> dict[str, tuple[int, int]]:
    if axes == 2:
        return {"": (0, 1)}
    if axes == 3:
        return PROJECTIONS
    raise ValueError(f"An event with {axes} axes cannot be shown.")


@dataclass(frozen=True)
class _View:
    """Where pixels lie in a picture."""

    height: int
    width: int
    row: Pixels
    column: Pixels

    def mask(
        self, code: Pixels, shown: NDArray[np.bool_], classes: Sequence[str], label: str
    ) -> Mask:
        """One picture; where pixels lie behind each other, the highest number is seen."""
        place = (self.row * self.width + self.column)[shown]
        order = np.argsort(-code[shown].astype(np.int64), kind="stable")
        first = np.unique(place[order], return_index=True)[1]
        kept = _spread(np.flatnonzero(shown)[order[first]])
        rows, columns, codes = self.row[kept], self.column[kept], code[kept]
        return Mask(self.height, self.width, rows, columns, codes, classes, label)


def _spread(kept: Pixels) -> Pixels:
    """At most `MOST_POINTS` of them, evenly."""
    if kept.size <= MOST_POINTS:
        return kept
    return kept[np.linspace(0, kept.size - 1, MOST_POINTS).astype(np.int64)]


def _masks(view: _View, pixels: EventPixels, names: Sequence[str], suffix: str) -> list[Mask]:
    truth, predicted = np.asarray(pixels.truth), np.asarray(pixels.predicted)
    scored = truth > 0
    wrong = (truth != predicted).astype(np.int64)
    return [
        view.mask(truth, scored, names, f"Truth{suffix}"),
        view.mask(predicted, scored & (predicted > 0), names, f"Prediction{suffix}"),
        view.mask(wrong, scored, DIFFERENCE, f"Difference{suffix}"),
    ]
