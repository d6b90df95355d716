"""Displays of an event: its pixels by class, side by side."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import FigureBase
from matplotlib.patches import Patch

from fivesigma_scoring.drawing.style import BRAND, Theme, literal, say_below
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.layers import DIFFERENCE, Layer, Mask

ACROSS, NAME = 3, 25
"""Pictures side by side, and letters of a name."""
MARGIN = 0.06
LEAST_SIDE = 24
NARROW, WIDE = 0.5, 1.5
"""Points that a pixel is drawn larger than it is."""
SQUARE = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, 0.5], [0.5, -0.5]])


def draw_masks(part: FigureBase, figure: Figure, theme: Theme) -> None:
    """The masks of a figure, three side by side, and what their colours mean."""
    masks = [layer for layer in figure.layers if isinstance(layer, Mask)]
    columns = min(ACROSS, len(masks))
    grid = part.subplots(math.ceil(len(masks) / columns), columns, squeeze=False)
    part.suptitle(literal(figure.title), x=0.02, ha="left", fontsize="medium", fontweight="bold")
    part.text(0.985, 0.99, BRAND, ha="right", va="top", fontsize="x-small", color=theme.muted)
    say_below(part, figure.note, theme)
    for axes in grid.flat[len(masks) :]:
        axes.set_axis_off()
    for at, (axes, mask) in enumerate(zip(grid.flat, masks, strict=False)):
        row = at // columns * columns
        _picture(axes, mask, _window(masks[row : row + columns]), theme)
    _legend(part, masks, theme)


def palette(mask: Mask, theme: Theme) -> list[str]:
    """A colour for each class; class 0 and what is right stay in the background."""
    if mask.classes == DIFFERENCE:
        return [theme.edge, theme.mark]
    series = theme.series
    return [theme.muted, *(series[k % len(series)] for k in range(len(mask.classes) - 1))]


def _picture(axes: Axes, mask: Mask, window: tuple[float, ...], theme: Theme) -> None:
    left, right, top, bottom = window
    places = np.array([mask.column, mask.row], float).T.reshape(-1, 1, 2)
    colours = palette(mask, theme)
    # What stands out is drawn last, and larger.
    order = np.argsort(mask.code, kind="stable")
    codes = [int(mask.code[at]) for at in order]
    loud = mask.classes == DIFFERENCE
    squares = PolyCollection(
        (places + SQUARE)[order],
        facecolors=[colours[code] for code in codes],
        edgecolors="face",
        linewidths=[WIDE if loud and code else NARROW for code in codes],
        rasterized=True,
    )
    axes.add_collection(squares)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")
    axes.set_title(literal(mask.label, NAME), fontsize="small")
    axes.tick_params(which="both", labelsize="x-small", length=3)


def _window(masks: Sequence[Mask]) -> tuple[float, ...]:
    """Left, right, top, bottom of a square around all pixels of the masks."""
    rows = np.concatenate([np.array(mask.row, float) for mask in masks])
    columns = np.concatenate([np.array(mask.column, float) for mask in masks])
    if not rows.size:
        return -0.5, masks[0].width - 0.5, -0.5, masks[0].height - 0.5
    middle = [(float(one.min()) + float(one.max())) / 2 for one in (columns, rows)]
    side = max(float(np.ptp(rows)), float(np.ptp(columns)), LEAST_SIDE) * (1 + MARGIN) + 1
    return (
        middle[0] - side / 2,
        middle[0] + side / 2,
        middle[1] - side / 2,
        middle[1] + side / 2,
    )


def _legend(part: FigureBase, masks: Sequence[Layer], theme: Theme) -> None:
    """Each class that is seen, once."""
    seen: dict[str, str] = {}
    for mask in masks:
        if isinstance(mask, Mask):
            colours = palette(mask, theme)
            for code in sorted(set(mask.code)):
                seen.setdefault(mask.classes[int(code)], colours[int(code)])
    if seen:
        handles = [Patch(color=colour, label=literal(name, NAME)) for name, colour in seen.items()]
        part.legend(handles=handles, loc="outside lower right", ncols=len(seen), fontsize="x-small")
