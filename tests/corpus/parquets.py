"""Parquet: types that cannot be meant, damage at every layer, and metadata that lies."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from corpus.entry import MASKS, REGRESSION, VOXELS, Entry, accepted, refused
from corpus.making import frame, parquet
from corpus.testsets import EVENTS
from corpus.thrift import Struct, columns, with_footer, with_page

GOOD = parquet(compression="uncompressed")
FOOTER = len(GOOD) - 8 - int.from_bytes(GOOD[-8:-4], "little")
ID, CLASS = 0, 1


def kinds(**changed: Any) -> Callable[[], bytes]:
    """A good selection with other columns in place of some."""
    return lambda: parquet(frame().with_columns(**changed))


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


def nested(levels: int) -> bytes:
    """A column of structs within structs."""
    column: pl.Expr = pl.lit(1)
    for _ in range(levels):
        column = pl.struct(a=column)
    return parquet(frame().with_columns(deep=column))


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


def dictionary(length: int, times: int) -> bytes:
    """A long text that is stored once and meant by every row."""
    words = pl.Series(["s" * length], dtype=pl.Categorical).new_from_index(0, times)
    data = parquet(pl.DataFrame({"EventId": range(times), "Class": words}))
    return with_footer(data, lambda footer: footer.pop(5))  # forgets that they are categories


TYPES: dict[str, tuple[Callable[[], bytes], str]] = {
    "ids as floats": (kinds(EventId=pl.col("EventId").cast(pl.Float64)), "wrong_dtype"),
    "ids as text with a point": (
        kinds(EventId=pl.col("EventId").cast(pl.String) + ".0"),
        "wrong_dtype",
    ),
    "ids as booleans": (kinds(EventId=pl.lit(value=True)), "wrong_dtype"),
    "ids as dates": (kinds(EventId=pl.lit(date(2026, 1, 1))), "wrong_dtype"),
    "ids as times": (kinds(EventId=pl.lit(datetime(2026, 1, 1))), "wrong_dtype"),
    "ids as decimals": (kinds(EventId=pl.col("EventId").cast(pl.Decimal(20, 2))), "wrong_dtype"),
    "ids as bytes": (kinds(EventId=pl.lit(b"100")), "wrong_dtype"),
    "ids as lists": (kinds(EventId=pl.concat_list("EventId")), "wrong_dtype"),
    "ids as structs": (kinds(EventId=pl.struct("EventId")), "wrong_dtype"),
    "ids of nothing": (kinds(EventId=pl.lit(None)), "wrong_dtype"),
    "an empty id": (kinds(EventId=pl.col("EventId").replace(103, None)), "wrong_dtype"),
    "ids beyond 63 bits": (kinds(EventId=pl.col("EventId").cast(pl.UInt64) + 2**63), "unknown_id"),
    "classes as dates": (kinds(Class=pl.lit(date(2026, 1, 1))), "wrong_dtype"),
    "classes as decimals": (kinds(Class=pl.lit(Decimal("0.5"))), "bad_class_label"),
    "classes as bytes": (kinds(Class=pl.col("Class").cast(pl.Binary)), "wrong_dtype"),
    "classes as lists": (kinds(Class=pl.concat_list("Class")), "wrong_dtype"),
    "classes as arrays": (
        kinds(Class=pl.lit([1.0, 0.0]).cast(pl.Array(pl.Float64, 2))),
        "wrong_dtype",
    ),
    "classes as structs": (kinds(Class=pl.struct("Class")), "wrong_dtype"),
    "classes of nothing": (kinds(Class=pl.lit(None)), "wrong_dtype"),
    "classes of empty words": (kinds(Class=pl.lit(None).cast(pl.String)), "bad_class_label"),
    "an empty boolean": (kinds(Class=pl.Series([True, None] * 20)), "bad_class_label"),
    "probabilities": (kinds(Class=pl.Series([0.25, 0.75] * 20)), "bad_class_label"),
    "NaN as a class": (kinds(Class=pl.lit(float("nan"))), "bad_class_label"),
    "a score of text": (kinds(Score=pl.lit("high")), "wrong_dtype"),
    "a score of NaN": (kinds(Score=pl.lit(float("nan"))), "not_finite"),
    "a score of infinity": (kinds(Score=pl.lit(float("inf")).cast(pl.Float32)), "not_finite"),
    "a score of nothing": (kinds(Score=pl.lit(None)), "wrong_dtype"),
    "a score with a gap": (kinds(Score=pl.Series([0.5, None] * 20)), "not_finite"),
    "a score of lists": (kinds(Score=pl.lit([0.5])), "wrong_dtype"),
    "a score of booleans": (kinds(Score=pl.lit(value=True)), "wrong_dtype"),
}
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
    *(
        refused(name, make, code, *(("missing_id",) if code == "unknown_id" else ()))
        for name, (make, code) in TYPES.items()
    ),
    refused("encrypted as a whole", b"PARE" + GOOD[4:-4] + b"PARE", "unreadable"),
    refused("lying: 2^62 rows", lies(rows(2**62, groups=True)), "wrong_row_count"),
    refused("no rows", lambda: parquet(frame().clear()), "wrong_row_count"),
    refused("no columns", lambda: parquet(pl.DataFrame()), "missing_column"),
    refused("no class", lambda: parquet(frame().drop("Class")), "missing_column"),
    refused("one row", lambda: parquet(frame().head(1)), "missing_id", warnings=("all_signal",)),
    refused(
        "ten million rows",
        lambda: parquet(
            pl.DataFrame(
                {
                    "EventId": pl.Series([1], dtype=pl.Int64).new_from_index(0, 10_000_000),
                    "Class": pl.Series(["s"]).new_from_index(0, 10_000_000),
                }
            )
        ),
        "wrong_row_count",
    ),
    refused("a bomb of repeated text", lambda: dictionary(100_000, 60_000), "bad_class_label"),
    refused("a bomb of longer text", lambda: dictionary(1_000_000, 90_000), "bad_class_label"),
    refused(
        "a mask of 30 million times one pixel",
        lambda: parquet(
            pl.DataFrame(
                {
                    name: pl.Series([value], dtype=pl.Int32).new_from_index(0, 30_000_000)
                    for name, value in {"event": 10, "voxel": 1, "class": 1}.items()
                }
            )
        ),
        "missing_id",
        to=VOXELS,
    ),
    refused(
        "a mask of 100 million rows",
        lambda: parquet(
            pl.DataFrame(
                {
                    name: pl.Series([1], dtype=pl.Int8).new_from_index(0, 100_000_000)
                    for name in ("event", "voxel", "class")
                }
            )
        ),
        "wrong_row_count",
        to=VOXELS,
    ),
    refused(
        "a mask of 200,000 rows for 120 pixels",
        lambda: parquet(
            pl.DataFrame(
                {
                    name: pl.Series([1]).new_from_index(0, 200_000)
                    for name in ("event", "voxel", "class")
                }
            )
        ),
        "wrong_row_count",
        to=MASKS,
    ),
    refused(
        "the columns of another challenge", lambda: parquet(frame(REGRESSION)), "missing_column"
    ),
    accepted("Parquet", parquet(), filename="prediction.parquet"),
    *(
        accepted(f"compressed with {codec}", parquet(compression=codec))
        for codec in ("uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd")
    ),
    accepted("many row groups", lambda: parquet(row_group_size=1)),
    accepted("a type that nobody looks at", lies(number(1, 77))),
    accepted("small pages", lambda: parquet(data_page_size=16)),
    accepted("without statistics", lambda: parquet(statistics=False)),
    accepted(
        "ids of 8 bits",
        lambda: parquet(frame().with_columns(EventId=pl.col("EventId").cast(pl.UInt8))),
    ),
    accepted("ids as text", kinds(EventId=pl.col("EventId").cast(pl.String))),
    accepted("classes as categories", kinds(Class=pl.col("Class").cast(pl.Categorical))),
    accepted("classes as an enumeration", kinds(Class=pl.col("Class").cast(pl.Enum(["b", "s"])))),
    accepted("classes as booleans", kinds(Class=pl.col("Class") == "s")),
    accepted("classes as 128-bit integers", kinds(Class=(pl.col("Class") == "s").cast(pl.Int128))),
    accepted("columns nested 100 times beside", lambda: nested(100), "unexpected_column"),
    refused("a schema nested 300 times beside", lambda: deep_schema(300), "unreadable"),
    refused("a schema nested 20,000 times beside", lambda: deep_schema(20_000), "unreadable"),
    refused("classes nested 20,000 times", lambda: deep_schema(20_000, "Class"), "unreadable"),
    accepted(
        "5,000 columns beside",
        lambda: parquet(frame().with_columns(**{f"c{at}": pl.lit(at) for at in range(5_000)})),
        "unexpected_column",
    ),
    accepted(
        "a column of 200 MB beside",
        lambda: parquet(frame().with_columns(note=pl.lit("x" * 5_000_000))),
        "unexpected_column",
    ),
    accepted(
        "targets as 32-bit floats",
        lambda: parquet(frame(REGRESSION).cast({"energy": pl.Float32})),
        to=REGRESSION,
    ),
    accepted(
        "targets as decimals",
        lambda: parquet(frame(REGRESSION).cast({"energy": pl.Decimal(10, 1)})),
        to=REGRESSION,
    ),
    refused(
        "a target as a duration",
        lambda: parquet(frame(REGRESSION).cast({"energy": pl.Duration}, strict=False)),
        "wrong_dtype",
        to=REGRESSION,
    ),
)
LAYER = "parquet"
