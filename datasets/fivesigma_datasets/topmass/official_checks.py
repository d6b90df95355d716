"""What must hold in imported jets, each broken rule told with its column."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.jets.images import Images
from fivesigma_datasets.jets.kinematics import Floats

IMAGE = "X_jet"
COLUMNS = ("m", "pt", "ieta", "iphi")
CHANNELS = 3
LARGEST_SIDE = 512

MASSES = (85.0, 500.0)
"""GeV; the published range. Masses outside are told, and refused beyond ``LARGEST_MASS``."""

LARGEST_MASS = 5000.0
MEDIANS = {"m": (30.0, 1500.0), "pt": (100.0, 4000.0)}
"""Where the median in GeV lies of any table of such jets; MeV or TeV are outside."""

LARGEST_PT = 14_000.0
TOWERS = {"ieta": (-360, 360), "iphi": (0, 360)}
"""Whole numbers; by towers or by crystals."""

ENOUGH = 100
"""Jets from which on correlations are looked at."""

FOLLOWS = 0.3
"""Least correlation of the sum of an image and the jet's pt; real ones have more than 0.9."""

SUM_OVER_PT = (0.2, 5.0)
"""Median sum of an image over pt; about 1.6 when charged hadrons count twice."""


def check_columns(file: str, table: pl.DataFrame) -> pl.DataFrame:
    """The columns as numbers, ``m`` renamed to ``mass``. Raises ``DataError``."""
    if not len(table):
        raise DataError(f"{file} has no rows: leave it out.")
    columns = {name: _numbers(file, table[name]) for name in COLUMNS}
    for name, largest in (("m", LARGEST_MASS), ("pt", LARGEST_PT)):
        _check_unit(file, name, columns[name])
        bad = (columns[name] <= 0) | (columns[name] > largest)
        _refuse(file, name, columns[name], bad, f"GeV above 0 and up to {largest:,.0f}")
    for name, (low, high) in TOWERS.items():
        values = columns[name]
        bad = (values != np.rint(values)) | (values < low) | (values > high)
        _refuse(file, name, values, bad, f"whole numbers from {low} to {high}")
    return pl.DataFrame(
        {
            "mass": columns["m"],
            "pt": columns["pt"].astype(np.float32),
            "ieta": columns["ieta"].astype(np.int16),
            "iphi": columns["iphi"].astype(np.int16),
        }
    )


def check_whole(table: pl.DataFrame) -> list[str]:
    """Rows of all files together: repeats, combs; lines on what is unusual."""
    repeated = len(table) - len(table.unique())
    if repeated:
        raise DataError(
            f"{repeated:,} rows have the same m, pt, ieta and iphi as another one: name every file "
            "once, or remove the repeated rows."
        )
    lines = []
    outside = int((~table["mass"].is_between(*MASSES)).sum())
    if outside:
        lines.append(f"{outside:,} masses lie outside of {MASSES[0]:g} to {MASSES[1]:g} GeV")
    distinct = table["mass"].n_unique()
    if distinct < len(table) / 2:
        lines.append(
            f"{len(table):,} jets share {distinct:,} masses: predictions may snap to these values"
        )
    return lines


def check_images(file: str, column: pl.Series, first: int) -> Images:
    """A batch of nested lists as (n, 3, side, side). Raises ``DataError``."""
    if not isinstance(column.dtype, pl.List | pl.Array):
        raise DataError(f"{file}: the column {IMAGE} holds {column.dtype}, not images.")
    n, flat = len(column), column
    sizes: list[int] = []
    for _ in range(3):
        if not isinstance(flat.dtype, pl.List | pl.Array):
            raise DataError(
                f"{file}: the column {IMAGE} has {len(sizes)} dimensions a jet, not channels, rows "
                "and columns."
            )
        flat = _as_list(flat)
        if flat.null_count():
            raise DataError(f"{file} near row {first + 1}: the column {IMAGE} has empty images.")
        lengths = flat.list.len().unique()
        sizes.append(int(lengths[0]))
        if len(lengths) != 1 or not sizes[-1]:
            raise DataError(
                f"{file} near row {first + 1}: the images of the column {IMAGE} differ in shape."
            )
        flat = flat.explode()
    return _pictures(file, flat, (n, *sizes), first)


def _pictures(file: str, flat: pl.Series, shape: tuple[int, ...], first: int) -> Images:
    channels, rows, columns = shape[1:]
    if channels != CHANNELS or rows != columns or rows > LARGEST_SIDE:
        raise DataError(
            f"{file}: the column {IMAGE} has images of {channels}x{rows}x{columns}; expected: "
            f"{CHANNELS} channels (tracks, ECAL, HCAL) of square images up to {LARGEST_SIDE} wide."
        )
    if not flat.dtype.is_numeric():
        raise DataError(f"{file}: the column {IMAGE} holds {flat.dtype}, not energies.")
    values = flat.cast(pl.Float32).to_numpy().reshape(shape)
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        row = int(np.flatnonzero(bad.any(axis=(1, 2, 3)))[0])
        value = values[row][bad[row]][0]
        raise DataError(
            f"{file} row {first + row + 1}: the column {IMAGE} has {value:g}; expected: energies "
            "in GeV of 0 or more, never a sentinel."
        )
    return np.asarray(values)


def check_energies(file: str, table: pl.DataFrame, total: Floats) -> None:
    """The sum of an image must follow the jet's pt, else columns, rows or units are others."""
    pt, mass = (table[name].to_numpy().astype(np.float64) for name in ("pt", "mass"))
    low, high = SUM_OVER_PT
    ratio = float(np.median(total / pt))
    if not low < ratio < high:
        raise DataError(
            f"{file}: the median sum of the images in {IMAGE} is {ratio:.3g} times pt; expected "
            f"{low:g} to {high:g}. Are both in GeV?"
        )
    if len(table) < ENOUGH:
        return
    by_pt, by_mass = _correlation(total, pt), _correlation(total, mass)
    if by_pt < FOLLOWS:
        like = "; m does: are m and pt exchanged" if by_mass > FOLLOWS else ": are columns shifted"
        raise DataError(
            f"{file}: the column pt does not follow the sum of the images in {IMAGE} (correlation "
            f"{by_pt:.2f}){like}, or the rows of another file?"
        )


def _correlation(one: Floats, other: Floats) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _numbers(file: str, column: pl.Series) -> Floats:
    """A column as finite doubles; columns of one-element lists are taken apart."""
    if isinstance(column.dtype, pl.List):
        if not bool((column.list.len() == 1).all()):
            raise DataError(f"{file}: the column {column.name} holds lists, not one number a jet.")
        column = column.list.first()
    if not column.dtype.is_numeric():
        raise DataError(f"{file}: the column {column.name} holds {column.dtype}, not numbers.")
    values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    _refuse(file, column.name, values, ~np.isfinite(values), "finite numbers only")
    return values


def _check_unit(file: str, name: str, values: Floats) -> None:
    """MeV, TeV and columns that are something else give themselves away by their median."""
    low, high = MEDIANS[name]
    median = float(np.median(values))
    if np.isin(values, (-999.0, -1.0, 0.0)).any() or low <= median <= high:
        return  # sentinels are told with their row
    if bool((values == np.rint(values)).all()) and 0 <= median < low:
        guess = "whole numbers, as ieta and iphi have: are the columns shifted?"
    elif low <= median / 1000 <= high:
        guess = "which looks like MeV: divide it by 1000."
    elif low <= median * 1000 <= high:
        guess = "which looks like TeV: multiply it by 1000."
    else:
        guess = "which is neither GeV, MeV nor TeV: are the columns shifted?"
    raise DataError(
        f"{file}: the column {name} has the median {median:.4g}, {guess} Expected: GeV, with a "
        f"median between {low:g} and {high:g}."
    )


def _refuse(file: str, name: str, values: Floats, bad: npt.NDArray[np.bool_], rule: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        row = int(rows[0])
        raise DataError(
            f"{file} row {row + 1}: the column {name} has {values[row]:g} ({len(rows):,} rows like "
            f"this); expected: {rule}. Is it a sentinel, or are the columns shifted?"
        )


def _as_list(column: pl.Series) -> Any:
    return column.arr.to_list() if isinstance(column.dtype, pl.Array) else column
