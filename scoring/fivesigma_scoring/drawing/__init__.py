"""Figures as pictures, in the style of particle physics.

The one part of scoring that needs matplotlib (``pip install "fivesigma[plot]"``), and that nothing
else in scoring imports: what runs in the sandbox only writes numbers down.
"""

import io
import math
import threading
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.figure as canvas
import numpy as np
from matplotlib.figure import FigureBase

from fivesigma_scoring.drawing.axes import draw_axes
from fivesigma_scoring.drawing.masks import draw_masks
from fivesigma_scoring.drawing.style import THEMES, Theme, settings
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.layers import Mask

__all__ = ["THEMES", "draw", "draw_sheet"]

Format = Literal["svg", "png"]
ThemeName = Literal["light", "dark"]

WIDTH, HEIGHT = 10.0, 7.5
PNG_DPI = 144
"""Twice the 72 points of an inch at which SVG is shown."""
_DRAWING = threading.Lock()
"""Settings of matplotlib are those of the process, so one figure is drawn at a time."""


def draw(figure: Figure, theme: ThemeName = "light", format: Format = "svg") -> bytes:  # noqa: A002
    """One figure as a picture; the same figure gives the same bytes.

    Parameters
    ----------
    figure
        What to show.
    theme
        ``light`` or ``dark``, the colours of the pages.
    format
        ``svg`` (texts as paths, so that no font is needed) or ``png`` (two dots to a pixel).

    """
    return _picture([figure], THEMES[theme], format)


def draw_sheet(
    figures: Sequence[Figure],
    theme: ThemeName = "light",
    format: Format = "svg",  # noqa: A002
) -> bytes:
    """Several figures on one sheet, two side by side."""
    return _picture(figures, THEMES[theme], format)


def _picture(figures: Sequence[Figure], theme: Theme, form: Format) -> bytes:
    columns = 1 if len(figures) == 1 else 2
    rows = math.ceil(len(figures) / columns)
    with _DRAWING, mpl.rc_context(settings(theme)):
        sheet = canvas.Figure(
            figsize=(WIDTH * columns, _height(figures) * rows), layout="constrained"
        )
        # One place is given as itself, several as an array.
        grid: Any = sheet.subfigures(rows, columns) if len(figures) > 1 else sheet
        parts = list(np.ravel(grid))
        for part, figure in zip(parts, figures, strict=False):
            _draw_into(part, figure, theme)
        out = io.BytesIO()
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        sheet.savefig(out, format=form, dpi=PNG_DPI, metadata=metadata)
    return out.getvalue()


def _height(figures: Sequence[Figure]) -> float:
    """Event displays are wide; a row of three pictures would leave half of a figure empty."""
    rows = max(math.ceil(len(one.layers) / 3) for one in figures)
    only_masks = all(isinstance(layer, Mask) for one in figures for layer in one.layers)
    return min(HEIGHT, 1.7 + 3.3 * rows) if only_masks else HEIGHT


def _draw_into(part: FigureBase, figure: Figure, theme: Theme) -> None:
    if all(isinstance(layer, Mask) for layer in figure.layers):
        draw_masks(part, figure, theme)
    else:
        draw_axes(part, figure, theme)
