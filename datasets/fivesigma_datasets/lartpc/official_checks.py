"""What can be wrong with a published file, said with the array and the event."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt
import polars as pl

from fivesigma_datasets.errors import DataError
from fivesigma_datasets.lartpc.layout import Layout
from fivesigma_datasets.lartpc.particles import PROTONS

LIT_SHARE = 0.5
"""Of the labelled pixels of an event; fewer with charge mean that the arrays don't fit."""


@dataclass(frozen=True)
class EventPixels:
    """Lit pixels of an event.

    Attributes
    ----------
    voxel, charge, label
        Index in C order, charge as in the file, class, each (n,).
    unlit
        How many pixels have a class and no charge.
    data, labels
        The whole event, (pixels,), for checks.

    """

    voxel: npt.NDArray[np.int64]
    charge: npt.NDArray[np.float64]
    label: npt.NDArray[np.int64]
    unlit: int
    data: npt.NDArray[Any]
    labels: npt.NDArray[Any]

    @classmethod
    def of(cls, data: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Self:
        """From the two arrays of an event, flat; nothing is assumed of their values."""
        voxel = np.flatnonzero(data)
        whole = np.nan_to_num(labels[voxel].astype(np.float64), nan=-1, posinf=-1, neginf=-1)
        unlit = int(np.count_nonzero(labels) - np.count_nonzero(labels[voxel]))
        charge = data[voxel].astype(np.float64)
        return cls(voxel, charge, whole.clip(-1, 255).astype(np.int64), unlit, data, labels)


def check_file(path: Path) -> None:
    """The file is there and HDF5."""
    if not path.is_file():
        raise DataError(f"{path} is not a file: name the published HDF5 file.")
    if not h5py.is_hdf5(path):
        raise DataError(
            f"{path.name} is no HDF5 file: the published files are HDF5 with /data and /label."
        )


def check_shapes(path: Path, file: h5py.File, layout: Layout) -> None:
    """Both arrays are there, of numbers, of one shape, and that of the challenge."""
    for name in ("data", "label"):
        if not isinstance(file.get(name), h5py.Dataset):
            there = ", ".join(f"/{one}" for one in file) or "nothing"
            hint = " A test file without labels cannot be used." if name == "label" else ""
            raise DataError(f"{path.name}: there is no array /{name}, but {there}.{hint}")
        if file[name].dtype.kind not in "fiub":
            raise DataError(f"{path.name}: /{name} is {file[name].dtype}, not numbers.")
    data, label = (tuple(file[name].shape) for name in ("data", "label"))
    if without_channel(data) != without_channel(label):
        raise DataError(f"{path.name}: /data is {data} and /label {label}; both must be alike.")
    if without_channel(data)[1:] != layout.shape:
        raise DataError(
            f"{path.name}: events of shape {data[1:]}, {layout.name} has {layout.shape}. "
            f"{_other(without_channel(data)[1:])}"
        )


def _other(shape: tuple[int, ...]) -> str:
    if len(shape) in (2, 3):
        name = "lartpc" if len(shape) == 2 else "lartpc-3d"
        return f"Files of {len(shape)} axes are for {name}."
    return "An event has two axes (lartpc) or three (lartpc-3d)."


def without_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without axes of length 1 behind the first, such as one channel."""
    return (*shape[:1], *(size for size in shape[1:] if size != 1))


def check_event(path: Path, number: int, pixels: EventPixels, layout: Layout) -> None:
    """Charges are charges, classes are classes, and both are where the other is."""
    place = f"{path.name}, event {number}"
    if not np.isfinite(pixels.charge).all():
        raise DataError(f"{place}: /data has values that are not finite. Is the file damaged?")
    if (pixels.charge < 0).any():
        raise DataError(
            f"{place}: /data has negative values (least {pixels.charge.min():.4g}): "
            "charges were meant. Subtract no pedestal and set what is below threshold to 0."
        )
    known = np.zeros(pixels.labels.shape, bool)
    for label in range(int(PROTONS) + 1):
        known |= pixels.labels == label
    wrong = pixels.labels[~known]
    if wrong.size:
        raise DataError(
            f"{place}: /label has the value {wrong[0]:g}; classes are 0 nothing, 1 electron, "
            "2 other, 3 proton. Other codes must be translated first."
        )
    labelled = int(np.count_nonzero(pixels.labels))
    if labelled and np.array_equal(pixels.data, pixels.labels):
        raise DataError(f"{place}: /data holds the classes themselves instead of charges.")
    if pixels.unlit > (1 - LIT_SHARE) * labelled:
        raise DataError(
            f"{place}: {pixels.unlit:,} of {labelled:,} pixels with a class in /label have no "
            f"charge in /data.{_transposed(pixels, layout)}"
        )


def _transposed(pixels: EventPixels, layout: Layout) -> str:
    """Whether reversing the axes of the labels would put them where the charge is."""
    turned = pixels.labels.reshape(layout.shape).T.reshape(-1)
    met = int(np.count_nonzero(turned[pixels.data > 0])) / max(int(np.count_nonzero(turned)), 1)
    if met > LIT_SHARE:
        return " With the axes of /label reversed they would have: the arrays are transposed."
    return " The events of the two arrays may be in different orders."


def check_class_numbers(path: Path, table: pl.DataFrame) -> None:
    """Electrons and others occur somewhere in the file."""
    absent = sorted({1, 2} - set(table["class"].unique().to_list()))
    if absent:
        raise DataError(f"{path.name}: /label never has the class {absent[0]}.")
