"""The shipped table in one small file: what can't be computed from the rest, as whole numbers.

Published values have three decimals, so thousandths are whole numbers; eleven derived features
follow from the others exactly.
"""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fivesigma_datasets.higgsml.features import (
    FEATURES,
    PRIMITIVE,
    UNDEFINED,
    Floats,
    completed,
)
from fivesigma_datasets.higgsml.split import FIRST_ID

FILE = "events.parquet"
MASSES = ("DER_mass_MMC", "DER_mass_jet_jet")
SCALE = 1000
TEXTS = ("Label", "usage")


def pack(table: pl.DataFrame, path: Path) -> None:
    """Write a published table (``EventId``, features, ``Weight``, ``Label``, ``usage``).

    Its rows are those of `renumber`: ids count up from ``FIRST_ID``.
    """
    whole = [_whole(table, name) for name in (*PRIMITIVE, *MASSES)]
    relative = pl.col("Weight") / pl.col("Weight").mean().over("Label")
    packed = table.select(*TEXTS, relative.cast(pl.Float32)).with_columns(whole)
    # Above the two leading jets there is mostly nothing, and nothing compresses well.
    leading = pl.max_horizontal("PRI_jet_leading_pt", 0)
    rest = pl.col("PRI_jet_all_pt") - leading - pl.max_horizontal("PRI_jet_subleading_pt", 0)
    packed = packed.with_columns(rest.alias("PRI_jet_all_pt"))
    packed.write_parquet(path, compression="zstd", compression_level=22, statistics=False)


def unpack(path: Path) -> pl.DataFrame:
    """The table that was packed, value for value; weights on another scale for each class."""
    packed = pl.read_parquet(path)
    values = {name: packed[name].to_numpy() / SCALE for name in (*PRIMITIVE, *MASSES)}
    masses = {name: values.pop(name) for name in MASSES}
    leading, second = (values[f"PRI_jet_{name}_pt"] for name in ("leading", "subleading"))
    above = values["PRI_jet_all_pt"] + np.maximum(leading, 0) + np.maximum(second, 0)
    values["PRI_jet_all_pt"] = np.round(above, 3)
    for name in PRIMITIVE:
        values[name] = np.where(values[name] == UNDEFINED, 0.0, values[name])
    mmc = masses["DER_mass_MMC"]
    columns = completed(
        values,
        mass_mmc=np.where(mmc == UNDEFINED, np.nan, mmc),
        mass_jet_jet=masses["DER_mass_jet_jet"],
    )
    ids = np.arange(FIRST_ID, FIRST_ID + len(packed), dtype=np.int64)
    return as_published({"EventId": ids, **columns}).with_columns(
        packed["Weight"].cast(pl.Float64), *(packed[name] for name in TEXTS)
    )


def as_published(columns: dict[str, Any]) -> pl.DataFrame:
    """The table's types: single precision, and a whole number of jets."""
    return pl.DataFrame(columns).with_columns(
        pl.col(set(FEATURES) - {"PRI_jet_num"}).cast(pl.Float32),
        pl.col("PRI_jet_num").cast(pl.Int64),
    )


def _whole(table: pl.DataFrame, name: str) -> pl.Series:
    values: Floats = table[name].cast(pl.Float64).to_numpy()
    return pl.Series(name, np.rint(values * SCALE).astype(np.int32))
