"""Small plain tables have a reader of their own: it must say the same as the patient one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring import InputRefusedError
from fivesigma_scoring.files import small
from fivesigma_scoring.files.small import LARGEST, read_small
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.reading import read_prediction
from fivesigma_scoring.universe import load_array
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars import Float64, Int64, String

IDS = (
    "7",
    "-3",
    "007",
    "-0",
    "999999999999999999",
    "9999999999999999999",
    "1_0",
    "+4",
    " 5",
    "1.0",
)
CLASSES = ("s", "b", "1", "0", "true", "False", "S", "s ", "signal", "0.3", "é", '"s"', "")
SCORES = (
    "0.5",
    "-1",
    "1e5",
    "2.5E-07",
    "00.10",
    ".5",
    "5.",
    "1e400",
    "nan",
    "inf",
    "0x1",
    "1,5",
    "",
)
ENDS = ("\n", "\r\n", "\n\n", "")
HEADERS = (
    "EventId,Class,Score",
    "EventId,Class,Score,Note",
    '"EventId",Class,Score',
    "Class,EventId",
)


def outcome(path: Path, form: PredictionFormat) -> Any:
    """Everything that a reader says about a file."""
    try:
        read = read_prediction(path, form)
    except InputRefusedError as refused:
        return refused.findings
    arrays = (read.ids, read.selected, read.score)
    said = [None if one is None else one.tolist() for one in arrays]
    kinds = [None if one is None else one.dtype.kind for one in arrays]
    return said, kinds, read.warnings, read.places([0, read.selected.size - 1])


def both(path: Path, form: PredictionFormat) -> tuple[Any, Any]:
    with pytest.MonkeyPatch.context() as patch:
        quick = outcome(path, form)
        patch.setattr(small, "LARGEST", 0)
        return quick, outcome(path, form)


field = st.sampled_from(IDS), st.sampled_from(CLASSES), st.sampled_from(SCORES)
numbers = st.one_of(st.sampled_from(SCORES[:5]), st.floats(-1e9, 1e9).map(repr))
plain = st.tuples(st.sampled_from(IDS[:4]), st.sampled_from("sb"), numbers)
rows = st.lists(st.one_of(plain, plain, plain, st.tuples(*field)), max_size=5)


@settings(max_examples=300, deadline=None)
@given(rows, st.sampled_from(HEADERS), st.sampled_from(ENDS), st.sampled_from(("int", "str")))
@example([("7", "s", "0.5")], HEADERS[0], "\n", "int")
@example([("7", "s", "1"), ("8", "b", "0.5")], HEADERS[0], "\n", "int")
def test_both_readers_agree(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    header: str,
    end: str,
    id_type: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / "small.csv"
    text = end.join([header, *(",".join(row) for row in rows)]) + end
    path.write_bytes(text.encode())
    form = PredictionFormat(len(rows) or 1, "EventId", id_type)
    quick, patient = both(path, form)
    assert quick == patient


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_plain_table_is_read_without_polars(separator: str) -> None:
    lines = ["id,class,score,unused", "1,s,0.25,x", "-2,b,1e-3,"]
    data = "\n".join(lines).replace(",", separator).encode()
    found = read_small(data, separator, 4, {0: Int64, 1: String, 2: Float64})
    assert found is not None
    assert [column.dtype.str for column in found.values()] == ["<i8", "|S1", "<f8"]
    assert [column.tolist() for column in found.values()] == [[1, -2], [b"s", b"b"], [0.25, 1e-3]]


def test_a_large_table_is_left_to_polars() -> None:
    data = b"id\n" + b"123456789\n" * (LARGEST // 10 + 1)
    assert read_small(data, ",", 1, {0: Int64}) is None
    assert read_small(data[: LARGEST - 7], ",", 1, {0: Int64}) is not None


@pytest.mark.parametrize(
    "array",
    [
        np.arange(5),
        np.array([True, False]),
        np.array([1, -1], np.int8),
        np.array([0.5, np.inf]),
        np.array([b"a", b"bcd"]),
        np.array([], np.int64),
        np.zeros((3, 2)),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
    ],
    ids=["int", "bool", "int8", "float", "bytes", "empty", "matrix", "fortran", "endian"],
)
def test_compiled_arrays_come_back_as_they_were(array: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    found = load_array(tmp_path / "a.npy")
    assert found.dtype == array.dtype
    assert found.tolist() == array.tolist()
    assert not found.flags.writeable
