"""Pictures of a prepared folder, from its training jets: images, their means, the masses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fivesigma_datasets.jets.kinematics import Floats
from fivesigma_datasets.topmass.features import NAMES
from fivesigma_datasets.topmass.layout import Form, read_images
from fivesigma_datasets.topmass.reference import AT_ONCE, TRAINING, columns_of

FIGURES = {
    "figures/jets.png": "Single jets of light, medium and heavy tops in the three channels",
    "figures/mean.png": "Mean images of light and of heavy tops",
    "figures/masses.png": "The target, and mass in the image by target",
}
SHOWN = (100.0, 172.5, 300.0, 450.0)
"""Masses in GeV of the single jets shown."""

LIGHT, HEAVY = 190.0, 395.0
"""Quarters of the range, in GeV."""

TITLES = ("tracks", "ECAL", "HCAL")
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
    mass = pl.read_parquet(folder / "train.parquet")["mass"].to_numpy()[:TRAINING]
    path = folder / "train_images.h5"
    columns = columns_of(folder, "train", TRAINING)
    style = {**mplhep.style.CMS, "font.size": 11, "font.family": "DejaVu Sans"}
    drawings: tuple[Callable[[Any], None], ...] = (
        lambda figure: _jets(figure, path, mass),
        lambda figure: _means(figure, path, mass),
        lambda figure: _masses(figure, columns, mass),
    )
    with mpl.rc_context({**style, "savefig.bbox": "tight"}):
        for name, drawing, size in zip(
            FIGURES, drawings, ((12, 14), (12, 8), (12, 5)), strict=True
        ):
            figure = Figure(figsize=size, layout="constrained")
            drawing(figure)
            figure.savefig(folder / name, dpi=RESOLUTION, metadata={"Software": None})


def _jets(figure: Any, path: Path, mass: Floats) -> None:
    axes = figure.subplots(len(SHOWN), len(TITLES))
    for line, wanted in zip(axes, SHOWN, strict=True):
        row = int(np.abs(mass - wanted).argmin())
        images, form = read_images(path, slice(row, row + 1))
        _channels(line, images[0] * form.step, f"{mass[row]:.0f} GeV", form)


def _means(figure: Any, path: Path, mass: Floats) -> None:
    axes = figure.subplots(2, len(TITLES))
    groups = ((mass < LIGHT, f"below {LIGHT:.0f} GeV"), (mass > HEAVY, f"above {HEAVY:.0f} GeV"))
    for line, (chosen, name) in zip(axes, groups, strict=True):
        mean, form = _mean(path, chosen)
        _channels(line, mean, name, form)


def _mean(path: Path, chosen: npt.NDArray[np.bool_]) -> tuple[Floats, Form]:
    """Mean image in GeV of the chosen ones of the first rows, read block by block."""
    total, form = 0.0, None
    for begin in range(0, len(chosen), AT_ONCE):
        end = min(begin + AT_ONCE, len(chosen))
        images, form = read_images(path, slice(begin, end))
        total = total + images[chosen[begin:end]].sum(axis=0, dtype=np.int64)
    assert form is not None  # a table has at least one training jet
    return np.asarray(total) * (form.step / max(int(chosen.sum()), 1)), form


def _channels(axes: Any, picture: Floats, name: str, form: Form) -> None:
    """One image per channel, on a logarithmic scale."""
    edge = form.pixels * form.width / 2
    for ax, channel, title in zip(axes, picture, TITLES, strict=True):
        drawn = ax.imshow(
            np.log10(np.maximum(channel.T, 1e-3)),
            origin="lower",
            extent=(-edge, edge, -edge, edge),
            cmap="viridis",
            interpolation="nearest",
        )
        ax.set_title(f"{title}, {name}", fontsize=10)
        ax.set_xlabel("Δη", fontsize=9)
        ax.set_ylabel("Δφ", fontsize=9)
    axes[-1].figure.colorbar(drawn, ax=list(axes), label="log10(GeV)")


def _masses(figure: Any, columns: Floats, mass: Floats) -> None:
    import mplhep

    left, right = figure.subplots(1, 2)
    edges = np.linspace(mass.min(), mass.max(), 21)
    mplhep.histplot(np.histogram(mass, edges)[0], edges, ax=left, yerr=True)
    left.set_ylim(0, None)
    left.set_xlabel("top mass / GeV")
    left.set_ylabel("training jets")
    cones = columns[:, NAMES.index("mass_cones_123")]
    right.hist2d(mass, np.clip(cones, 0, 600), bins=(25, 30), cmap="viridis")
    right.set_xlabel("top mass / GeV")
    right.set_ylabel("mass of three hardest cones / GeV")
