"""Tables as files for spreadsheets and scripts: CSV, JSON, Parquet.

A text that a spreadsheet would run as a formula gets an apostrophe before it in CSV; JSON and
Parquet, which no spreadsheet runs, keep it as it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Format = Literal["csv", "json", "parquet"]
Kind = Literal["text", "integer", "number", "truth"]
Record = Mapping[str, Any]
MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Sheet:
    """A table: the kind of each column by its name, in order, and one record per row."""

    columns: Mapping[str, Kind]
    records: Sequence[Record]


def as_file(sheet: Sheet, form: Format) -> bytes:
    """The table in one of the formats."""
    writers: Mapping[str, Callable[[Sheet], bytes]] = {
        "csv": as_csv,
        "json": as_json,
        "parquet": as_parquet,
    }
    return writers[form](sheet)


def as_csv(sheet: Sheet) -> bytes:
    """CSV in UTF-8, with a header."""
    return csv_text(list(sheet.columns), sheet.records).encode()


def csv_text(columns: Sequence[str], records: Iterable[Record]) -> str:
    """CSV of these columns, in which no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in columns])
    writer.writerows([safe_cell(record.get(name)) for name in columns] for record in records)
    return text.getvalue()


def safe_cell(value: Any) -> Any:
    """The value, as a text that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def as_json(sheet: Sheet) -> bytes:
    """A JSON array of objects."""
    rows = [{name: record.get(name) for name in sheet.columns} for record in sheet.records]
    return json.dumps(rows, ensure_ascii=False, allow_nan=False).encode()


def as_parquet(sheet: Sheet) -> bytes:
    """A Parquet file."""
    import polars  # takes a moment to load, and only this needs it

    types: dict[Kind, Any] = {
        "text": polars.String,
        "integer": polars.Int64,
        "number": polars.Float64,
        "truth": polars.Boolean,
    }
    schema = {name: types[kind] for name, kind in sheet.columns.items()}
    rows = [{name: record.get(name) for name in schema} for record in sheet.records]
    file = io.BytesIO()
    polars.DataFrame(rows, schema=schema).write_parquet(file)
    return file.getvalue()
