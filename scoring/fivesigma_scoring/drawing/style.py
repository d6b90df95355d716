"""Colours and letters: mplhep's, in the two themes of the pages."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import FigureBase

BRAND = "Fivesigma"
NOTE_WIDTH = 90


@dataclass(frozen=True)
class Theme:
    """The colours of one theme.

    Attributes
    ----------
    surface, ink, muted, edge
        As the tokens of the stylesheet.
    series
        Okabe and Ito's colours that stand out on the surface, told apart by everybody.
    mark
        For "your cut" and for what is wrong.

    """

    surface: str
    ink: str
    muted: str
    edge: str
    series: tuple[str, ...]
    mark: str


THEMES: Mapping[str, Theme] = {
    "light": Theme(
        surface="#ffffff",
        ink="#17212b",
        muted="#54616d",
        edge="#7c8892",
        series=("#0072b2", "#d55e00", "#007e5d", "#b0568a", "#17212b", "#7a6000"),
        mark="#b3410c",
    ),
    "dark": Theme(
        surface="#181f27",
        ink="#e8edf1",
        muted="#a3b1bd",
        edge="#6f7f8d",
        series=("#56b4e9", "#e69f00", "#00b583", "#cc79a7", "#e8edf1", "#f0e442"),
        mark="#ff9f6e",
    ),
}


def settings(theme: Theme) -> dict[Any, Any]:
    """Settings of matplotlib: ticks inside on all sides, labels at the ends, no frame around."""
    sizes = {"font.size": 19, "axes.linewidth": 1.4, "lines.linewidth": 2.2, "lines.markersize": 7}
    ticks = {
        f"{axis}tick.{kind}": size
        for axis in "xy"
        for kind, size in {"major.size": 9, "minor.size": 4.5, "major.width": 1.2}.items()
    }
    colours = {
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), theme.surface),
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), theme.ink),
        **dict.fromkeys(("xtick.color", "ytick.color"), theme.ink),
    }
    fonts = {
        "font.sans-serif": ["TeX Gyre Heros", "DejaVu Sans"],
        "axes.unicode_minus": True,
        "svg.fonttype": "path",
        "svg.hashsalt": BRAND,
        "legend.handlelength": 1.6,
    }
    return {**mplhep.style.ROOT, **sizes, **ticks, **colours, **fonts}


def more_legible(candidates: Sequence[str], ground: Any) -> str:
    """The colour that contrasts most with `ground` (WCAG's contrast ratio)."""
    return max(candidates, key=lambda colour: contrast(colour, ground))


def contrast(first: Any, second: Any) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Any) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))


def literal(text: str, most: int = 60) -> str:
    """`text`, shortened to `most` letters, so that matplotlib reads no formula into it."""
    short = text if len(text) <= most else f"{text[: most - 1]}…"
    return short.replace("$", r"\$")


def say_above(axes: Axes, title: str, theme: Theme) -> None:
    """A heading, and the name of the platform at its right."""
    axes.set_title(literal(title), loc="left", fontsize="medium", fontweight="bold", pad=12)
    axes.set_title(BRAND, loc="right", fontsize="x-small", color=theme.muted, pad=12)


def say_below(part: FigureBase, note: str, theme: Theme) -> None:
    """What belongs under the axes."""
    if note:
        text = literal(textwrap.fill(note, NOTE_WIDTH), 2 * len(note))
        part.supxlabel(text, x=0.02, ha="left", fontsize="x-small", color=theme.muted)
