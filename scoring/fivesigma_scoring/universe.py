"""The universe of a test set: which events a file must predict. It holds nothing of the truth."""

import json
import mmap
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring.prediction import PredictionFormat

FORMAT_FILE, IDS_FILE, POSITION_FILE = "format.json", "ids.npy", "position.npy"


# What `numpy.save` writes before a vector. Reading it so saves a quarter of a millisecond for each
# of a dozen arrays, which is what a small submission's scoring takes altogether.
_VECTOR = re.compile(
    rb"\x93NUMPY\x01\x00\x76\x00\{'descr': '([<|][bifS]\d+)', 'fortran_order': False, "
    rb"'shape': \((\d+),\), \} *\n"
)
_VECTOR_HEAD = 128
_SMALL = 64 * 1024


def load_array(path: Path) -> NDArray[Any]:
    """A compiled array, read-only, memory-mapped unless it is small; never pickled."""
    with path.open("rb") as stream:
        plain = _VECTOR.fullmatch(stream.read(_VECTOR_HEAD))
        if plain and int(plain[2]):
            dtype, size = plain[1].decode(), int(plain[2])
            if os.fstat(stream.fileno()).st_size <= _SMALL:
                return np.frombuffer(stream.read(), dtype, size)
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            return np.frombuffer(content, dtype, size, _VECTOR_HEAD)
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


@dataclass(frozen=True)
class Universe:
    """Ids of a test set, sorted, and the order of its published sample.

    Attributes
    ----------
    format
        What a file must look like.
    ids
        Sorted, int64 (n,) or UTF-8 byte strings (n,).
    position
        int64 (n,): place of each id in the sample's order, in which ``.npy`` files are written.

    """

    format: PredictionFormat
    ids: NDArray[Any]
    position: NDArray[np.int64]

    @classmethod
    def of(cls, format: PredictionFormat, ids: NDArray[Any]) -> Self:  # noqa: A002
        """A universe from ids in the sample's order, shape (n,), without duplicates."""
        order = np.argsort(ids, kind="stable")
        return cls(format, ids[order], order.astype(np.int64))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what `save` wrote."""
        form = json.loads((folder / FORMAT_FILE).read_text())
        arrays = (load_array(folder / name) for name in (IDS_FILE, POSITION_FILE))
        return cls(PredictionFormat.from_json(form), *arrays)

    def save(self, folder: Path) -> None:
        """Write the universe into an existing folder."""
        (folder / FORMAT_FILE).write_text(json.dumps(self.format.as_json(), indent=1) + "\n")
        np.save(folder / IDS_FILE, self.ids, allow_pickle=False)
        np.save(folder / POSITION_FILE, self.position, allow_pickle=False)

    def with_format(self, format: PredictionFormat) -> Self:  # noqa: A002
        """The same events under another format."""
        return replace(self, format=format)

    def words(self) -> list[Any]:
        """The sorted ids as numbers or text."""
        return [one.decode() if isinstance(one, bytes) else one for one in self.ids.tolist()]

    def sample_order(self) -> NDArray[np.int64]:
        """Index into `ids` of each row of the sample, shape (n,)."""
        order = np.empty_like(self.position)
        order[self.position] = np.arange(order.size)
        return order

    def locate(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """Index into `ids` of each id of a file, shape (m,); -1 where it is unknown.

        Contiguous integers are indexed directly, others are searched.
        """
        if not self.ids.size or not ids.size:
            return np.full(ids.size, -1, np.int64)
        if ids.dtype == np.int64 and self._is_contiguous():
            known = (ids >= self.ids[0]) & (ids <= self.ids[-1])
            if known.all():
                return np.asarray(ids - self.ids[0])
            return np.where(known, ids - np.where(known, self.ids[0], 0), -1)
        if np.array_equal(ids, self.ids[order := self.sample_order()]):
            return order
        at = np.minimum(np.searchsorted(self.ids, ids), self.ids.size - 1)
        return np.where(self.ids[at] == ids, at, -1)

    def _is_contiguous(self) -> bool:
        if self.ids.dtype != np.int64:
            return False
        return int(self.ids[-1]) - int(self.ids[0]) == self.ids.size - 1
