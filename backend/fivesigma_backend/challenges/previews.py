"""What a published file holds, for a glance at it: columns with types, first rows, arrays, text.

A file is looked at once, when its challenge is loaded: its beginning or its header, never more
than a few megabytes, and never a pickle. A file that can't be read that way has no preview.
"""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import polars as pl
from fivesigma_scoring.files.container import identify, open_head
from fivesigma_scoring.files.delimited import read_header
from fivesigma_scoring.files.npy import HEADER_BYTES, read_npy_header
from fivesigma_scoring.report import InputRefusedError

ROWS = 5
COLUMNS = 40
ARRAYS = 40
CELL = 24
NAME = 60
FEW = 3
HEAD_BYTES = 256 * 1024
LARGEST_COUNTED = 256 * 1024**2
LARGEST_SAMPLED = 128 * 1024**2
TEXT_LINES, TEXT_BYTES = 120, 16 * 1024
CODE = (".py", ".md", ".txt", ".toml", ".json", ".yaml", ".yml", ".sh", ".r", ".jl", ".c", ".cpp")
Preview = dict[str, Any]
UNREADABLE = (
    InputRefusedError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,  # what polars raises where a damaged file breaks its own rules
    zipfile.BadZipFile,
    OSError,
    ValueError,
    LookupError,
    RuntimeError,  # also what zipfile raises for a compression that it lacks
    csv.Error,
)


def preview_of(path: Path) -> Preview | None:
    """The preview of a file by the end of its name; None for one of another kind, or unreadable."""
    look = _look(path)
    if look is None or not path.stat().st_size:
        return None
    try:
        return look(path)
    except UNREADABLE:
        return None


def _look(path: Path) -> Callable[[Path], Preview] | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] in ([".gz"], [".zst"]):
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    if last in CODE and path.suffix.lower() == last:
        return _text
    return READERS.get(last)


def _text(path: Path) -> Preview:
    """The first lines of a text that people read, such as a script."""
    with path.open("rb") as file:
        head = file.read(TEXT_BYTES + 1)
    text = head[:TEXT_BYTES].decode(errors="strict" if len(head) <= TEXT_BYTES else "ignore")
    if "\0" in text:
        raise ValueError("no text")
    lines = text.splitlines()
    whole = len(head) <= TEXT_BYTES and len(lines) <= TEXT_LINES
    return {"kind": "text", "text": "\n".join(lines[:TEXT_LINES]), "whole": whole}


def _delimited(path: Path) -> Preview:
    """A text table by its first lines; types are those that these lines suggest."""
    with path.open("rb") as file:
        sent = file.read(HEAD_BYTES)
    kind = identify(sent)
    if kind == "parquet":
        return _parquet(path)
    head = open_head(sent, kind, HEAD_BYTES)
    header = read_header(head)
    lines = head.rpartition(b"\n")[0] if len(head) == HEAD_BYTES else head
    text = lines.decode(errors="replace").removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text), delimiter=header.separator)
    first = [[_cut(cell, CELL) for cell in row] for row in islice(reader, 1, ROWS + 1)]
    frame = pl.read_csv(lines, separator=header.separator, n_rows=1000, ignore_errors=True)
    types = [_type(one) for one in frame.dtypes]
    count = _lines_behind_header(path) if kind == "text" and b'"' not in head else None
    return _table(header.names, types, first, count)


def _lines_behind_header(path: Path) -> int | None:
    if path.stat().st_size > LARGEST_COUNTED:
        return None
    with path.open("rb") as file:
        count, last = -1, b"\n"
        while chunk := file.read(HEAD_BYTES):
            count, last = count + chunk.count(b"\n"), chunk[-1:]
    return max(0, count + (last != b"\n"))


def _parquet(path: Path) -> Preview:
    """A Parquet table by its footer and its first rows."""
    table = pl.scan_parquet(path)
    schema = table.collect_schema()
    count = int(table.select(pl.len()).collect().item())
    rows: list[list[str]] = []
    if path.stat().st_size <= LARGEST_SAMPLED:  # polars reads more than the rows asked for
        frame = table.select(schema.names()[:COLUMNS]).head(ROWS).collect()
        rows = [[_cell(value) for value in row] for row in frame.iter_rows()]
    return _table(schema.names(), [_type(one) for one in schema.dtypes()], rows, count)


def _table(
    names: Sequence[str], types: Iterable[str], rows: Iterable[Sequence[str]], count: int | None
) -> Preview:
    columns = [[_cut(name, NAME), kind] for name, kind in zip(names, types, strict=True)]
    return {
        "kind": "table",
        "columns": columns[:COLUMNS],
        "more_columns": max(0, len(columns) - COLUMNS),
        "rows": [list(row[:COLUMNS]) for row in rows],
        "count": count,
    }


def _npy(path: Path) -> Preview:
    with path.open("rb") as file:
        header = read_npy_header(file.read(HEADER_BYTES))
    return _arrays([(path.stem, header.shape, header.dtype)])


def _npz(path: Path) -> Preview:
    """The arrays of an archive by their headers."""
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.namelist() if one.endswith(".npy")]
        found = []
        for name in members[:ARRAYS]:
            with archive.open(name) as file:
                header = read_npy_header(file.read(HEADER_BYTES))
            found.append((name.removesuffix(".npy"), header.shape, header.dtype))
    return _arrays(found, len(members))


def _hdf5(path: Path) -> Preview:
    """The datasets of a file; links to other files are not followed."""
    found: list[tuple[str, Sequence[int], Any]] = []

    def visit(name: str, item: object) -> bool | None:
        if isinstance(item, h5py.Dataset):
            found.append((name, item.shape or (), item.dtype))
        return True if len(found) > ARRAYS else None  # True ends the walk

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return _arrays(found)


def _arrays(found: Sequence[tuple[str, Sequence[int], Any]], total: int | None = None) -> Preview:
    arrays = [
        [_cut(name, NAME), " × ".join(f"{size:,}" for size in shape) or "one value", str(dtype)]
        for name, shape, dtype in found[:ARRAYS]
    ]
    if not arrays:
        raise ValueError("no arrays")
    return {
        "kind": "arrays",
        "arrays": arrays,
        "more": max(0, (total or len(found)) - ARRAYS),
    }


def _type(dtype: pl.DataType) -> str:
    """A column's type as people know it: int64, float32, text, list of float32."""
    if isinstance(dtype, pl.List | pl.Array):
        inner, size = dtype.inner, ""
        if isinstance(dtype, pl.Array):
            size = f" {dtype.size:,}"
        return f"list of{size} {_type(inner() if isinstance(inner, type) else inner)}"
    return "text" if dtype == pl.String else str(dtype).lower()[:NAME]


def _cell(value: object) -> str:
    """A value of a table, short."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, Sequence) and not isinstance(value, str):
        few = ", ".join(_cell(one) for one in value[:FEW])
        return f"[{few}, …]" if len(value) > FEW else f"[{few}]"
    return _cut(str(value), CELL)


def _cut(text: str, length: int) -> str:
    plain = "".join(one if one.isprintable() else " " for one in text[: length + 1])
    return plain if len(plain) <= length else plain[: length - 1] + "…"


READERS: dict[str, Callable[[Path], Preview]] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".parquet": _parquet,
    ".npy": _npy,
    ".npz": _npz,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
}
