"""Parquet: damage at every layer, and metadata that lies."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import polars as pl

from corpus.entry import Entry, accepted, refused
from corpus.making import frame, parquet
from corpus.testsets import EVENTS
from corpus.thrift import Struct, columns, with_footer, with_page

GOOD = parquet(compression="uncompressed")
FOOTER = len(GOOD) - 8 - int.from_bytes(GOOD[-8:-4], "little")
ID, CLASS = 0, 1


def lies(change: Callable[[Struct], object]) -> Callable[[], bytes]:
    return lambda: with_footer(GOOD, change)


def page(column: int, change: Callable[[Struct], object]) -> Callable[[], bytes]:
    return lambda: with_page(GOOD, column, change)


def number(key: int, value: int, column: int = ID) -> Callable[[Struct], None]:
    """Sets a number in the metadata of a column."""

    def change(footer: Struct) -> None:
        columns(footer)[column][key][1] = value

    return change


def starts(value: int, column: int = ID) -> Callable[[Struct], None]:
    """Moves a column: its pages and its dictionary."""

    def change(footer: Struct) -> None:
        meta = columns(footer)[column]
        for key in {9, 11} & set(meta):
            meta[key][1] = value

    return change


def rows(value: int, *, groups: bool) -> Callable[[Struct], None]:
    """Sets the declared rows of the file, and of its one row group."""

    def change(footer: Struct) -> None:
        footer[3][1] = value
        if groups:
            footer[4][1][0][1][3][1] = value

    return change


def everywhere(value: int) -> Callable[[Struct], None]:
    """Sets rows and values wherever the footer tells them."""

    def change(footer: Struct) -> None:
        rows(value, groups=True)(footer)
        for meta in columns(footer):
            meta[5][1] = value

    return change


def deep(footer: Struct) -> None:
    """A struct nested fifty times, in a field that nobody knows."""
    inner: list[Any] = [12, {}]
    for _ in range(50):
        inner = [12, {1: inner}]
    footer[99] = inner


def element(at: int, key: int, kind: int, value: Any) -> Callable[[Struct], None]:
    """Sets a field of the schema; 0 is its root."""

    def change(footer: Struct) -> None:
        footer[2][1][at][1][key] = [kind, value]

    return change


def deep_schema(levels: int, name: str = "deep") -> bytes:
    """A schema that goes down and down, which a reader may follow by calling itself."""

    def change(footer: Struct) -> None:
        schema = footer[2][1]
        at = next(at for at, one in enumerate(schema) if one[1][4][1] == name.encode())
        group = [12, {3: [5, 0], 4: [8, b"a"], 5: [5, 1]}]
        schema[at:at] = [[12, {3: [5, 0], 4: [8, name.encode()], 5: [5, 1]}], *[group] * levels]
        path = next(one for one in columns(footer) if one[3][1][0][1] == name.encode())[3][1]
        path[1:1] = [[8, b"a"]] * levels

    table = frame() if name == "Class" else frame().with_columns(deep=pl.struct(a=pl.lit(1)))
    return with_footer(parquet(table), lambda footer: (change(footer), footer.pop(5)))


LYING: dict[str, Callable[[], bytes]] = {
    "2^62 rows in the file, 40 in its group": lies(rows(2**62, groups=False)),
    "41 rows": lies(everywhere(EVENTS + 1)),
    "39 rows": lies(everywhere(EVENTS - 1)),
    "a negative number of rows": lies(everywhere(-1)),
    "100,000 rows everywhere": lies(everywhere(100_000)),
    "more values than rows": lies(number(5, EVENTS + 1)),
    "fewer values than rows": lies(number(5, EVENTS - 1)),
    "a column that begins behind the file": lies(starts(2**40)),
    "a column that begins before the file": lies(starts(-5)),
    "a column of 2^62 bytes": lies(number(7, 2**62)),
    "a column that expands to fewer bytes": lies(number(6, 5)),
    "a column without bytes": lies(number(7, 0)),
    "a column in the place of another": lies(starts(4, CLASS)),
    "an unknown codec": lies(number(4, 99)),
    "another codec": lies(number(4, 1)),
    "a page of 2^31 bytes": page(ID, lambda header: header[3].__setitem__(1, 2**31 - 1)),
    "a page that expands to 2^31 bytes": page(
        ID, lambda header: header[2].__setitem__(1, 2**31 - 1)
    ),
    "a page of a negative size": page(ID, lambda header: header[3].__setitem__(1, -1)),
    "a page of an unknown kind": page(ID, lambda header: header[1].__setitem__(1, 9)),
    "a dictionary of 2^31 values": page(
        CLASS, lambda header: header[7][1][1].__setitem__(1, 2**31 - 1)
    ),
    "another type in the schema": lies(element(1, 1, 5, 6)),
    "a schema with too many children": lies(element(0, 5, 5, 1000)),
    "a schema with a negative number of children": lies(element(0, 5, 5, -7)),
    "a fixed length of 2^31 bytes": lies(
        lambda footer: (
            element(2, 1, 5, 7)(footer),
            element(2, 2, 5, 2**31 - 1)(footer),
            number(1, 7, CLASS)(footer),
        )
    ),
    "a repeated column": lies(element(1, 3, 5, 2)),
    "a name that is not UTF-8": lies(element(1, 4, 8, b"Event\xff\xfe")),
    "no schema": lies(lambda footer: footer.pop(2)),
    "no row groups": lies(lambda footer: footer.pop(4)),
    "a footer that is very deep": lies(deep),
}


DAMAGED: dict[str, bytes] = {
    "nothing but the magic": b"PAR1",
    "the magic twice": b"PAR1PAR1",
    "a footer of no bytes": b"PAR1" + bytes(4) + b"PAR1",
    "a footer longer than the file": GOOD[:-8] + b"\xff\xff\xff\x7fPAR1",
    "a footer of 4 GiB": GOOD[:-8] + b"\xff\xff\xff\xffPAR1",
    "a footer one byte short": GOOD[:-8] + struct.pack("<L", len(GOOD) - FOOTER - 9) + b"PAR1",
    "an encrypted footer": GOOD[:-4] + b"PARE",
    "cut before the last magic": GOOD[:-4],
    "cut in the footer": GOOD[: FOOTER + 40],
    "cut before the footer": GOOD[:FOOTER],
    "cut in a page": GOOD[: FOOTER // 2],
    "pages of zeros": GOOD[:4] + bytes(FOOTER - 4) + GOOD[FOOTER:],
    "a byte lost in a page": GOOD[:30] + GOOD[31:],
    "a byte too many in a page": GOOD[:30] + b"x" + GOOD[30:],
    "a footer of zeros": GOOD[:FOOTER] + bytes(len(GOOD) - FOOTER - 8) + GOOD[-8:],
    "garbage behind it": GOOD + b"garbage",
    "two files in one, the first cut": GOOD[:100] + GOOD,
    "a table with Parquet's magic": b"PAR1,Class\n100,s\n",
}


ENTRIES: tuple[Entry, ...] = (
    *(refused(f"damaged: {name}", data, "unreadable") for name, data in DAMAGED.items()),
    *(refused(f"lying: {name}", make, "unreadable") for name, make in LYING.items()),
    refused("lying: 2^62 rows", lies(rows(2**62, groups=True)), "wrong_row_count"),
    refused("a schema nested 300 times beside", lambda: deep_schema(300), "unreadable"),
    refused("a schema nested 20,000 times beside", lambda: deep_schema(20_000), "unreadable"),
    refused("classes nested 20,000 times", lambda: deep_schema(20_000, "Class"), "unreadable"),
    accepted("a type that nobody looks at", lies(number(1, 77))),
    refused("encrypted as a whole", b"PARE" + GOOD[4:-4] + b"PARE", "unreadable"),
)
LAYER = "parquet"
