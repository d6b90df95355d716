"""Published and computed values of the AMS."""

import json
from pathlib import Path

import numpy as np
import pytest
from fivesigma_scoring import METRICS, SCORER_VERSIONS, score
from fivesigma_scoring.registry import names_of
from fivesigma_scoring.selection.metrics import ams_value

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "ams.json"


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared test vectors are not here")
def test_official_values_hold_to_ten_digits() -> None:
    vectors = json.loads(VECTORS.read_text())
    assert len(vectors) == 8
    for vector in vectors:
        s, b = vector["signal_weight"], vector["background_weight"]
        value = ams_value(s, b, vector["regularisation"])
        assert value == pytest.approx(vector["ams"], rel=1e-10, abs=1e-10), vector["source"]
        estimate = score("ams", [1, 0, 1, 0], [1, 1, 0, 0], [s, b, 1.0, 1.0])
        assert estimate.value == pytest.approx(vector["ams"], rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(
    ("s", "b", "value"),
    [
        (691.988607712, 410999.847322, 1.07907351731),
        (691.988607712, 0.0, 67.711122895),
        (461.228096209, 89012.844986, 1.54450974337),
        (212.848603705, 4345.089289, 3.19956489456),
    ],
)
def test_known_benchmarks(s: float, b: float, value: float) -> None:
    assert ams_value(s, b, 10.0) == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("x", [1e-12, 1e-9, 1e-6, 9.9e-4, 1.1e-3])
def test_small_signals_keep_their_digits(x: float) -> None:
    """For s << B' the AMS is s/sqrt(B') (1 - x/6 + 5x^2/72 …): no digits are lost."""
    expected = x * np.sqrt(1e6) * (1 - x / 6 + 5 * x * x / 72)
    assert ams_value(1e6 * x, 1e6, 0.0) == pytest.approx(expected, rel=3e-9)
    assert ams_value(1e6 * x, 1e6, 0.0) > 0


def test_edges_of_the_ams() -> None:
    assert ams_value(0.0, 0.0, 10.0) == 0
    assert ams_value(5.0, -10.0, 10.0) == 0
    assert ams_value(5.0, -20.0, 10.0) == 0
    assert ams_value(-3.0, 100.0, 10.0) == 0
    assert ams_value(5.0, 0.0, 0.0) == 0


def test_the_registry_is_sorted_and_consistent() -> None:
    assert all(name == metric.name for name, metric in METRICS.items())
    assert list(dict.fromkeys(metric.kind for metric in METRICS.values())) == list(SCORER_VERSIONS)
    for kind in ("selection", "regression"):  # those of masks go from pooled to per class
        assert names_of(kind) == sorted(names_of(kind))
    assert {name for name, metric in METRICS.items() if metric.kind == "selection"} == {
        "accuracy",
        "ams",
        "ams3",
        "ams_systematic",
        "auc",
        "background_rejection",
        "max_sic",
        "purity",
        "rejection_at_30",
        "rejection_at_50",
        "signal_efficiency",
    }
