"""Bounds in the direction of their metric, and how values are written."""

from __future__ import annotations

import math

import pytest
from fivesigma_client.output import plain, score_text
from fivesigma_client.verdict import Bound
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.floats(-1e6, 1e6)


@given(NUMBERS, NUMBERS)
def test_a_bound_is_judged_in_the_direction_of_its_metric(bound: float, score: float) -> None:
    assert Bound("up", bound, higher_is_better=True).holds(score) == (score >= bound)
    assert Bound("down", bound, higher_is_better=False).holds(score) == (score <= bound)


@pytest.mark.parametrize("score", [None, math.nan, math.inf, -math.inf, "1", True])
def test_what_is_no_score_holds_no_bound(score: object) -> None:
    for higher_is_better in (True, False):
        assert not Bound("m", 0.0, higher_is_better=higher_is_better).holds(score)


@given(st.text())
def test_whatever_is_shown_is_one_printable_line(text: str) -> None:
    assert plain(text).isprintable()
    assert plain(plain(text)) == plain(text)


def test_scores_are_written_with_their_error() -> None:
    assert score_text({"value": 2.84612345, "sigma": 0.151234}) == "2.84612 ± 0.1512"
    assert score_text({"value": 12, "sigma": None, "lower_bound": True}) == "≥ 12"
    assert score_text({"value": None}) == ""
    assert score_text(None) == ""
