"""The figures of a data folder: every feature for signal and background."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.higgsml.features import UNDEFINED, Floats

FIGURES = {
    "masses": "Masses of the tau pair and of the jets, signal and background",
    "momenta": "Momenta and energies, signal and background",
    "angles": "Angles, centralities and jets, signal and background",
}
ANGLES = ("_eta", "_phi", "eta_jet_jet", "deltar", "centrality", "jet_num", "n_jets", "ratio")
BINS = 40
NO_DRAWING = "matplotlib and mplhep (the extra `plot`) are not installed: no figures were drawn"
CLASSES = (("b", "background", "#5790fc"), ("s", "signal", "#e42536"))


def draw(train: pl.DataFrame, features: Sequence[str], out: Path) -> list[str]:
    """Write the figures of ``FIGURES`` as SVG; says what was left out where it can't."""
    if not all(importlib.util.find_spec(name) for name in ("matplotlib", "mplhep")):
        return [NO_DRAWING]
    for name in FIGURES:
        _draw(train, [feature for feature in features if _figure_of(feature) == name], out / name)
    return []


def _figure_of(feature: str) -> str:
    if any(part in feature for part in ANGLES):
        return "angles"
    return "masses" if "mass" in feature else "momenta"


def _draw(train: pl.DataFrame, features: Sequence[str], path: Path) -> None:
    def panel(axes: Any, feature: str) -> None:
        _panel(axes, train, feature)

    drawn(path.with_suffix(".svg"), features, panel)


def drawn(path: Path, features: Sequence[str], panel: Callable[[Any, str], None]) -> None:
    """An SVG with one panel for each feature, filled by ``panel(axes, feature)``."""
    import matplotlib as mpl
    import mplhep
    from matplotlib.figure import Figure

    columns = min(4, len(features))
    rows = -(-len(features) // columns)
    # The same data give the same bytes: no random identifiers, no date.
    with mpl.rc_context({**mplhep.style.CMS, "font.size": 9, "font.family": "DejaVu Sans"}):
        mpl.rcParams.update({"svg.hashsalt": "fivesigma", "svg.fonttype": "none"})
        # Minor ticks and a fitted layout cost ten times the rest of the drawing.
        mpl.rcParams.update({"xtick.minor.visible": False, "ytick.minor.visible": False})
        figure = Figure(figsize=(3.2 * columns, 2.4 * rows))
        figure.subplots_adjust(0.02, 0.25 / rows, 0.98, 0.98, wspace=0.1, hspace=0.35)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, feature in zip(panels, features, strict=False):
            panel(axes, feature)
            axes.set_xlabel(feature, fontsize=8)
            axes.set_yticks([])
        for axes in panels[len(features) :]:
            axes.set_axis_off()
        panels[0].legend(fontsize=8)
        figure.savefig(path, metadata={"Date": None})


def _panel(panel: Any, train: pl.DataFrame, feature: str) -> None:
    """Weighted shapes of both classes, each with area 1; events without a value are left out."""
    import mplhep

    defined = train.filter(pl.col(feature) != UNDEFINED)
    edges = edges_of(defined[feature].to_numpy().astype(np.float64), feature)
    for label, title, colour in CLASSES:
        part = defined.filter(pl.col("Label") == label)
        shape = shape_of(part, feature, edges)
        mplhep.histplot(shape, edges, ax=panel, color=colour, label=title, linewidth=1)


def shape_of(part: pl.DataFrame, feature: str, edges: Floats) -> Floats:
    """Weighted share of the events in each bin; those outside are in the outermost bins."""
    values = np.clip(part[feature].to_numpy().astype(np.float64), edges[0], edges[-1])
    counts, _ = np.histogram(values, edges, weights=part["Weight"].to_numpy())
    return np.asarray(counts / max(counts.sum(), 1e-300))


def edges_of(values: Floats, feature: str) -> Floats:
    """Forty bins over all but the largest hundredth, which is shown in the last one."""
    if feature in ("PRI_jet_num", "PRI_n_jets"):
        return np.arange(-0.5, 4.0)
    low, high = np.quantile(values, [0.0, 0.99]) if len(values) else (0.0, 1.0)
    return np.linspace(low, max(high, low + 1e-6), BINS + 1)
