"""The texts of the validation report on array files: ``.npy``, ``.npz`` and HDF5."""

from collections.abc import Sequence

from fivesigma_scoring.report import Finding
from fivesigma_scoring.wording import listed, shorten


def impossible_shape(found: str, name: str | None = None) -> Finding:
    """A shape that no file can hold, or that has too many dimensions."""
    where = f'The array "{shorten(name)}"' if name else "The array"
    text = f"{where} has the shape {shorten(found)}. Send an array of the shape of the sample."
    return Finding("wrong_shape", "error", text, name)


def missing_array(name: str, found: Sequence[str]) -> Finding:
    """An array that is needed is not in the file."""
    text = (
        f'The array "{name}" is missing; the file has: {(listed(found) or "nothing")}. '
        f'Write it under the name "{name}".'
    )
    return Finding("missing_column", "error", text, name)


def repeated_array(name: str) -> Finding:
    """Two members of an archive have one name."""
    text = f'The array "{shorten(name)}" appears more than once. Keep one of them.'
    return Finding("unexpected_column", "error", text, shorten(name))


def too_many_members(count: int) -> Finding:
    """An archive of arrays with a directory that is not read."""
    text = (
        f"The .npz file contains {count:,} members or more. Save the needed arrays alone with "
        "numpy.savez_compressed."
    )
    return Finding("wrong_format", "error", text)


def odd_member(name: str, what: str) -> Finding:
    """A member of an archive that numpy.savez does not write; `what` says how it is odd."""
    text = (
        f'The member "{shorten(name)}" of the .npz file {what}. Save the arrays with '
        "numpy.savez_compressed."
    )
    return Finding("wrong_format", "error", text)


def odd_dataset(name: str, what: str) -> Finding:
    """A dataset that is kept in a way that is not read; `what` says how."""
    text = (
        f'The dataset "{shorten(name)}" {what}. Write it as a plain dataset of the file itself, '
        "contiguous or with gzip compression."
    )
    return Finding("wrong_format", "error", text, name)


def too_many_chunks(number: int) -> Finding:
    """A dataset in crumbs."""
    text = (
        f"The dataset is cut into {number:,} chunks, which takes too long to read. "
        "Write it with fewer, larger ones."
    )
    return Finding("too_large", "error", text)


def large_lzf_chunks() -> Finding:
    """Chunks that lzf may expand too far."""
    text = "The dataset has lzf chunks of several megabytes. Write smaller ones, or use gzip."
    return Finding("too_large", "error", text)
