"""What arrays of true and predicted values are accepted, and what is said about others."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring import InputRefusedError
from fivesigma_scoring.regression.sample import Sample, sample_of_arrays

REFUSED: dict[str, tuple[Any, Any, str, str]] = {
    "words": ([1, 2], ["a", "b"], "wrong_dtype", "prediction must hold numbers"),
    "numbers as words": (["1", "2"], [1, 2], "wrong_dtype", "truth must hold numbers"),
    "nothing": ([1, 2], [1, None], "not_finite", "prediction has NaN"),
    "booleans": ([1, 0], [True, False], "wrong_dtype", "prediction must hold numbers"),
    "complex": ([1, 2], np.array([1j, 2]), "wrong_dtype", "prediction must hold numbers"),
    "dates": ([1, 2], np.array(["2018", "2021"], "M8[Y]"), "wrong_dtype", "must hold numbers"),
    "ragged": ([1, 2], [[1, 2], [3]], "wrong_dtype", "one per event and target column"),
    "a number": (1.0, 1.0, "wrong_shape", r"truth has the shape \(\)"),
    "images": (np.ones((2, 2, 2)), np.ones((2, 2, 2)), "wrong_shape", r"the shape \(2, 2, 2\)"),
    "no columns": (np.ones((2, 0)), np.ones((2, 0)), "wrong_shape", r"the shape \(2, 0\)"),
    "a column more": ([1, 2], [[1, 1], [2, 2]], "wrong_shape", "has 2 target columns, truth has 1"),
    "a row": ([1, 2], [[1, 2]], "wrong_row_count", "prediction has 1 entries, truth has 2"),
    "too many": ([1, 2], [1, 2, 3], "wrong_row_count", "prediction has 3 entries, truth has 2"),
    "not a number": ([1, 2], [1, np.nan], "not_finite", "prediction has NaN or infinite values"),
    "infinite": ([1, -np.inf], [1, 1], "not_finite", "truth has NaN or infinite values"),
    "too long": ([1, 2], np.array([1, "1e400"], np.longdouble), "not_finite", "prediction has NaN"),
    "too large": ([1, 2], [1, -2e50], "out_of_range", "values beyond 1e.50; look at its units"),
    "whole and too large": ([1, 2], [1, 10**400], "out_of_range", "prediction has values beyond"),
}


@pytest.mark.parametrize(("truth", "mine", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_refused(truth: Any, mine: Any, code: str, text: str) -> None:
    with pytest.raises(InputRefusedError, match=text) as caught:
        sample_of_arrays(truth, mine)
    assert [finding.code for finding in caught.value.findings] == [code]


@pytest.mark.parametrize(
    ("weight", "code"),
    [
        ([1], "wrong_shape"),
        ([1, np.inf], "not_finite"),
        (["a", "b"], "wrong_dtype"),
        ([1, 10**400], "wrong_dtype"),
    ],
)
def test_weights_that_do_not_fit(weight: Any, code: str) -> None:
    with pytest.raises(InputRefusedError) as caught:
        sample_of_arrays([1, 2], [1, 2], weight)
    assert caught.value.findings[0].code == code


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        ([0, 0], "sum to 0, not above 0"),
        ([1, -1], "sum to 0, not above 0"),
        ([1, -3], "sum to -2, not above 0"),
        ([1, -1 + 1e-12], "not above 0"),
        ([1e300, 1e300], "A weight is beyond 1e.50; scale the weights"),
        ([1e-60, 1e-60], "sum to less than 1e-50; scale them"),
    ],
)
def test_weights_without_a_mean(weight: list[float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        sample_of_arrays([1, 2], [1, 2], weight)
    values = np.ones(2)
    with pytest.raises(ValueError, match=text):
        Sample.of(values, values, np.array(weight, float))


@pytest.mark.parametrize("empty", [[], np.empty((0, 3))])
def test_no_event_is_refused(empty: Any) -> None:
    with pytest.raises(ValueError, match="no event to score"):
        sample_of_arrays(empty, empty)


def test_groups_of_another_length_are_refused() -> None:
    with pytest.raises(InputRefusedError, match=r"group has the shape \(3,\), the truth has 2"):
        sample_of_arrays([1, 2], [1, 2], group=[1, 2, 3])


def test_groups_may_have_any_names() -> None:
    sample = sample_of_arrays([1, 2, 3], [1, 2, 3], group=["run 7", "run -1", "run 7"])
    assert sample.group is not None
    assert sample.group.dtype == np.int64
    assert sample.group.tolist() == [1, 0, 1]
    assert sample.effective_number == pytest.approx(9 / 5)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        (1.0, 2.0),
        np.array([1, 2], np.float32),
        np.array([[1], [2]], ">i2"),
        np.array([1, 2], object),
        [Decimal(1), Decimal(2)],
        np.array([1, 9, 2, 9])[::2],
    ],
)
def test_accepted(values: Any) -> None:
    sample = sample_of_arrays(values, [3.0, 5.0])
    assert (sample.n, sample.group) == (2, None)
    assert sample.truth.tolist() == [[1.0], [2.0]]
    assert sample.truth.dtype == sample.prediction.dtype == sample.weight.dtype == np.float64
    assert sample.weight.tolist() == [1.0, 1.0]
    assert sample.residual.tolist() == [[2.0], [3.0]]


def test_a_column_meets_a_flat_array_event_by_event() -> None:
    """NumPy would make a table of all pairs of (n,) and (n, 1)."""
    sample = sample_of_arrays([1.0, 2.0, 4.0], [[1.5], [2.5], [4.5]])
    assert sample.residual.tolist() == [[0.5], [0.5], [0.5]]
