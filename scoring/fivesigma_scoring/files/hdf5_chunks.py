"""Chunks and filters of HDF5: how far they may expand, known before the library expands them.

A chunk has a declared size, but the library's gzip filter allocates whatever the stream inside
becomes, and the others trust sizes of their own. Where less comes out of a filter, or lies in the
file, the library reads on in whatever memory follows. So each chunk is held against its size.
"""

import math
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from h5py import h5z

from fivesigma_scoring import findings
from fivesigma_scoring.files import array_findings
from fivesigma_scoring.files.container import expands_too_far
from fivesigma_scoring.report import InputRefusedError
from fivesigma_scoring.wording import shorten

CHUNKS = 100_000
CHUNKS_AT_ONCE = 1024
PADDING = 2
SAFE = 256 * 2**20
PIECE = 2**16
STEP = 2**20
GROWTH = {h5z.FILTER_DEFLATE: 1032, h5z.FILTER_LZF: 88}
PLAIN = (h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_SCALEOFFSET)
SCALED_VALUES, SCALED_SIZE = 2, 4


def check_filters(plan: Any, name: str) -> None:
    """Allow each of the known filters once, and behind a compressor only a checksum.

    Raises
    ------
    InputRefusedError
        There are other filters, which a plugin would have to bring, or in an odd order.

    """
    filters = [plan.get_filter(at) for at in range(plan.get_nfilters())]
    for code, _, _, title in filters:
        if code not in GROWTH and code not in PLAIN:
            known = shorten(title.decode("latin-1")) or "of a plugin"
            what = f"uses the filter {code} ({known})"
            raise InputRefusedError(array_findings.odd_dataset(name, what))
    codes = [code for code, *_ in filters]
    behind = [code for at, code in enumerate(codes) if any(one in GROWTH for one in codes[:at])]
    if len(set(codes)) < len(codes) or any(code != h5z.FILTER_FLETCHER32 for code in behind):
        what = "combines its filters in an unusual way"
        raise InputRefusedError(array_findings.odd_dataset(name, what))


def check_chunks(stored: Any, plan: Any, shape: tuple[int, ...], sent: int, limit: int) -> None:
    """Judge number, declared size and stored size of all chunks of a dataset.

    Parameters
    ----------
    stored, plan, shape
        The dataset, its creation properties and sizes along its axes.
    sent, limit
        Size of the file in bytes, and the most that decompression may take.

    Raises
    ------
    InputRefusedError
        Reading would take more memory or work than a dataset of the permitted size.

    """
    sizes = plan.get_chunk()
    number = _number(sizes, shape)
    declared = math.prod(sizes) * stored.get_type().get_size()
    if declared > limit or number * declared > PADDING * limit:
        raise InputRefusedError(expands_too_far(sent, limit))
    if number > CHUNKS:
        raise InputRefusedError(array_findings.too_many_chunks(number))
    filters = {plan.get_filter(at)[0]: plan.get_filter(at)[2] for at in range(plan.get_nfilters())}
    scaled = filters.get(h5z.FILTER_SCALEOFFSET)
    if scaled is not None and scaled[SCALED_VALUES] * scaled[SCALED_SIZE] != declared:
        raise InputRefusedError(findings.cut_short("HDF5 file"))
    most = declared + declared // 64 + 1024  # no filter adds more to values that don't compress
    least = declared if scaled is None else 0
    for chunk in _suspects(stored, list(filters), least, most):
        if h5z.FILTER_LZF in filters:
            raise InputRefusedError(array_findings.large_lzf_chunks())
        _check_stream(stored.read_direct_chunk(chunk.chunk_offset)[1], least, most)


def slabs(plan: Any, shape: tuple[int, ...]) -> Iterator[slice]:
    """Cuts along the first axis: the library takes kilobytes for each chunk that it reads at once.

    Parameters
    ----------
    plan, shape
        Creation properties of a chunked dataset, and its sizes along the axes.

    Yields
    ------
    slice
        Rows of whole chunks, about a thousand of them where one row of chunks has fewer.

    """
    sizes = plan.get_chunk()
    in_row = _number(sizes[1:], shape[1:])
    rows = sizes[0] * max(1, CHUNKS_AT_ONCE // in_row)
    for first in range(0, shape[0], rows):
        yield slice(first, min(first + rows, shape[0]))


def _number(sizes: Sequence[int], shape: Sequence[int]) -> int:
    return math.prod(-(-size // step) for size, step in zip(shape, sizes, strict=True))


def _suspects(stored: Any, codes: list[int], least: int, most: int) -> list[Any]:
    """Chunks whose size is not known before they are expanded: of gzip all, of lzf large ones."""
    compressor = next((code for code in codes if code in GROWTH), None)
    skipped = 0 if compressor is None else 1 << codes.index(compressor)
    safe = SAFE // GROWTH[h5z.FILTER_LZF] if compressor == h5z.FILTER_LZF else 0
    found, seen, odd = [], 0, False

    def look(chunk: Any) -> bool | None:
        nonlocal seen, odd
        plain = compressor is None or bool(chunk.filter_mask & skipped)
        seen, odd = seen + 1, chunk.size > most or (plain and chunk.size < least)
        if not plain and chunk.size > safe:
            found.append(chunk)
        return True if odd or seen > CHUNKS else None

    stored.chunk_iter(look)
    if odd or seen > CHUNKS:
        raise InputRefusedError(findings.cut_short("HDF5 file"))
    return found


def _check_stream(data: bytes, least: int, most: int) -> None:
    """Expand a gzip stream, keeping nothing of it, until it ends or passes its chunk."""
    size = 0
    for size in _expanding(data):
        if size > most:
            break
    if not least <= size <= most:
        raise InputRefusedError(findings.cut_short("HDF5 file"))


def _expanding(data: bytes) -> Iterator[int]:
    """How far a gzip stream has expanded so far, after each piece."""
    stream, size = zlib.decompressobj(), 0
    for at in range(0, len(data), PIECE):
        rest = data[at : at + PIECE]
        while rest and not stream.eof:
            size += len(stream.decompress(rest, STEP))
            rest = stream.unconsumed_tail
            yield size
