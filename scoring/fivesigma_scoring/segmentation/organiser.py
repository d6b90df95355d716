"""What an organiser brings for masks: files opened, and faults told as `SolutionError`."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring.files.container import identify
from fivesigma_scoring.files.npy import read_npy
from fivesigma_scoring.files.npz import npz_names
from fivesigma_scoring.files.streams import READER_ERRORS
from fivesigma_scoring.report import InputRefusedError
from fivesigma_scoring.segmentation.dense import is_npz_file
from fivesigma_scoring.solution_files import SIZE_LIMIT, SolutionError

HEAD = 64
MASK, EVENTS, SHAPE = "mask", "events", "shape"


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Whatever refuses a file of the organiser, as a `SolutionError` that names file and rows."""
    try:
        yield
    except InputRefusedError as error:
        raise SolutionError(f"{path.name}: {_told(error)}") from error
    except OSError as error:
        raise SolutionError(f"{path.name}: cannot be opened ({error.strerror}).") from error


def _told(error: InputRefusedError) -> str:
    """The first error alone, with its rows: the others often follow from it."""
    first = next(one for one in error.findings if one.severity == "error")
    where = f" First rows: {', '.join(map(str, first.rows))}." if first.rows else ""
    return first.message + where


def format_of(path: Path) -> str:
    """What a file is, as `container.identify` says, or ``npz``.

    Raises
    ------
    SolutionError
        It cannot be opened, or is nothing that is read.

    """
    with faults_of(path):
        with path.open("rb") as stream:
            what = identify(stream.read(HEAD))
        return "npz" if is_npz_file(path, what) else what


class Arrays(Mapping[str, NDArray[Any]]):
    """The arrays of an ``.npz``, text too, each read when asked for; a ``.npy`` is its `MASK`.

    Raises
    ------
    SolutionError
        The file is damaged, too large, or holds objects.

    """

    def __init__(self, path: Path, what: str) -> None:
        self.path, self.what = path, what
        with faults_of(path):
            self.names = (MASK,) if what == "npy" else npz_names(path)
        if what == "npz":
            with zipfile.ZipFile(path) as archive:
                expanded = sum(member.file_size for member in archive.infolist())
            if expanded > SIZE_LIMIT:
                raise SolutionError(f"{path.name}: expands to more than {SIZE_LIMIT:,} bytes.")

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One array."""
        if name not in self.names:
            raise KeyError(name)
        if self.what == "npy":
            with faults_of(self.path):
                return read_npy(self.path)
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                return np.asarray(archive[name])
        except (*READER_ERRORS, ValueError, MemoryError) as error:
            what = f"the array {name!r} cannot be read; save plain numbers or text"
            raise SolutionError(f"{self.path.name}: {what}.") from error

    def __iter__(self) -> Iterator[str]:
        """Names of the arrays."""
        return iter(self.names)

    def __len__(self) -> int:
        """Number of arrays."""
        return len(self.names)

    def column(self, name: str, rows: int | None = None) -> pl.Series:
        """An array with one dimension, as a column of text or numbers.

        Raises
        ------
        SolutionError
            It has another shape than (rows,).

        """
        array = self[name]
        if array.ndim != 1 or rows not in (None, array.size):
            wanted = "(n,)" if rows is None else f"({rows:,},)"
            raise SolutionError(
                f"{self.path.name}: the array {name!r} has the shape {array.shape}, not {wanted}."
            )
        if array.dtype.kind == "S":
            array = np.char.decode(array, "utf-8", "replace")
        return pl.Series(name, array)
