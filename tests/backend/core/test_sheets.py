"""Tables as files: what a spreadsheet would run is escaped, and nothing else is changed."""

from __future__ import annotations

import csv
import io
import json

import polars
import pytest
from fivesigma_backend.core.sheets import Format, Sheet, as_csv, as_file, as_json, as_parquet
from hypothesis import given
from hypothesis import strategies as st

SHEET = Sheet(
    {"name": "text", "rank": "integer", "score": "number", "late": "truth"},
    [
        {"name": "=HYPERLINK(1)", "rank": 1, "score": -0.5, "late": False},
        {"name": None, "score": None, "more": "is left out"},
    ],
)


def test_csv_escapes_formulas_and_leaves_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(SHEET).decode())))
    assert rows[0] == {"name": "'=HYPERLINK(1)", "rank": "1", "score": "-0.5", "late": "False"}
    assert rows[1] == {"name": "", "rank": "", "score": "", "late": ""}


def test_json_and_parquet_keep_what_is_there() -> None:
    expected = [
        {"name": "=HYPERLINK(1)", "rank": 1, "score": -0.5, "late": False},
        {"name": None, "rank": None, "score": None, "late": None},
    ]
    assert json.loads(as_json(SHEET)) == expected
    assert polars.read_parquet(io.BytesIO(as_parquet(SHEET))).to_dicts() == expected


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_an_empty_table_is_one_all_the_same(form: Format) -> None:
    assert as_file(Sheet(SHEET.columns, []), form)


@given(st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", ""]), st.text(max_size=30))
def test_no_text_starts_a_formula(start: str, text: str) -> None:
    file = as_csv(Sheet({"name": "text"}, [{"name": start + text}])).decode()
    (_, (cell,)) = csv.reader(io.StringIO(file, newline=""))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell.endswith(start + text)
