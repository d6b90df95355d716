"""Histograms, curves, points, marks and matrices on a pair of axes."""

from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import FigureBase

from fivesigma_scoring.binning import Floats
from fivesigma_scoring.drawing.style import Theme, literal, more_legible, say_above, say_below
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.layers import Curve, Layer, Mark, Matrix, Points, Steps

HEADROOM = 1.3
"""The y-axis ends so much above the highest bin, to leave room for the legend."""
LABEL, NAME = 45, 20
"""Letters of a line in the legend, and of the name of a row or column."""
ROOM = 0.12
"""Of the height, free above and below points."""
MANY_CELLS, TOO_MANY_CELLS = 6, 14
"""From so many columns on, the numbers of a matrix are small; from so many, left out."""
DASHES = ("--", "-.", ":", (0, (8, 3)))


def draw_axes(part: FigureBase, figure: Figure, theme: Theme) -> None:
    """All layers of a figure on one pair of axes."""
    axes = part.subplots()
    say_above(axes, figure.title, theme)
    say_below(part, figure.note, theme)
    axes.set_xlabel(literal(figure.x_label))
    axes.set_ylabel(literal(figure.y_label))
    lowest = _lowest(figure)
    colours, dashes = cycle(theme.series), cycle(DASHES)
    for layer in figure.layers:
        match layer:
            case Steps():
                _steps(axes, layer, next(colours), lowest)
            case Curve():
                _curve(axes, layer, theme.muted if layer.reference else next(colours))
            case Points():
                _points(axes, layer, next(colours))
            case Mark():
                _mark(axes, layer, theme, next(dashes) if layer.label else ":")
            case Matrix():
                _matrix(axes, layer, theme)
    if not any(isinstance(layer, Matrix) for layer in figure.layers):
        _limits(axes, figure, lowest)
        _legend(axes)


def _lowest(figure: Figure) -> float:
    """Where histograms stand: on zero, or below the lowest bin on a logarithmic axis."""
    values = [np.array(layer.values) for layer in figure.layers if isinstance(layer, Steps)]
    positive = np.concatenate([*(one[one > 0] for one in values), np.empty(0)])
    return (float(positive.min()) / 2 if positive.size else 1.0) if figure.y_log else 0.0


def _steps(axes: Axes, layer: Steps, colour: str, lowest: float) -> None:
    values, edges = np.array(layer.values), np.array(layer.edges)
    axes.stairs(values, edges, baseline=lowest, color=colour, alpha=0.18, fill=True)
    axes.stairs(values, edges, baseline=lowest, color=colour, linewidth=2.2, label=_named(layer))
    if layer.errors is not None:
        middle, errors = (edges[1:] + edges[:-1]) / 2, np.abs(np.array(layer.errors))
        # On a logarithmic axis, an error bar ends where the histogram stands.
        below = np.clip(values - lowest, 0, errors) if lowest else errors
        axes.errorbar(middle, values, [below, errors], fmt="none", color=colour)


def _curve(axes: Axes, layer: Curve, colour: str) -> None:
    if layer.low is not None and layer.high is not None:
        axes.fill_between(layer.x, layer.low, layer.high, color=colour, alpha=0.25, linewidth=0)
    style: dict[str, Any] = {"linestyle": "--", "linewidth": 1.4} if layer.reference else {}
    axes.plot(layer.x, layer.y, color=colour, label=_named(layer), **style)


def _points(axes: Axes, layer: Points, colour: str) -> None:
    axes.errorbar(
        layer.x,
        layer.y,
        layer.y_errors,
        layer.x_errors,
        fmt="o",
        color=colour,
        elinewidth=1.8,
        label=_named(layer),
    )


def _mark(axes: Axes, layer: Mark, theme: Theme, dashes: Any) -> None:
    colour = theme.mark if layer.label else theme.muted
    style: dict[str, Any] = {"color": colour, "linewidth": 1.6, "linestyle": dashes}
    if layer.x is not None:
        axes.axvline(layer.x, **style, label=_named(layer))
    elif layer.y is not None:
        axes.axhline(layer.y, **style, label=_named(layer))
    if layer.x is not None and layer.y is not None:
        axes.plot([layer.x], [layer.y], "o", color=colour, markersize=10)


def _matrix(axes: Axes, layer: Matrix, theme: Theme) -> None:
    values = np.array(layer.values)
    shades = LinearSegmentedColormap.from_list("shares", [theme.surface, theme.series[0]])
    axes.imshow(values, cmap=shades, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(layer.columns)), [literal(one, NAME) for one in layer.columns])
    axes.set_yticks(range(len(layer.rows)), [literal(one, NAME) for one in layer.rows])
    axes.tick_params(which="both", length=0)
    axes.minorticks_off()
    if len(layer.rows) < MANY_CELLS:
        for label in axes.get_yticklabels():
            label.set(rotation=90, verticalalignment="center")
    if len(layer.columns) >= MANY_CELLS:
        axes.tick_params(labelsize="x-small")
        for label in axes.get_xticklabels():
            label.set(rotation=40, horizontalalignment="right")
    if len(layer.columns) < TOO_MANY_CELLS:
        _shares(axes, values, shades, theme)


def _shares(axes: Axes, values: Floats, shades: Colormap, theme: Theme) -> None:
    size = "medium" if values.shape[1] < MANY_CELLS else "x-small"
    for (row, column), value in np.ndenumerate(values):
        colour = more_legible((theme.surface, theme.ink), shades(value))
        text = f"{100 * value:.1f} %"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def _limits(axes: Axes, figure: Figure, lowest: float) -> None:
    ends = np.concatenate([_extent(layer) for layer in figure.layers])
    if ends.size and ends.max() > ends.min():
        axes.set_xlim(ends.min(), ends.max())
    # Where nothing is positive, a logarithmic axis would be empty.
    if figure.x_log and np.isfinite(axes.dataLim.minposx):
        axes.set_xscale("log", nonpositive="clip")
    if figure.y_log and np.isfinite(axes.dataLim.minposy):
        axes.set_yscale("log", nonpositive="clip")
    if any(isinstance(layer, Points) for layer in figure.layers):
        axes.margins(y=ROOM)
    heights = [
        height for layer in figure.layers if isinstance(layer, Steps) for height in layer.values
    ]
    if heights and max(heights) > lowest:
        _heights(axes, min(heights), max(heights), lowest)


def _extent(layer: Layer) -> Floats:
    """The x-values that the axis must show."""
    match layer:
        case Steps():
            return np.array(layer.edges)
        case Curve():
            return np.array(layer.x)
        case Points():
            half = np.zeros(len(layer.x)) if layer.x_errors is None else np.array(layer.x_errors)
            return np.concatenate([np.array(layer.x) - half, np.array(layer.x) + half])
    return np.empty(0)


def _heights(axes: Axes, least: float, highest: float, lowest: float) -> None:
    if lowest:
        axes.set_ylim(lowest, highest * (highest / lowest) ** (HEADROOM - 1))
    else:
        axes.set_ylim(min(0.0, least), highest * HEADROOM)


def _named(layer: Steps | Curve | Points | Mark) -> str | None:
    return literal(layer.label, LABEL) if layer.label else None


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="best", fontsize="small").set_in_layout(False)
