"""Figures of regressions against plain loops."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring.binning import Detail
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.layers import Curve, Mark, Points, Steps
from fivesigma_scoring.regression.figures import figures
from fivesigma_scoring.regression.sample import Sample
from hypothesis import given
from hypothesis import strategies as st

PARTICIPANTS = [Detail.PARTICIPANT_BLIND, Detail.PARTICIPANT_OPEN]


def sample_of(
    n: int = 3000,
    seed: int = 1,
    *,
    weighted: bool = False,
    targets: int = 1,
    groups: int = 0,
    digits: int = 6,
) -> Sample:
    random = np.random.default_rng(seed)
    truth = random.uniform(85, 500, (n, targets))
    prediction = truth + random.normal(5, 0.1 * truth)
    weight = random.integers(1, 9, n) / 4 if weighted else np.ones(n)
    group = np.unique(random.integers(0, groups, n), return_inverse=True)[1] if groups else None
    return Sample.of(np.round(truth, digits), np.round(prediction, digits), weight, group)


def by_name(sample: Sample, detail: Detail, *targets: str) -> dict[str, Figure]:
    return {one.name: one for one in figures(sample, detail, targets)}


def layer(figure: Figure, kind: type) -> Any:
    return next(one for one in figure.layers if isinstance(one, kind))


@pytest.mark.parametrize("detail", PARTICIPANTS)
def test_few_events_make_no_figure(detail: Detail) -> None:
    assert not figures(sample_of(49), detail)
    assert not figures(sample_of(400, groups=40), detail)
    assert set(by_name(sample_of(), detail)) == {"residuals", "response", "resolution"}


@pytest.mark.parametrize("weighted", [False, True])
def test_all_events_are_in_the_histogram_of_residuals(weighted: bool) -> None:
    sample = sample_of(weighted=weighted)
    figure = by_name(sample, Detail.ORGANISER)["residuals"]
    steps = layer(figure, Steps)
    scale = np.diff(steps.edges) / np.diff(steps.edges).min()
    assert np.dot(steps.values, scale) == pytest.approx(sample.weight.sum())
    assert np.sum((np.array(steps.errors) * scale) ** 2) == pytest.approx((sample.weight**2).sum())
    assert ("Weighted" in figure.y_label) == weighted
    mean = np.average(sample.residual[:, 0], weights=sample.weight)
    assert layer(figure, Mark).x == pytest.approx(mean)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_response_by_a_plain_loop(weighted: bool) -> None:
    sample = sample_of(weighted=weighted)
    shown = by_name(sample, Detail.ORGANISER)
    mean, band = layer(shown["response"], Points), layer(shown["response"], Curve)
    resolution = layer(shown["resolution"], Points)
    bins = len(mean.x)
    assert bins > 10
    for k in range(1, bins - 1):
        low, high = mean.x[k] - mean.x_errors[k], mean.x[k] + mean.x_errors[k]
        rows = [i for i in range(sample.n) if low - 1e-9 <= sample.truth[i, 0] < high - 1e-9]
        residual = [float(sample.prediction[i, 0] - sample.truth[i, 0]) for i in rows]
        weight = [float(sample.weight[i]) for i in rows]
        total = sum(weight)
        wanted = sum(w * r for w, r in zip(weight, residual, strict=True)) / total
        spread = sum((w * (r - wanted)) ** 2 for w, r in zip(weight, residual, strict=True))
        assert mean.y[k] == pytest.approx(wanted)
        assert mean.y_errors[k] == pytest.approx(np.sqrt(spread) / total)
        if not weighted:
            q16, median, q84 = np.quantile(residual, [0.1587, 0.5, 0.8413])
            found = (band.low[k], band.y[k], band.high[k], resolution.y[k])
            assert found == pytest.approx((q16, median, q84, (q84 - q16) / 2))


def test_the_error_of_the_resolution_is_that_of_gaussian_residuals() -> None:
    random = np.random.default_rng(4)
    values = random.normal(size=(2000, 400))
    q16, q84 = np.quantile(values, [0.1587, 0.8413], axis=1)
    spread = np.std((q84 - q16) / 2)
    truth = np.repeat([0.0, 1.0], 200)
    sample = Sample.of(truth, truth + values[0], np.ones(400))
    shown = layer(by_name(sample, Detail.ORGANISER)["resolution"], Points)
    errors, sizes = np.array(shown.y_errors), np.array(shown.y)
    np.testing.assert_allclose(errors / sizes, spread * np.sqrt(400 / 200), rtol=0.05)


def test_each_target_has_its_figures() -> None:
    shown = by_name(sample_of(targets=2), Detail.PARTICIPANT_BLIND, "mass", "pt")
    assert set(shown) == {
        f"{name}_{at}" for name in ("residuals", "response", "resolution") for at in (1, 2)
    }
    assert "pt" in shown["residuals_2"].x_label
    assert "target 2" in by_name(sample_of(targets=2), Detail.ORGANISER)["residuals_2"].x_label


@given(
    n=st.integers(1, 400),
    seed=st.integers(0, 30),
    groups=st.sampled_from([0, 45, 120]),
    digits=st.sampled_from([-2, 0, 6]),
    detail=st.sampled_from(PARTICIPANTS),
)
def test_no_bin_holds_few_events(
    n: int, seed: int, groups: int, digits: int, detail: Detail
) -> None:
    sample = sample_of(n, seed, groups=groups, digits=digits)
    unit = np.arange(n) if sample.group is None else sample.group
    values = {"residuals": sample.residual[:, 0], "response": sample.truth[:, 0]}
    for name, figure in by_name(sample, detail).items():
        points = [one for one in figure.layers if isinstance(one, Points)]
        for one in points:
            for number in (*one.y, *(one.y_errors or ())):
                assert number == float(f"{number:.2e}")
        if name == "residuals":
            inner = list(layer(figure, Steps).edges[1:-1])
        else:
            assert points[0].x_errors is not None
            inner = [x + half for x, half in zip(points[0].x, points[0].x_errors, strict=True)]
            inner = inner[:-1]
        assert len(inner) < 50
        shown = values.get(name, sample.truth[:, 0])
        for low, high in pairwise([-np.inf, *inner, np.inf]):
            inside = (shown >= low - 1e-9) & (shown < high + 1e-9)
            assert np.unique(unit[inside]).size >= 50


def test_odd_samples_leave_out_what_has_no_meaning() -> None:
    random = np.random.default_rng(1)
    truth = random.normal(size=200)
    negative = Sample.of(truth, truth * 1.1, np.where(np.arange(200) < 20, -1.0, 1.0))
    assert set(by_name(negative, Detail.ORGANISER)) == {"residuals"}
    perfect = Sample.of(truth, truth, np.ones(200))
    assert set(by_name(perfect, Detail.PARTICIPANT_BLIND)) == {"response", "resolution"}
    constant = Sample.of(np.ones(200), truth, np.ones(200))
    assert set(by_name(constant, Detail.PARTICIPANT_BLIND)) == {"residuals"}
    huge = Sample.of(truth, truth * 1e49, np.ones(200))
    assert not figures(huge, Detail.PARTICIPANT_BLIND)
    weightless = Sample.of(truth, truth * 1.1, (truth > 0).astype(float))
    assert set(by_name(weightless, Detail.ORGANISER)) == {"residuals", "response", "resolution"}
