"""``.npy``: plain arrays of numbers with numpy.save's header; nothing is ever unpickled."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files import array_findings
from fivesigma_scoring.report import InputRefusedError
from fivesigma_scoring.wording import shorten

HEADER_BYTES = 4096
LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
DIGITS = 20
DIMENSIONS = 32
MOST_BYTES = 2**63 - 1
NUMBERS = "booleans, integers or floats of up to 64 bits"

_HEADER = re.compile(
    r"\{'descr': (?P<descr>'[^']{1,64}'|\[.*\]), 'fortran_order': (?P<fortran>True|False), "
    r"'shape': (?P<shape>\([0-9, ]*\)), *\} *\n?",
    re.DOTALL,
)
_DTYPE = re.compile(r"'(\|b1|[|<>=]?[iu][1248]|[<>=]?f[248])'")


@dataclass(frozen=True)
class ArrayHeader:
    """What an array file says about itself.

    Attributes
    ----------
    dtype
        Boolean, integer or float of at most 64 bits, in the machine's byte order.
    shape
        Sizes along the axes, at most 32; the array's bytes fit 63 bits.
    fortran
        Whether the first axis is the fastest in the file.
    offset
        Where the values begin, in bytes.

    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    offset: int

    @property
    def nbytes(self) -> int:
        """Declared bytes of the values."""
        return expanded_bytes(self.shape, self.dtype)

    @property
    def order(self) -> Literal["C", "F"]:
        """The axis that is the fastest: the last (C) or the first (Fortran)."""
        return "F" if self.fortran else "C"

    @property
    def stored(self) -> np.dtype[Any]:
        """Type that the values are read as: booleans as uint8, since a file may hold any byte."""
        return np.dtype(np.uint8) if self.dtype.kind == "b" else self.dtype


def expanded_bytes(shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Bytes of an array, with no limit to the number."""
    return math.prod(shape) * dtype.itemsize


def read_npy_header(head: bytes, wanted: str = NUMBERS, name: str | None = None) -> ArrayHeader:
    """The header of an array.

    Parameters
    ----------
    head
        Beginning of the file; `HEADER_BYTES` are enough.
    wanted
        Names the types that are meant, for the report.
    name
        Name of the array, for the report, where it is one of several.

    Raises
    ------
    InputRefusedError
        The header is damaged, or describes no plain array of numbers.

    """
    start = 8 + LENGTH_BYTES.get(head[6] if len(head) > 6 else 0, 0)
    offset = start + int.from_bytes(head[8:start], "little")
    text = _HEADER.fullmatch(head[start:offset].decode("latin-1"))
    if not head.startswith(b"\x93NUMPY") or offset > min(HEADER_BYTES, len(head)) or text is None:
        raise InputRefusedError(findings.cut_short(".npy file"))
    dtype = _dtype(text["descr"], wanted, name)
    return ArrayHeader(dtype, _shape(text["shape"], dtype, name), text["fortran"] == "True", offset)


def _dtype(descr: str, wanted: str, name: str | None) -> np.dtype[Any]:
    plain = descr.strip("'")
    if not _DTYPE.fullmatch(descr):
        raise InputRefusedError(findings.wrong_type(name, shorten(plain), wanted))
    dtype = np.dtype(plain)
    if not dtype.isnative:
        raise InputRefusedError(findings.wrong_type(name, f"big-endian {plain}", wanted))
    return dtype


def _shape(text: str, dtype: np.dtype[Any], name: str | None) -> tuple[int, ...]:
    sizes = [size.strip() for size in text.strip("()").split(",") if size.strip()]
    if all(size.isdigit() and len(size) <= DIGITS for size in sizes):
        shape = tuple(int(size) for size in sizes)
        reach = expanded_bytes([max(1, size) for size in shape], dtype)
        if reach <= MOST_BYTES and len(shape) <= DIMENSIONS:
            return shape
    raise InputRefusedError(array_findings.impossible_shape(text, name))


def read_npy(path: Path, wanted: str = NUMBERS) -> NDArray[Any]:
    """An array, memory-mapped and read-only, of the shape and type in its header.

    Booleans come as uint8, byte for byte: only the caller knows what to say of a 2 among them.

    Raises
    ------
    InputRefusedError
        The header is refused (see `read_npy_header`), or the file is not exactly as long as it
        says.

    """
    with path.open("rb") as stream:
        header = read_npy_header(stream.read(HEADER_BYTES), wanted)
    if path.stat().st_size != header.offset + header.nbytes:
        raise InputRefusedError(findings.cut_short(".npy file"))
    if not header.nbytes:  # which numpy before 2.3 cannot map behind a header of a whole page
        return np.empty(header.shape, header.stored)
    mapped = np.memmap(path, header.stored, "r", header.offset, header.shape, header.order)
    return np.asarray(mapped)
