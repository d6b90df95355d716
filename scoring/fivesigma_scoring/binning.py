"""How finely figures show events, and to whom: bins that never hold a few events of a test set."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

OUTSIDE = 0.005
"""Share of the events on either side that may lie beyond the outermost edges."""
MARGIN = 0.25
"""Where a few events reach further than this, in spans of the others, the axis ends before them."""
STEPS = (1, 2, 2.5, 5, 10, 20, 25)
"""Widths of bins that people find easy to read, in powers of ten."""


class Detail(StrEnum):
    """Who looks at a figure, and when."""

    PARTICIPANT_BLIND = "participant_blind"
    """Before unblinding: nothing of it helps to choose a cut or to find the truth of an event."""
    PARTICIPANT_OPEN = "participant_open"
    """After unblinding, and for one's own events."""
    ORGANISER = "organiser"
    """As fine as the numbers allow."""

    @property
    def bins(self) -> int:
        """The most bins, or points of a scan."""
        return 200 if self is Detail.ORGANISER else 50

    @property
    def least(self) -> int:
        """The fewest events of a bin."""
        return 0 if self is Detail.ORGANISER else 50

    @property
    def scans(self) -> bool:
        """Whether cuts may be compared on the events."""
        return self is not Detail.PARTICIPANT_BLIND

    def rounded(self, values: Floats) -> Floats:
        """To three significant digits; organisers see all."""
        return values if self is Detail.ORGANISER else significant(values)

    def rounded_one(self, value: float | np.floating[Any]) -> float:
        """One number, as `rounded`."""
        return float(self.rounded(np.array([value], np.float64))[0])

    def rounded_shares(self, values: Floats) -> Floats:
        """To three decimals, in which a single event hardly shows; organisers see all."""
        return values if self is Detail.ORGANISER else np.round(values, 3)


def significant(values: Floats, digits: int = 3) -> Floats:
    """`values` to so many significant digits, any shape."""
    flat = [float(f"{value:.{digits - 1}e}") for value in np.ravel(values)]
    return np.array(flat).reshape(np.shape(values))


def physical_events(group: NDArray[np.int64] | None, n: int) -> NDArray[np.bool_]:
    """Mark one row of each physical event, shape (n,); rows of one event count once."""
    if group is None:
        return np.ones(n, bool)
    first = np.zeros(int(group.max(initial=-1)) + 1, np.int64)
    first[group[::-1]] = np.arange(n)[::-1]
    marked = np.zeros(n, bool)
    marked[first[group]] = True
    return marked


def bin_edges(values: Floats, counted: NDArray[np.bool_], detail: Detail, most: int = 0) -> Floats:
    """Edges of neighbouring bins, each with enough events; empty where there are too few in all.

    Parameters
    ----------
    values
        What is binned, (n,), finite. The outermost bins also hold what lies beyond their edges.
    counted
        Which rows count as an event, (n,), as `physical_events` marks them.
    detail
        How many events a bin must hold, and how many bins there may be.
    most
        Fewer bins than that of `detail`, where it is too fine.

    """
    if int(counted.sum()) < max(detail.least, 1):
        return np.empty(0)
    edges = _even_edges(values, min(most or detail.bins, detail.bins))
    if edges.size < 2:
        return np.empty(0)
    counts = np.bincount(bin_numbers(edges, values[counted]), minlength=edges.size - 1)
    return edges[merged(counts, detail.least)]


def bin_numbers(edges: Floats, values: Floats) -> NDArray[np.int64]:
    """The bin of each value, [low, high), the outermost ones being open to the outside."""
    return np.searchsorted(edges[1:-1], values, side="right").astype(np.int64)


def merged(counts: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """Numbers of the edges that are kept, so that each bin between two holds `least` events.

    Bins are filled from the left; what is left over at the end joins the last one.
    """
    kept, held = [0], 0
    for at, count in enumerate(counts, start=1):
        held += int(count)
        if held >= least:
            kept.append(at)
            held = 0
    if len(kept) > 1:
        kept[-1] = counts.size
    return np.array(kept)


def _even_edges(values: Floats, bins: int) -> Floats:
    """Up to `bins` bins around all but a few values; their width and edges are round numbers."""
    low, high = _extent(values)
    if not high > low:
        return np.empty(0)
    for width in _widths((high - low) / bins):
        first, last = np.floor(low / width), np.ceil(high / width)
        if last - first <= bins:
            return np.unique(significant(np.arange(first, last + 1) * width, 12))
    return np.empty(0)


def _widths(least: float) -> list[float]:
    """Round numbers from `least` on, of which one is wide enough."""
    power = 10.0 ** np.floor(np.log10(least))
    return [float(step * power) for step in STEPS]


def _extent(values: Floats) -> tuple[float, float]:
    low, high = (float(at) for at in np.quantile(values, [OUTSIDE, 1 - OUTSIDE]))
    least, most, margin = float(values.min()), float(values.max()), MARGIN * (high - low)
    return max(least, low - margin), min(most, high + margin)
