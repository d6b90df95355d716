"""How like the events of 2014 the simulated ones are: the picture on the card.

``python -m fivesigma_datasets.higgsml.likeness REAL.csv FOLDER OUT.svg`` draws it from published
rows with their ``KaggleWeight`` and a simulated folder.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.higgsml.features import UNDEFINED
from fivesigma_datasets.higgsml.figures import CLASSES, drawn, edges_of, shape_of

SHOWN = (
    "DER_mass_MMC",
    "DER_mass_vis",
    "DER_mass_transverse_met_lep",
    "DER_mass_jet_jet",
    "DER_pt_h",
    "DER_pt_tot",
    "DER_sum_pt",
    "DER_met_phi_centrality",
    "PRI_tau_pt",
    "PRI_lep_pt",
    "PRI_met",
    "PRI_jet_num",
)


def picture(real: pl.DataFrame, simulated: pl.DataFrame, out: Path) -> None:
    """Shapes of both classes: lines are simulated, points real; tables with Weight and Label."""
    import mplhep

    def panel(axes: Any, feature: str) -> None:
        tables = [table.filter(pl.col(feature) != UNDEFINED) for table in (simulated, real)]
        edges = edges_of(tables[1][feature].to_numpy().astype(np.float64), feature)[::2]
        for label, title, colour in CLASSES:
            ours, theirs = (
                shape_of(table.filter(pl.col("Label") == label), feature, edges) for table in tables
            )
            mplhep.histplot(ours, edges, ax=axes, color=colour, label=title, linewidth=1)
            centres = (edges[1:] + edges[:-1]) / 2
            axes.plot(centres, theirs, ".", color=colour, markersize=4, label=f"{title}, real")

    drawn(out, SHOWN, panel)


def main(arguments: list[str]) -> int:
    """Draw the picture of the named files."""
    real, folder, out = map(Path, arguments)
    table = pl.read_csv(real).with_columns(Weight=pl.col("KaggleWeight"))
    picture(table, pl.read_parquet(folder / "train.parquet"), out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
