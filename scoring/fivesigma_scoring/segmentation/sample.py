"""The universe of a segmentation from its sample: events, shape, and the lit pixels it names."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.files.columns import ID_BYTES, NO_ID
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.segmentation.columns import EVENT
from fivesigma_scoring.segmentation.counts import CLASSES
from fivesigma_scoring.segmentation.dense import PRED, dense_mask, open_dense
from fivesigma_scoring.segmentation.ordering import CLASS_BITS, MOST_PIXELS, pack
from fivesigma_scoring.segmentation.organiser import (
    MASK,
    SHAPE,
    Arrays,
    faults_of,
    format_of,
)
from fivesigma_scoring.segmentation.prediction import SparseMask
from fivesigma_scoring.segmentation.reading import read_sparse
from fivesigma_scoring.segmentation.universe import MaskUniverse
from fivesigma_scoring.settings import TestSetSpec
from fivesigma_scoring.solution_files import SIZE_LIMIT, SolutionError, Source, are_integers
from fivesigma_scoring.universe import Universe

MOST_AXES = 3


def read_universe(sample: Path, solution: Path | None, test_set: TestSetSpec) -> MaskUniverse:
    """Events and lit pixels of a sample submission, which must pass its own check.

    Raises
    ------
    SolutionError
        It does not, or nothing says the shape of an event.

    """
    what = format_of(sample)
    form = mask_format(test_set, find_shape([sample, *([solution] if solution else [])], test_set))
    with faults_of(sample):
        opened = open_dense(sample, "zip" if what == "npz" else what, test_set.max_expanded_bytes)
        if opened is not None:
            values, numbers = opened
            ids = np.arange(len(values)) if numbers is None else numbers
            form = replace(form, rows=len(values))
            mask = dense_mask(opened, form)
            return lit_of_dense(universe_of_ids(sample, ids, form), mask.values)
        if what != "npz":
            form = replace(form, id_type=id_type(sample))
        pixels = read_sparse(sample, "zip" if what == "npz" else what, form)
        return lit_of_sparse(universe_of_ids(sample, distinct(pixels.event), form), pixels)


def mask_format(test_set: TestSetSpec, shape: tuple[int, ...]) -> PredictionFormat:
    """What is known of a test set before its events are.

    Raises
    ------
    SolutionError
        The classes cannot be meant.

    """
    classes = tuple(test_set.classes)
    if len(classes) == 1 or len(classes) > CLASSES or len(set(classes)) < len(classes):
        raise SolutionError(
            f"classes: name 2 to {CLASSES} different classes, class 0 (nothing) first."
        )
    return PredictionFormat(
        rows=0,
        id_column=EVENT,
        kind="segmentation",
        max_bytes=test_set.max_bytes,
        max_expanded_bytes=test_set.max_expanded_bytes,
        classes=classes,
        shape=shape,
    )


def find_shape(paths: list[Path], test_set: TestSetSpec) -> tuple[int, ...]:
    """Pixels of an event along each axis, as the files or the settings say.

    Raises
    ------
    SolutionError
        Nobody says it, they contradict each other, or it cannot be.

    """
    said = {path.name: shape for path in paths if (shape := _shape_in(path)) is not None}
    if test_set.shape:
        said["the test set"] = tuple(test_set.shape)
    if not said:
        raise SolutionError(
            f"{paths[0].name}: nothing says the shape of an event. Set shape = [256, 256] (or "
            "whatever it is) in the test set, or add an array 'shape' to an .npz file."
        )
    if len(set(said.values())) > 1:
        words = "; ".join(f"{name}: {list(shape)}" for name, shape in said.items())
        raise SolutionError(f"The shapes of an event differ ({words}). Make them the same.")
    shape = next(iter(said.values()))
    if not 1 <= len(shape) <= MOST_AXES or min(shape) < 1 or math.prod(shape) > MOST_PIXELS:
        raise SolutionError(
            f"An event cannot have the shape {list(shape)}; it has 1 to {MOST_AXES} axes of at "
            "least one pixel."
        )
    return shape


def _shape_in(path: Path) -> tuple[int, ...] | None:
    """Shape of an event as a file says it; None where it doesn't."""
    what = format_of(path)
    if what in ("npy", "hdf5"):
        with faults_of(path):
            opened = open_dense(path, what, SIZE_LIMIT)
            return None if opened is None else opened[0].shape[1:]
    if what != "npz":
        return None
    arrays = Arrays(path, what)
    if SHAPE in arrays:
        shape = arrays[SHAPE]
        if shape.ndim != 1 or shape.dtype.kind not in "iu":
            raise SolutionError(f"{path.name}: the array 'shape' must hold whole numbers.")
        return tuple(shape.tolist())
    dense = next((name for name in (MASK, PRED) if name in arrays), None)
    return None if dense is None else arrays[dense].shape[1:]


def id_type(table: Path) -> Literal["int", "str"]:
    """``int`` or ``str``: what the events of a table are called by."""
    source = Source.open(table)
    column = source.need(EVENT)
    text = source.read([column])[column].fill_null("").str.strip_chars().unique()
    return "int" if are_integers(text) else "str"


def distinct(event: pl.Series) -> NDArray[np.generic]:
    """Ids in the order of their first appearance: int64 (n,), or UTF-8 byte strings (n,)."""
    ids = event.unique(maintain_order=True)
    if ids.dtype.is_integer():
        return ids.cast(pl.Int64).to_numpy()
    return np.array([one.encode() for one in ids.to_list()], dtype=np.bytes_)


def universe_of_ids(path: Path, ids: NDArray[np.generic], form: PredictionFormat) -> MaskUniverse:
    """A universe without lit pixels.

    Parameters
    ----------
    path
        Whose ids they are.
    ids
        In the sample's order, (n,).
    form
        The rest of what a file must look like.

    Raises
    ------
    SolutionError
        The ids repeat, or are no ids.

    """
    if not ids.size:
        raise SolutionError(f"{path.name}: there are no events.")
    if np.unique(ids).size < ids.size:
        raise SolutionError(f"{path.name}: ids of events repeat.")
    if ids.dtype.kind == "S" and ids.dtype.itemsize > ID_BYTES:
        raise SolutionError(f"{path.name}: ids of events are longer than {ID_BYTES} bytes.")
    if ids.dtype.kind != "S" and (ids == NO_ID).any():
        raise SolutionError(f"{path.name}: the id {NO_ID} is reserved; use another.")
    if ids.size * math.prod(form.shape) > MOST_PIXELS:
        raise SolutionError(f"{path.name}: there are more than {MOST_PIXELS:,} pixels in all.")
    kind: Literal["int", "str"] = "str" if ids.dtype.kind == "S" else "int"
    events = Universe.of(replace(form, rows=ids.size, id_type=kind), ids)
    return MaskUniverse(events, np.zeros(ids.size + 1, np.int64), np.zeros(0, np.int32))


def lit_of_sparse(universe: MaskUniverse, mask: SparseMask) -> MaskUniverse:
    """The universe whose lit pixels are those that a mask lists."""
    return with_lit(universe, pack(mask, universe) >> CLASS_BITS)


def lit_of_dense(universe: MaskUniverse, values: NDArray[np.generic]) -> MaskUniverse:
    """The universe whose lit pixels have a class above 0 in a mask (events, ...)."""
    return with_lit(universe, np.flatnonzero(values).astype(np.int64))


def with_lit(universe: MaskUniverse, keys: NDArray[np.int64]) -> MaskUniverse:
    """The same events; lit pixels by ascending keys as `MaskUniverse.keys` gives them, (m,)."""
    edges = np.arange(universe.format.rows + 1) * universe.size
    lit = keys % universe.size
    if universe.size <= np.iinfo(np.int32).max:
        lit = lit.astype(np.int32)
    return MaskUniverse(universe.events, np.searchsorted(keys, edges), lit)
