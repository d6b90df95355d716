"""Pictures of a prepared folder, from its training events: displays and spectra."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.lartpc.layout import CLASSES, PIXEL, Layout

COLOURS = ("#9a9a9a", "#d55e00", "#0072b2", "#009e73")
"""Of the classes 0 … 3; a palette that colour-blind people can tell apart (Okabe and Ito)."""
RESOLUTION = 80


def draw(
    folder: Path, layout: Layout, stages: Sequence[int], report: Callable[[str], None]
) -> None:
    """Write ``figures/events.png`` and ``figures/charge.png`` where matplotlib is installed."""
    try:
        import matplotlib as mpl
        import mplhep
        from matplotlib.figure import Figure
    except ImportError:
        report("figures left out: matplotlib and mplhep are not installed (extra plot)")
        return
    (folder / "figures").mkdir(exist_ok=True)
    tables = {stage: pl.read_parquet(folder / f"train_stage-{stage}.parquet") for stage in stages}
    with mpl.rc_context({**mplhep.style.CMS, "font.size": 11, "font.family": "DejaVu Sans"}):
        mpl.rcParams["savefig.bbox"] = "tight"
        figure = Figure(figsize=(4 * len(stages) + 1, 8), layout="constrained")
        _events(figure, tables, layout)
        figure.savefig(folder / "figures/events.png", dpi=RESOLUTION, metadata={"Software": None})
        figure = Figure(figsize=(11, 4.5), layout="constrained")
        _spectra(figure, tables, layout)
        figure.savefig(folder / "figures/charge.png", dpi=RESOLUTION, metadata={"Software": None})


def _events(figure: Any, tables: dict[int, pl.DataFrame], layout: Layout) -> None:
    """An event of each stage: charge above, classes below; a volume is seen along its height."""
    axes = figure.subplots(2, len(tables), squeeze=False)
    for column, (stage, table) in enumerate(tables.items()):
        event = _shown(table)
        place = np.unravel_index(event["voxel"].to_numpy(), layout.shape)
        drift, wire = PIXEL * place[0], PIXEL * place[-1]
        charge = event["charge"].to_numpy()
        above, below = axes[:, column]
        dots = {"s": 2.5, "marker": "s", "linewidths": 0}
        drawn = above.scatter(wire, drift, c=np.log10(charge), cmap="viridis", **dots)
        above.set_title(f"Stage {stage}, event {event['event'][0]}", fontsize=11)
        for label, name in enumerate(CLASSES[stage]):
            these = (event["class"] == label).to_numpy()
            below.scatter(wire[these], drift[these], c=COLOURS[label], label=name, **dots)
        for one in (above, below):
            one.set(xlim=(0, layout.size), ylim=(0, layout.size), aspect="equal")
            one.set_xlabel("wire / cm", fontsize=10)
            one.set_ylabel("drift / cm", fontsize=10)
        below.legend(fontsize=8, markerscale=4, frameon=True)
    figure.colorbar(
        drawn, ax=axes.ravel().tolist(), shrink=0.5, label="log10(charge / 1000 electrons)"
    )


def _shown(table: pl.DataFrame) -> pl.DataFrame:
    """The first event with the most classes and a usual number of pixels."""
    events = table.group_by("event", maintain_order=True).agg(pl.len(), pl.col("class").n_unique())
    usual = events["len"].median() or 0
    best = events.sort(
        pl.col("class").max() - pl.col("class"), (pl.col("len") - usual).abs(), "event"
    )
    return table.filter(pl.col("event") == best["event"][0])


def _spectra(figure: Any, tables: dict[int, pl.DataFrame], layout: Layout) -> None:
    """Charge of lit pixels by class (the last stage), and lit pixels of an event by stage."""
    import mplhep

    left, right = figure.subplots(1, 2)
    stage, table = list(tables.items())[-1]
    bins = np.geomspace(1.5, 400, 50)
    for label, name in enumerate(CLASSES[stage]):
        charge = table.filter(pl.col("class") == label)["charge"].to_numpy()
        counts = np.histogram(charge, bins)[0]
        mplhep.histplot(counts, bins, ax=left, label=name, color=COLOURS[label])
    left.set(xscale="log", yscale="log")
    left.set_xlabel("charge / 1000 electrons")
    left.set_ylabel(f"lit {layout.what}s, stage {stage}")
    left.legend(fontsize=9)
    edges = np.linspace(0, 1500, 31)
    for stage, table in tables.items():
        sizes = table.group_by("event").len()["len"].to_numpy()
        mplhep.histplot(np.histogram(sizes, edges)[0], edges, ax=right, label=f"stage {stage}")
    right.set_xlabel(f"lit {layout.what}s of an event")
    right.set_ylabel("training events")
    right.legend(fontsize=9)
