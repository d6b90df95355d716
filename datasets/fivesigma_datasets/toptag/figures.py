"""Pictures of a prepared folder, from its training jets: images, their means, simple features."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import polars as pl

from fivesigma_datasets.jets.images import CHANNELS
from fivesigma_datasets.jets.kinematics import Floats
from fivesigma_datasets.toptag.events import GRID
from fivesigma_datasets.toptag.folder import FIGURES
from fivesigma_datasets.toptag.reference import NAMES, features_of

SHOWN = ("pt", "eta", "mass", "constituents", "tau3 / tau2", "mass of lightest pair")
CLASSES = {"s": "top", "b": "QCD"}
JETS = 4_000
"""Training jets that are drawn from."""

RESOLUTION = 80


def draw(folder: Path, report: Callable[[str], None]) -> None:
    """Write ``FIGURES`` where matplotlib is installed."""
    try:
        import matplotlib as mpl
        import mplhep
        from matplotlib.figure import Figure
    except ImportError:
        report("figures left out: matplotlib and mplhep are not installed (extra plot)")
        return
    (folder / "figures").mkdir(exist_ok=True)
    table = pl.read_parquet(folder / "train.parquet").head(JETS)
    with h5py.File(folder / "train.h5") as file:
        images = file["images"][:JETS].astype(np.float32)
        columns = features_of(file["constituents"][:JETS], table)
    top = (table["label"] == "s").to_numpy()
    style = {**mplhep.style.CMS, "font.size": 11, "font.family": "DejaVu Sans"}
    lines = images.shape[1]
    drawings: tuple[tuple[Callable[[Any], None], tuple[int, int]], ...] = (
        (lambda figure: _jets(figure, images, top), (4 * lines + 1, 14)),
        (lambda figure: _means(figure, images, top), (4 * lines + 1, 7)),
        (lambda figure: _features(figure, table, columns), (14, 8)),
    )
    with mpl.rc_context({**style, "savefig.bbox": "tight"}):
        for name, (drawing, size) in zip(FIGURES, drawings, strict=True):
            figure = Figure(figsize=size, layout="constrained")
            drawing(figure)
            figure.savefig(folder / name, dpi=RESOLUTION, metadata={"Software": None})


def _jets(figure: Any, images: npt.NDArray[np.float32], top: npt.NDArray[np.bool_]) -> None:
    """Two jets of each class."""
    axes = figure.subplots(4, images.shape[1], squeeze=False)
    rows = [row for kind in (True, False) for row in np.flatnonzero(top == kind)[:2]]
    for line, row in zip(axes, rows, strict=False):
        _channels(line, images[row], "top" if top[row] else "QCD")


def _means(figure: Any, images: npt.NDArray[np.float32], top: npt.NDArray[np.bool_]) -> None:
    axes = figure.subplots(2, images.shape[1], squeeze=False)
    for line, (kind, name) in zip(axes, ((True, "top"), (False, "QCD")), strict=True):
        _channels(line, images[top == kind].mean(axis=0), f"{name}, mean")


def _channels(axes: Any, picture: npt.NDArray[np.float32], name: str) -> None:
    """One image per channel, on a logarithmic scale."""
    edge = GRID.half_width
    titles = CHANNELS if len(picture) == len(CHANNELS) else ("constituents",)
    for ax, channel, title in zip(axes, picture, titles, strict=True):
        drawn = ax.imshow(
            np.log10(np.maximum(channel.T, 1e-2)),
            origin="lower",
            extent=(-edge, edge, -edge, edge),
            cmap="viridis",
            interpolation="nearest",
        )
        ax.set_title(f"{title}, {name}", fontsize=10)
        ax.set_xlabel("Δη", fontsize=9)
        ax.set_ylabel("Δφ", fontsize=9)
    axes[-1].figure.colorbar(drawn, ax=list(axes), label="log10(GeV)")


def _features(figure: Any, table: pl.DataFrame, columns: Floats) -> None:
    """Signal and background in what is published and in two substructure variables."""
    import mplhep

    values = {name: table[name].to_numpy() for name in ("pt", "eta", "mass")}
    values |= {name: columns[:, NAMES.index(name)] for name in SHOWN[3:]}
    for ax, name in zip(figure.subplots(2, 3).flat, SHOWN, strict=True):
        low, high = np.quantile(values[name], (0.002, 0.998))
        edges = np.linspace(low, high, 31)
        for label, called in CLASSES.items():
            rows = (table["label"] == label).to_numpy()
            counts = np.histogram(values[name][rows], edges)[0]
            mplhep.histplot(counts, edges, ax=ax, label=called, yerr=False)
        ax.set_xlabel(name + (" / GeV" if name in ("pt", "mass") or "pair" in name else ""))
        ax.set_ylim(0, None)
    figure.axes[0].legend(fontsize=10)
    figure.axes[0].set_ylabel("training jets")
