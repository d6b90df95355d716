"""What an entry of the corpus is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Make = bytes | Callable[[], bytes]

SELECTION, RANKED, NAMED = "selection", "ranked", "named"
REGRESSION, MASKS, VOXELS = "regression", "masks", "voxels"


@dataclass(frozen=True)
class Entry:
    """One file.

    Attributes
    ----------
    name
        What is odd about it; unique within its layer.
    test_set
        Name of the test set (see `testsets`) that it is sent to.
    make
        Its bytes, or what makes them.
    errors, warnings
        Codes of the report in the order of their first finding; no errors: it is accepted.
    filename
        As the sender calls it.
    hole
        So many zero bytes follow, which take no space on disk.

    """

    name: str
    test_set: str
    make: Make
    errors: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    filename: str = "prediction.csv"
    hole: int = 0

    def write(self, path: Path) -> Path:
        """Write the file."""
        data = self.make if isinstance(self.make, bytes) else self.make()
        path.write_bytes(data)
        if self.hole:
            with path.open("r+b") as stream:
                stream.truncate(len(data) + self.hole)
        return path


def refused(
    name: str,
    make: Make,
    *errors: str,
    to: str = SELECTION,
    warnings: tuple[str, ...] = (),
    filename: str = "prediction.csv",
    hole: int = 0,
) -> Entry:
    """An entry that is refused; the first of its errors is the main one."""
    assert errors, name
    return Entry(name, to, make, errors, warnings, filename, hole)


def accepted(
    name: str, make: Make, *warnings: str, to: str = SELECTION, filename: str = "prediction.csv"
) -> Entry:
    """An entry that is read kindly."""
    return Entry(name, to, make, (), warnings, filename)
