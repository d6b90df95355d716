"""The significance with an uncertain background: check values, limits, and sigma."""

import math
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring import compare, score
from fivesigma_scoring.registry import METRICS
from fivesigma_scoring.selection.cells import Sample
from fivesigma_scoring.selection.metrics import ams_value
from fivesigma_scoring.selection.systematic import ams_systematic_value
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

TOTALS = {"s": 692.0, "b": 411_000.0}
REPLICAS = 2000
OPTIONS: list[dict[str, Any]] = [
    {"background_systematic": 0.0},
    {"background_systematic": 0.02},
    {"sum_of_squared_weights": True},
    {"background_systematic": 0.02, "sum_of_squared_weights": True},
]

Array = NDArray[np.float64]


def as_printed(s: float, b: float, v: float) -> float:
    """The formula as it stands in the literature; it loses digits where s is small."""
    first = (s + b) * math.log((s + b) * (b + v) / (b * b + (s + b) * v))
    return math.sqrt(2 * (first - b * b / v * math.log1p(v * s / (b * (b + v)))))


@pytest.mark.parametrize(("share", "expected"), [(0.01, 3.21), (0.03, 1.76), (0.05, 1.14)])
def test_check_values(share: float, expected: float) -> None:
    assert round(ams_systematic_value(243.4, 4000, (share * 4000) ** 2, 0.0), 2) == expected
    options: dict[str, Any] = {"background_systematic": share, "regularisation": 0}
    found = score("ams_systematic", [1, 0, 1, 0], [1, 1, 0, 0], [243.4, 4000, 1, 1], **options)
    assert round(found.value, 2) == expected


@given(st.floats(10, 1e4), st.floats(10, 1e4), st.floats(0.01, 0.5))
def test_the_formula_as_printed(s: float, b: float, share: float) -> None:
    v = (share * (b + 10)) ** 2
    expected = pytest.approx(as_printed(s, b + 10, v), rel=1e-4, abs=1e-4)
    assert ams_systematic_value(s, b, v, 10.0) == expected


@given(st.floats(0, 1e4), st.floats(0, 1e6))
def test_without_variance_it_is_the_ams(s: float, b: float) -> None:
    assert ams_systematic_value(s, b, 0.0, 10.0) == ams_value(s, b, 10.0)
    nearly = ams_systematic_value(s, b, 1e-300, 10.0)
    assert nearly == pytest.approx(ams_value(s, b, 10.0), rel=1e-12)
    assert ams_systematic_value(s, b, 100.0, 10.0) <= ams_value(s, b, 10.0)


@pytest.mark.parametrize("s", [1e-6, 1e-3, 1.0])
def test_small_signals_keep_their_digits(s: float) -> None:
    """For s << B' it is s / sqrt(B' + v)."""
    expected = pytest.approx(s / math.sqrt(1e6 + 2500), rel=1e-5)
    assert ams_systematic_value(s, 1e6, 2500.0, 0.0) == expected


def test_edges() -> None:
    assert ams_systematic_value(5.0, -10.0, 0.0, 10.0) == 0
    assert ams_systematic_value(-3.0, 100.0, 25.0, 10.0) == 0
    assert ams_systematic_value(5.0, 0.0, 25.0, 0.0) == 0


def test_b_r_counts_as_background_and_squared_weights_add_up() -> None:
    arrays = ([1, 0, 0, 1, 0], [1, 1, 1, 0, 0], [50.0, 300.0, 90.0, 1.0, 1.0])
    found = score("ams_systematic", *arrays, background_systematic=0.1, sum_of_squared_weights=True)
    v = (0.1 * 400) ** 2 + 300**2 + 90**2
    assert found.value == pytest.approx(as_printed(50, 400, v), rel=1e-9)


def events() -> tuple[NDArray[np.bool_], NDArray[np.bool_], Array]:
    """A small significance after a mediocre selection, uneven weights."""
    random = np.random.default_rng(3)
    truth = random.random(6000) < 0.3
    selected = random.random(6000) < np.where(truth, 0.6, 0.15)
    return truth, selected, np.where(truth, 2.0, 20.0) * random.uniform(0.2, 1.8, 6000)


def replica_values(
    truth: NDArray[np.bool_],
    selected: NDArray[np.bool_],
    weight: Array,
    fixed: bool,
    options: dict[str, Any],
) -> Array:
    random = np.random.default_rng(11)
    found = []
    for _ in range(REPLICAS):
        draws = random.poisson(1.0, truth.size)
        signal, background = draws * weight * truth, draws * weight * ~truth
        scale_s = TOTALS["s"] / signal.sum() if fixed else 1.0
        scale_b = TOTALS["b"] / background.sum() if fixed else 1.0
        s, b = scale_s * signal[selected].sum(), scale_b * background[selected].sum() + 10
        v = (options.get("background_systematic", 0.0) * b) ** 2
        if options.get("sum_of_squared_weights"):
            v += scale_b**2 * (background * weight)[selected].sum()
        found.append(as_printed(s, b, v) if v else ams_value(s, b, 0.0))
    return np.array(found)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_sigma_agrees_with_replicas(options: dict[str, Any], fixed: bool) -> None:
    normalise = TOTALS if fixed else None
    result = score("ams_systematic", *events(), normalise=normalise, **options)
    found = replica_values(*events(), fixed, options)
    assert not result.bootstrap
    assert result.sigma == pytest.approx(np.std(found, ddof=1), rel=0.05)
    assert result.value == pytest.approx(found.mean(), rel=0.01)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_few_background_events_take_replicas(options: dict[str, Any], fixed: bool) -> None:
    truth = np.arange(2000) < 1000
    selected = (np.arange(2000) < 1015) & (np.arange(2000) > 600)
    weight = np.random.default_rng(8).uniform(0.5, 1.5, 2000)
    normalise = TOTALS if fixed else None
    result = score("ams_systematic", truth, selected, weight, normalise=normalise, **options)
    found = replica_values(truth, selected, weight, fixed, options)
    assert result.bootstrap
    assert result.sigma == pytest.approx(np.std(found, ddof=1), rel=4 / math.sqrt(2 * 200))


def test_without_uncertainty_sigma_is_that_of_the_ams() -> None:
    ams, systematic = (score(name, *events()) for name in ("ams", "ams_systematic"))
    assert ams == systematic
    truth, first, weight = events()
    second = first & (np.arange(truth.size) % 5 > 0)
    for options in OPTIONS:
        result = compare("ams_systematic", truth, first, second, weight, **options)
        assert result.sigma is not None
        assert result.sigma > 0


def test_rows_of_one_event_fluctuate_together() -> None:
    metric = METRICS["ams_systematic"]
    options = metric.settings(OPTIONS[1])
    truth, selected, weight = events()
    single = Sample.of(truth, selected, 2 * weight)
    pairs = (np.tile(truth, 2), np.tile(selected, 2), np.tile(weight, 2))
    double = Sample.of(*pairs, group=np.tile(np.arange(truth.size), 2))
    assert metric.influence is not None
    one, two = (metric.influence(each, options).variance(each) for each in (single, double))
    assert two == pytest.approx(one, rel=1e-9)
