"""Reading files of the top-tagging reference set (Zenodo 2603256) in batches.

The published files are HDF5 as pandas writes it with PyTables (``format="table"``, or
``"fixed"``); copies as Parquet are about. A row is a jet: the four-momenta of up to 200
constituents, hardest first and padded with zeros, the true top quark's, and two flags.
"""

import difflib
import pickletools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import polars as pl
from polars.exceptions import PolarsError

from fivesigma_datasets.errors import DataError

Floats = npt.NDArray[np.float32]

PARTICLES = 200
COMPONENTS = ("E", "PX", "PY", "PZ")
MOMENTA = tuple(f"{name}_{i}" for i in range(PARTICLES) for name in COMPONENTS)
TRUTH = ("truthE", "truthPX", "truthPY", "truthPZ")
FLAGS = ("ttv", "is_signal_new")
COLUMNS = (*MOMENTA, *TRUTH, *FLAGS)
ROW_NUMBERS = ("index", "__index_level_0__")
"""Left over by pandas: nothing that a jet has."""

BATCH = 5_000
"""Jets at a time: 16 MB of numbers."""

HDF5_MAGIC, PARQUET_MAGIC = b"\x89HDF\r\n\x1a\n", b"PAR1"
FOREIGN_FILTERS = {32001: "blosc", 32026: "blosc2", 307: "bzip2", 305: "LZO"}
"""Compressions that PyTables offers and HDF5 alone can't read, by their registered numbers."""

REWRITE = (
    "`ptrepack --complevel=4 --complib=zlib OLD.h5 NEW.h5` (of PyTables) writes a copy with it"
)


@dataclass(frozen=True)
class Batch:
    """Jets of consecutive rows: ``momenta`` (n, 200, 4) as E, px, py, pz and ``truth`` (n, 4)."""

    first: int
    momenta: Floats
    truth: Floats
    ttv: Floats
    label: Floats


@dataclass(frozen=True)
class _Source:
    """Columns of a file and how to read rows of them, float32 (stop - start, columns)."""

    rows: int
    names: Sequence[str]
    read: Callable[[int, int], Floats]


@contextmanager
def opened(path: Path) -> Iterator[tuple[int, Iterator[Batch]]]:
    """The number of jets of a file, and its jets in batches. Raises ``DataError``."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(HDF5_MAGIC))
        if magic == HDF5_MAGIC:
            with h5py.File(path, "r") as hdf5:
                yield _batches(path.name, _hdf5(path.name, hdf5))
        elif magic[:4] == PARQUET_MAGIC:
            yield _batches(path.name, _parquet(path))
        else:
            raise DataError(
                f"{path.name} is neither HDF5 nor Parquet: name the published train.h5, val.h5 "
                "and test.h5, or copies of them as Parquet."
            )
    except (OSError, PolarsError, RuntimeError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise DataError(
            f"{path.name} cannot be read ({reason}): it is missing, damaged or cut off; fetch it "
            "again."
        ) from None


def _batches(file: str, source: _Source) -> tuple[int, Iterator[Batch]]:
    order = _positions(file, source.names)
    if not source.rows:
        raise DataError(f"{file} has columns and no jets: fetch it again.")

    def parts() -> Iterator[Batch]:
        for first in range(0, source.rows, BATCH):
            values = source.read(first, min(first + BATCH, source.rows))[:, order]
            momenta, truth, flags = np.split(values, [len(MOMENTA), len(MOMENTA) + 4], axis=1)
            shape = (len(values), PARTICLES, len(COMPONENTS))
            yield Batch(first, momenta.reshape(shape), truth, flags[:, 0], flags[:, 1])

    return source.rows, parts()


def _positions(file: str, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Where each of ``COLUMNS`` stands; refuses any others."""
    place = {name: at for at, name in enumerate(names)}
    if len(place) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise DataError(f"{file}: the column {twice[:60]} occurs twice: remove one.")
    missing = [name for name in COLUMNS if name not in place]
    foreign = [name for name in names if name not in COLUMNS and name not in ROW_NUMBERS]
    if missing:
        near = difflib.get_close_matches(missing[0], foreign, n=1)
        hint = f" (is it {near[0]!r}?)" if near else ""
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise DataError(
            f"{file}: the column {missing[0]}{hint}{more} is missing. Expected are the "
            f"{len(COLUMNS)} of the reference set: E_0, PX_0, PY_0, PZ_0 to PZ_199, truthE to "
            "truthPZ, ttv, is_signal_new."
        )
    if foreign:
        raise DataError(
            f"{file}: the column {foreign[0][:60]!r} is not part of the reference set: remove it."
        )
    return np.array([place[name] for name in COLUMNS])


def _parquet(path: Path) -> _Source:
    table = pl.scan_parquet(path)
    schema = table.collect_schema()
    for name, kind in schema.items():
        if not (kind.is_numeric() or kind == pl.Boolean):
            raise DataError(f"{path.name}: the column {name[:60]} holds {kind}, not numbers.")
    rows = int(table.select(pl.len()).collect().item())

    def read(start: int, stop: int) -> Floats:
        part = table.slice(start, stop - start).collect()
        return part.select(pl.all().cast(pl.Float32)).fill_null(np.nan).to_numpy()

    return _Source(rows, schema.names(), read)


def _hdf5(file: str, hdf5: h5py.File) -> _Source:
    """The one table of an HDF5 file that pandas wrote."""
    groups: list[h5py.Group] = []

    def note(_name: str, node: Any) -> None:
        if isinstance(node, h5py.Group) and ("table" in node or "axis0" in node):
            groups.append(node)

    hdf5.visititems(note)
    if len(groups) != 1:
        found = ", ".join(group.name for group in groups[:5]) or "none"
        raise DataError(
            f"{file} must hold one table that pandas wrote (to_hdf with format table or fixed); "
            f"found: {found}. Write that table alone into a file, or as Parquet."
        )
    (group,) = groups
    return _appendable(file, group["table"]) if "table" in group else _fixed(file, group)


def _appendable(file: str, table: Any) -> _Source:
    """Pandas' format "table": a row is a record with blocks of columns of one type."""
    if not isinstance(table, h5py.Dataset) or table.dtype.names is None or table.ndim != 1:
        raise DataError(f"{file}: {table.name} is not a table of pandas: write it with to_hdf.")
    _refuse_filter(file, table)
    blocks = [name for name in table.dtype.names if name != "index"]
    names = [name for block in blocks for name in _names(file, table, block)]

    def read(start: int, stop: int) -> Floats:
        part = table[start:stop]
        parts = [part[block].reshape(stop - start, -1) for block in blocks]
        return np.concatenate([_numbers(file, values) for values in parts], axis=1)

    return _Source(len(table), names, read)


def _names(file: str, table: h5py.Dataset, block: str) -> list[str]:
    """Column names of a block; a data column is a block of its own name."""
    width = int(np.prod(table.dtype[block].shape, dtype=int))
    named = table.attrs.get(f"{block}_kind")
    names = [block] if named is None else _texts_of(named)
    if len(names) != width:
        raise DataError(
            f"{file}: {table.name} names {len(names)} columns of {width} in {block}: "
            "write the table anew with to_hdf, or as Parquet."
        )
    return names


def _texts_of(pickled: Any) -> list[str]:
    """The texts in a pickled list, in order, read without carrying out what the pickle says."""
    data = pickled if isinstance(pickled, bytes) else bytes(np.asarray(pickled).tobytes())
    try:
        return [str(word) for op, word, _ in pickletools.genops(data) if _is_text(op.name)]
    except ValueError:
        return []


def _is_text(operation: str) -> bool:
    return "UNICODE" in operation or operation in ("STRING", "BINSTRING", "SHORT_BINSTRING")


def _fixed(file: str, group: h5py.Group) -> _Source:
    """Pandas' format "fixed": an array for each type of column, and one with their names."""
    blocks: dict[str, h5py.Dataset] = {}
    names: list[str] = []
    for at in range(len(group)):
        items, values = group.get(f"block{at}_items"), group.get(f"block{at}_values")
        if not isinstance(values, h5py.Dataset) or not isinstance(items, h5py.Dataset):
            break
        _refuse_filter(file, values)
        texts = [text.decode("utf-8", "replace") for text in np.asarray(items[:], "S").tolist()]
        if values.ndim != 2 or values.shape[1] != len(texts):
            raise DataError(f"{file}: {values.name} does not fit to its names: fetch it again.")
        blocks[values.name] = values
        names += texts
    rows = {len(values) for values in blocks.values()}
    if len(rows) != 1:
        raise DataError(
            f"{file}: the blocks of {group.name} have different lengths: it is damaged."
        )
    return _Source(rows.pop(), names, _reader(file, blocks))


def _reader(file: str, blocks: Mapping[str, h5py.Dataset]) -> Callable[[int, int], Floats]:
    def read(start: int, stop: int) -> Floats:
        parts = [_numbers(file, values[start:stop]) for values in blocks.values()]
        return np.concatenate(parts, axis=1)

    return read


def _numbers(file: str, values: npt.NDArray[Any]) -> Floats:
    if values.dtype.kind not in "fiub":
        raise DataError(f"{file}: a block of columns holds {values.dtype}, not numbers.")
    with np.errstate(over="ignore"):  # an infinity is told with its column later
        return values.astype(np.float32)


def _refuse_filter(file: str, dataset: h5py.Dataset) -> None:
    """Name a compression that is not to be had, rather than stumble over it."""
    if find_spec("hdf5plugin"):
        import_module("hdf5plugin")  # makes the other compressions readable
    settings = dataset.id.get_create_plist()
    for at in range(settings.get_nfilters()):
        number, _flags, _values, name = settings.get_filter(at)
        if not h5py.h5z.filter_avail(number):
            known = FOREIGN_FILTERS.get(number, name.decode("utf-8", "replace")[:40])
            raise DataError(
                f"{file} is compressed with {known}, which HDF5 alone can't read: install the "
                f"package hdf5plugin, or bring a copy compressed with zlib; {REWRITE}."
            )
