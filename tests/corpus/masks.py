"""Sparse masks: pixels that are nowhere, twice, or of no class."""

from __future__ import annotations

from collections.abc import Callable

from corpus.entry import MASKS, VOXELS, Entry, accepted, refused
from corpus.making import gz, swap
from corpus.testsets import CLASSES, MASK_EVENTS, SHAPE, VOLUME, pixels, table

ROWS = tuple(pixels(SHAPE))
Row = tuple[object, ...]


def mask(change: Callable[[int, int, int], Row], header: str = "event,voxel,class") -> bytes:
    """The good mask with every row changed."""
    return table(tuple(header.split(",")), tuple(change(*row) for row in ROWS))


def plane(change: Callable[[int, int, int, int], Row]) -> bytes:
    """The good mask in coordinates, with every row changed."""
    rows = tuple(change(event, index // 5, index % 5, class_) for event, index, class_ in ROWS)
    return table(("event", "row", "col", "class"), rows)


def volume(change: Callable[[int, int, int], Row]) -> bytes:
    """The good volume in coordinates x, y, z."""
    rows = []
    for event, index, class_ in pixels(VOLUME):
        place = (index // 40_000, index // 200 % 200, index % 200)
        rows.append((event, *change(*place), class_))
    return table(("event", "x", "y", "z", "class"), tuple(rows))


def with_row(row: bytes) -> bytes:
    """The good mask with its second row replaced."""
    return swap(b"\n10,3,2\n", b"\n" + row + b"\n", MASKS)


WORDS = {
    "a voxel with a point": b"10,3.0,2",
    "a voxel with an exponent": b"10,3e0,2",
    "a voxel in hexadecimal": b"10,0x3,2",
    "a voxel in Arabic digits": "10,٣,2".encode(),
    "an empty voxel": b"10,,2",
    "a voxel of NaN": b"10,nan,2",
    "a voxel as a tuple": b'10,"(0, 3)",2',
    "an event with a point": b"10.0,3,2",
    "an empty event": b",3,2",
    "an event as a word": b"ten,3,2",
    "a class with a point": b"10,3,2.0",
    "a probability as a class": b"10,3,0.7",
    "a class by its name": b"10,3,track",
    "an empty class": b"10,3,",
    "a class as a list": b'10,3,"[0.1, 0.9]"',
    "a class of NaN": b"10,3,nan",
}
PLACES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "a voxel just beyond": (with_row(b"10,20,2"), ("out_of_range",)),
    "a negative voxel": (with_row(b"10,-1,2"), ("out_of_range",)),
    "a voxel of 2^31": (with_row(b"10,2147483648,2"), ("out_of_range",)),
    "a voxel of 2^64": (with_row(b"10,18446744073709551616,2"), ("out_of_range",)),
    "voxels that count from 1": (mask(lambda e, v, c: (e, v + 1, c)), ("out_of_range",)),
    "voxels of all events together": (
        mask(lambda e, v, c: (e, v + 20 * MASK_EVENTS.index(e), c)),
        ("out_of_range",),
    ),
    "a pixel twice": (with_row(b"10,3,2\n10,3,1"), ("duplicate_id",)),
    "pixels of a coarser plane": (mask(lambda e, v, c: (e, v // 4, c)), ("duplicate_id",)),
    "an unknown event": (with_row(b"99,3,2"), ("unknown_id",)),
    "an event beyond 64 bits": (with_row(b"99999999999999999999,3,2"), ("unknown_id",)),
    "events from 0": (
        mask(lambda e, v, c: (MASK_EVENTS.index(e), v, c)),
        ("unknown_id", "missing_id"),
    ),
    "one event for all": (mask(lambda e, v, c: (10, v, c)), ("missing_id",)),
    "an event missing": (
        b"".join(
            line
            for line in mask(lambda e, v, c: (e, v, c)).splitlines(keepends=True)
            if not line.startswith(b"21,")
        ),
        ("missing_id",),
    ),
    "a class too large": (with_row(b"10,3,3"), ("bad_class_label",)),
    "a negative class": (with_row(b"10,3,-1"), ("bad_class_label",)),
    "a class of 257": (with_row(b"10,3,257"), ("bad_class_label",)),
    "a class of 2^16 + 1": (with_row(b"10,3,65537"), ("bad_class_label",)),
    "a class of 2^64 + 1": (with_row(b"10,3,18446744073709551617"), ("bad_class_label",)),
    "classes that count from 1": (mask(lambda e, v, c: (e, v, c + 1)), ("bad_class_label",)),
    "a column beyond the plane": (plane(lambda e, y, x, c: (e, y, x + 1, c)), ("out_of_range",)),
    "rows and columns swapped": (plane(lambda e, y, x, c: (e, x, y, c)), ("out_of_range",)),
    "a negative row": (plane(lambda e, y, x, c: (e, y - 1, x, c)), ("out_of_range",)),
    "a row of 2^62": (plane(lambda e, y, x, c: (e, 2**62, x, c)), ("out_of_range",)),
}
ENTRIES: tuple[Entry, ...] = (
    *(refused(name, with_row(row), "wrong_dtype", to=MASKS) for name, row in WORDS.items()),
    *(refused(name, data, *codes, to=MASKS) for name, (data, codes) in PLACES.items()),
    refused(
        "three coordinates for a plane",
        b"event,x,y,z,class\n10,0,0,0,1\n",
        "missing_column",
        to=MASKS,
    ),
    refused(
        "two coordinates for a volume",
        b"event,row,col,class\n10,0,0,1\n",
        "missing_column",
        to=VOXELS,
    ),
    refused(
        "a volume beyond its edge",
        volume(lambda x, y, z: (x, y, z + 200)),
        "out_of_range",
        to=VOXELS,
    ),
    refused(
        "a volume in centimetres",
        volume(lambda x, y, z: (x / 10, y / 10, z / 10)),
        "wrong_dtype",
        to=VOXELS,
    ),
    refused("a selection", b"EventId,Class\n100,s\n", "missing_column", to=MASKS),
    refused("classes by name", mask(lambda e, v, c: (e, v, CLASSES[c])), "wrong_dtype", to=MASKS),
    accepted("a mask in coordinates", plane(lambda e, y, x, c: (e, y, x, c)), to=MASKS),
    accepted("a volume in coordinates", volume(lambda x, y, z: (x, y, z)), to=VOXELS),
    accepted(
        "rows in another order",
        b"\n".join(
            [b"event,voxel,class", *mask(lambda e, v, c: (e, v, c)).splitlines()[:0:-1], b""]
        ),
        to=MASKS,
    ),
    accepted("a mask in gz", gz(mask(lambda e, v, c: (e, v, c))), to=MASKS),
    accepted("semicolons", mask(lambda e, v, c: (e, v, c)).replace(b",", b";"), to=MASKS),
    accepted(
        "a mask of one class", mask(lambda e, v, c: (e, v, 1)), "constant_prediction", to=MASKS
    ),
    accepted("a mask of no class", mask(lambda e, v, c: (e, v, 0)), "all_background", to=MASKS),
    accepted("an event without labels", mask(lambda e, v, c: (e, v, c * (e != 21))), to=MASKS),
    accepted(
        "a volume with its axes turned round",
        volume(lambda x, y, z: (z, y, x)),
        "lit_coverage",
        to=VOXELS,
    ),
    accepted(
        "pixels that are not lit",
        mask(lambda e, v, c: (e, (v + 1) % 20, c)),
        "lit_coverage",
        to=MASKS,
    ),
    accepted(
        "a column more",
        mask(lambda e, v, c: (e, v, c, 0.5), "event,voxel,class,score"),
        "unexpected_column",
        to=MASKS,
    ),
)
LAYER = "masks"
