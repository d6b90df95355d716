"""Parquet: types that cannot be meant, floods of rows, and what is read kindly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from corpus.entry import MASKS, REGRESSION, VOXELS, Entry, accepted, refused
from corpus.making import frame, parquet
from corpus.thrift import with_footer

GOOD = parquet(compression="uncompressed")


def kinds(**changed: Any) -> Callable[[], bytes]:
    """A good selection with other columns in place of some."""
    return lambda: parquet(frame().with_columns(**changed))


def nested(levels: int) -> bytes:
    """A column of structs within structs."""
    column: pl.Expr = pl.lit(1)
    for _ in range(levels):
        column = pl.struct(a=column)
    return parquet(frame().with_columns(deep=column))


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
ENTRIES: tuple[Entry, ...] = (
    *(
        refused(name, make, code, *(("missing_id",) if code == "unknown_id" else ()))
        for name, (make, code) in TYPES.items()
    ),
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
