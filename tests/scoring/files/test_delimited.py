"""Text columns that say yes or no are compared while they are read."""

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring.files.delimited import read_delimited
from fivesigma_scoring.files.small import LARGEST
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.selection.columns import CLASS, read_label, schema

ROWS = 8_000
FORM = PredictionFormat(ROWS, "EventId")


def column(first: str, second: str, other: str = "", end: str = "\n") -> pl.Series:
    """The class column of a file whose even rows hold `first`; `other` is one more near its end."""
    values = [first, second] * (ROWS // 2)
    values[-5] = other or values[-5]
    lines = ["EventId,Class", *(f"{at},{one}" for at, one in enumerate(values, 10**6))]
    data = (end.join(lines) + end).encode()
    assert len(data) > LARGEST, "such a file is read without polars"
    return read_delimited(data, lambda names: schema(FORM, names))[CLASS]


@pytest.mark.parametrize(
    ("first", "second"), [("s", "b"), ("b", "s"), ("1", "0"), ("False", "True")]
)
def test_words_of_one_pair_come_as_booleans(first: str, second: str) -> None:
    found = column(first, second)
    assert found.dtype == pl.Boolean
    signal, errors = read_label(found, lambda rows: tuple(rows))
    assert not errors
    assert np.array_equal(
        signal, [first in ("s", "1", "True"), second in ("s", "1", "True")] * 4000
    )


@pytest.mark.parametrize("other", ["0", "S", "x", " s", '"s"', '"b, s"'])
def test_any_other_word_leaves_the_text_as_it_is(other: str) -> None:
    """But for what CSV itself says is the same."""
    found = column("s", "b", other)
    if other == '"s"':
        assert found.dtype == pl.Boolean
    else:
        assert found.dtype == pl.String
        assert found[-5] == other.strip('"')


def test_blank_lines_are_left_out_of_both() -> None:
    found = column("s", "b", end="\n\n")
    assert found.to_list() == ["s", "b"] * (ROWS // 2)
