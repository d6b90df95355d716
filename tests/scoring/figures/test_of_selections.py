"""Figures of selections: who may see what, and every point of a scan against the metric itself."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring.binning import Detail
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.layers import Curve, Mark, Matrix, Steps
from fivesigma_scoring.selection.bootstrap import estimates
from fivesigma_scoring.selection.cells import Sample, few_background_events
from fivesigma_scoring.selection.figures import figures
from fivesigma_scoring.selection.registry import METRICS
from fivesigma_scoring.selection.scan import Scan, cells_at, thresholds_of, your_cut
from hypothesis import given
from hypothesis import strategies as st

AMS = (METRICS["ams"], {"regularisation": 10.0})
SCANS = {"score_by_class", "ams_scan", "roc", "rejection", "efficiency"}


def sample_of(
    n: int = 4000,
    seed: int = 1,
    *,
    cut: float | None = 0.7,
    grouped: bool = False,
    fixed: tuple[bool, bool] = (True, True),
    digits: int = 3,
    scored: bool = True,
) -> Sample:
    """Events with a good score that has ties, and a selection; weights are multiples of 1/8."""
    random = np.random.default_rng(seed)
    truth = random.random(n) < 0.3
    score = np.round(1 / (1 + np.exp(-random.normal(np.where(truth, 1.2, -1.2)))), digits)
    weight = random.integers(1, 17, n) / 8 * np.where(truth, 0.125, 4.0)
    selected = random.random(n) < 0.4 if cut is None else score >= cut
    group = random.integers(0, n // 2, n) if grouped else None
    group = None if group is None else np.unique(group, return_inverse=True)[1]
    return Sample.of(truth, selected, weight, fixed, group, score=score if scored else None)


def by_name(sample: Sample, detail: Detail, *metrics: Any, **further: Any) -> dict[str, Figure]:
    return {one.name: one for one in figures(sample, detail, metrics or [AMS], **further)}


def layer(figure: Figure, kind: type, at: int = 0) -> Any:
    return [one for one in figure.layers if isinstance(one, kind)][at]


def passing_sums(sample: Sample, threshold: float) -> tuple[float, float]:
    """Weights of signal and background with score >= threshold, by a plain loop."""
    assert sample.score is not None
    s = b = 0.0
    for truth, score, weight in zip(sample.truth, sample.score, sample.weight, strict=True):
        if score >= threshold:
            s, b = (s + weight, b) if truth else (s, b + weight)
    return s, b


def at_threshold(sample: Sample, threshold: float) -> Sample:
    """The selection "score >= threshold", made as a submission would be."""
    assert sample.score is not None
    return Sample.of(
        sample.truth,
        sample.score >= threshold,
        sample.weight,
        sample.cells.fixed,
        sample.group,
        score=sample.score,
    )


def test_before_unblinding_nothing_is_scanned_or_split_by_class() -> None:
    sample = sample_of()
    assert sample.score is not None
    blind = by_name(sample, Detail.PARTICIPANT_BLIND, submitted=sample.score)
    assert set(blind) == {"score", "confusion"}
    for detail in (Detail.PARTICIPANT_OPEN, Detail.ORGANISER):
        assert set(by_name(sample, detail)) == {"confusion"} | SCANS


def test_the_blind_score_is_that_of_the_file_whatever_the_truth() -> None:
    sample = sample_of()
    file = np.random.default_rng(5).random(9000)
    shown = by_name(sample, Detail.PARTICIPANT_BLIND, submitted=file)["score"]
    other = by_name(sample_of(seed=2), Detail.PARTICIPANT_BLIND, submitted=file)["score"]
    assert shown == other
    assert "score" not in by_name(sample, Detail.PARTICIPANT_BLIND)
    steps = layer(shown, Steps)
    assert sum(steps.values) == pytest.approx(9000, rel=0.005)


def test_without_a_score_there_is_the_confusion_matrix_alone() -> None:
    for detail in Detail:
        assert set(by_name(sample_of(scored=False), detail)) == {"confusion"}


def test_too_few_events_make_no_figure_for_participants() -> None:
    few = sample_of(49)
    assert few.score is not None
    for detail in (Detail.PARTICIPANT_BLIND, Detail.PARTICIPANT_OPEN):
        assert not figures(few, detail, [AMS], few.score)
    assert set(by_name(few, Detail.ORGANISER)) == {"confusion"} | SCANS


def test_a_row_of_the_confusion_matrix_with_a_small_cell_is_left_out() -> None:
    sample = sample_of(cut=0.92)
    assert sample.selected.sum() > 60
    background = int((sample.selected & ~sample.truth).sum())
    assert background < 50
    matrix = layer(by_name(sample, Detail.PARTICIPANT_BLIND)["confusion"], Matrix)
    assert matrix.rows == ("Signal",)
    assert layer(by_name(sample, Detail.ORGANISER)["confusion"], Matrix).rows == (
        "Background",
        "Signal",
    )
    one = Sample.of(sample.truth, np.arange(sample.n) == 7, sample.weight)
    assert "confusion" not in by_name(one, Detail.PARTICIPANT_BLIND)


def test_the_confusion_matrix_has_shares_of_weight() -> None:
    sample = sample_of()
    values = layer(by_name(sample, Detail.ORGANISER)["confusion"], Matrix).values
    s, b = passing_sums(sample, 0.7)
    weight = sample.weight
    assert values[1][1] == pytest.approx(s / weight[sample.truth].sum(), rel=1e-12)
    assert values[0][1] == pytest.approx(b / weight[~sample.truth].sum(), rel=1e-12)
    assert [sum(row) for row in values] == pytest.approx([1, 1])


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("fixed", [(True, True), (False, False)])
@pytest.mark.parametrize("detail", [Detail.PARTICIPANT_OPEN, Detail.ORGANISER])
def test_the_ams_against_the_cut_is_the_metric_with_its_sigma(
    detail: Detail, fixed: tuple[bool, bool], grouped: bool
) -> None:
    sample = sample_of(2500, fixed=fixed, grouped=grouped)
    curve = layer(by_name(sample, detail)["ams_scan"], Curve)
    rough = 0
    for threshold, value, low, high in zip(curve.x, curve.y, curve.low, curve.high, strict=True):
        wanted = estimates(at_threshold(sample, threshold), [AMS])[0]
        rough += wanted.bootstrap
        assert wanted.sigma is not None
        triple = (wanted.value, wanted.value - wanted.sigma, wanted.value + wanted.sigma)
        shown = [detail.rounded_one(one) for one in triple]
        assert [value, low, high] == shown
    assert 0 < rough < len(curve.x)


def test_the_ams_against_the_cut_by_a_plain_loop() -> None:
    sample = sample_of()
    curve = layer(by_name(sample, Detail.ORGANISER)["ams_scan"], Curve)
    assert 40 < len(curve.x) <= 200
    for threshold, value in list(zip(curve.x, curve.y, strict=True))[::7]:
        s, b = passing_sums(sample, threshold)
        total = b + 10
        assert value == pytest.approx(
            math.sqrt(2 * ((s + total) * math.log(1 + s / total) - s)), rel=1e-9
        )


@pytest.mark.parametrize(("grouped", "kept"), [(False, 12), (True, 3)])
def test_few_of_the_rough_thresholds_are_kept_and_all_others(grouped: bool, kept: int) -> None:
    sample = sample_of(1500, grouped=grouped, digits=2)
    assert sample.score is not None
    thresholds = np.unique(sample.score)
    scan = Scan.replicated(sample, sample.score, thresholds, [AMS])
    rough = np.array([few_background_events(at_threshold(sample, t)) for t in thresholds])
    assert 12 < rough.sum() < thresholds.size
    assert set(thresholds[~rough]) <= set(scan.thresholds)
    assert len(scan.thresholds) == (~rough).sum() + kept


def test_bands_of_efficiencies_are_those_of_the_metrics() -> None:
    sample = sample_of(grouped=True)
    signal = layer(by_name(sample, Detail.ORGANISER)["efficiency"], Curve, 1)
    at = len(signal.x) // 2
    wanted = estimates(at_threshold(sample, signal.x[at]), [(METRICS["signal_efficiency"], {})])[0]
    assert wanted.sigma is not None
    assert (signal.high[at] - signal.low[at]) / 2 == pytest.approx(wanted.sigma)


def test_the_significances_of_the_phase_are_scanned_with_its_options() -> None:
    sample = sample_of()
    systematic = METRICS["ams_systematic"]
    options = systematic.settings({"background_systematic": 0.1})
    auc = (METRICS["auc"], {"weighted": False})
    shown = by_name(sample, Detail.ORGANISER, (systematic, options), auc)
    assert "ams_scan" not in shown
    curve = layer(shown["ams_systematic_scan"], Curve)
    at = len(curve.x) // 2
    wanted = systematic.function(at_threshold(sample, curve.x[at]), options)
    assert curve.y[at] == wanted
    assert not any("scan" in name for name in by_name(sample, Detail.ORGANISER, auc))


def test_roc_and_efficiencies_by_a_plain_loop() -> None:
    sample = sample_of()
    shown = by_name(sample, Detail.ORGANISER)
    total_s = float(sample.weight[sample.truth].sum())
    total_b = float(sample.weight[~sample.truth].sum())
    background, signal = (layer(shown["efficiency"], Curve, at) for at in (0, 1))
    for k in range(0, len(signal.x), 9):
        s, b = passing_sums(sample, signal.x[k])
        assert signal.y[k] == pytest.approx(s / total_s, rel=1e-12)
        assert background.y[k] == pytest.approx(b / total_b, rel=1e-12)
    assert sample.score is not None
    every = {
        (s / total_s, b / total_b)
        for s, b in (passing_sums(sample, t) for t in np.unique(sample.score))
    }
    roc, rejection = layer(shown["roc"], Curve, 1), layer(shown["rejection"], Curve)
    for accepted, efficiency in list(zip(roc.x, roc.y, strict=True))[::9]:
        assert min(math.dist((efficiency, accepted), point) for point in every) < 1e-12
    for efficiency, inverse in list(zip(rejection.x, rejection.y, strict=True))[::9]:
        assert min(math.dist((efficiency, 1 / inverse), point) for point in every) < 1e-12
    assert (roc.x[-1], roc.y[-1]) == (1.0, 1.0)
    assert all(np.diff(roc.x) >= 0)


def test_the_scores_of_each_class_are_normalised() -> None:
    shown = by_name(sample_of(), Detail.ORGANISER)["score_by_class"]
    for at, name in enumerate(("Background", "Signal")):
        steps = layer(shown, Steps, at)
        assert steps.label == name
        assert np.dot(steps.values, np.diff(steps.edges)) == pytest.approx(1)


def test_your_cut_is_marked_where_the_selection_is_one() -> None:
    sample = sample_of(cut=0.7)
    assert sample.score is not None
    assert your_cut(sample, sample.score) == 0.7
    mark = layer(by_name(sample, Detail.ORGANISER)["ams_scan"], Mark)
    assert (mark.x, mark.label) == (0.7, "Your cut")
    assert mark.y == AMS[0].function(sample, AMS[1])
    other = sample_of(cut=None)
    assert other.score is not None
    assert your_cut(other, other.score) is None
    mark = layer(by_name(other, Detail.ORGANISER)["ams_scan"], Mark)
    assert (mark.x, mark.label) == (None, "Your selection")


def test_a_tie_across_the_cut_is_no_cut() -> None:
    sample = sample_of()
    selected = sample.selected.copy()
    assert sample.score is not None
    selected[np.flatnonzero(sample.score == 0.7)[0]] = False
    assert your_cut(Sample.of(sample.truth, selected, sample.weight), sample.score) is None


@given(
    n=st.integers(2, 300),
    seed=st.integers(0, 50),
    grouped=st.booleans(),
    digits=st.integers(0, 3),
    cut=st.none() | st.floats(0, 1),
)
def test_no_figure_of_a_participant_shows_few_events(
    n: int, seed: int, grouped: bool, digits: int, cut: float | None
) -> None:
    sample = sample_of(n, seed, grouped=grouped, digits=digits, cut=cut)
    score, group = sample.score, sample.group
    assert score is not None
    unit = np.arange(n) if group is None else group
    for figure in figures(sample, Detail.PARTICIPANT_OPEN, [AMS], score):
        for one in figure.layers:
            assert_rounded(one)
            if isinstance(one, Matrix):
                assert_rows_hold_50(sample, unit, one)
            if isinstance(one, Steps):
                member = MEMBERS.get(one.label, lambda truth: truth | True)(sample.truth)
                units = np.arange(n) if figure.name == "score" else unit
                edges = [-np.inf, *one.edges[1:-1], np.inf]
                assert_bins_hold_50(edges, score[member], units[member])
            if isinstance(one, Curve) and figure.name in ("ams_scan", "efficiency"):
                assert_bins_hold_50([*one.x, np.inf], score, unit)


MEMBERS = {"Background": np.logical_not, "Signal": np.array}


def assert_bins_hold_50(edges: Any, values: np.ndarray, unit: np.ndarray) -> None:
    assert len(edges) <= 51
    for low, high in pairwise(edges):
        assert np.unique(unit[(values >= low) & (values < high)]).size >= 50


def assert_rows_hold_50(sample: Sample, unit: np.ndarray, matrix: Matrix) -> None:
    for name in matrix.rows:
        member = MEMBERS[name](sample.truth)
        for called in (sample.selected, ~sample.selected):
            assert np.unique(unit[member & called]).size >= 50


def assert_rounded(one: Any) -> None:
    for name in ("values", "errors", "y", "low", "high"):
        for value in np.ravel(getattr(one, name, None) or []):
            assert value == float(f"{value:.2e}")


def test_thresholds_pass_everything_at_the_end() -> None:
    score = np.repeat([0.1, 0.2, 0.3, 0.4], [10, 60, 30, 60])
    counted = np.ones(score.size, bool)
    found = thresholds_of(score, counted, np.array([0.15, 0.25, 0.35, 0.9]), 50)
    assert found.tolist() == [0.1, 0.35]
    assert thresholds_of(score, counted, np.array([0.35]), 61).tolist() == [0.1]


def test_cells_of_all_thresholds_are_those_of_each() -> None:
    sample = sample_of(500)
    assert sample.score is not None
    thresholds = np.array([0.0, 0.25, 0.5, 0.999, 2.0])
    for threshold, cells in zip(
        thresholds, cells_at(sample, sample.score, thresholds), strict=True
    ):
        wanted = at_threshold(sample, threshold).cells
        for name in ("count", "weight", "square"):
            np.testing.assert_array_equal(getattr(cells, name), getattr(wanted, name))
        assert cells.fixed == (True, True)


def test_a_scan_where_no_background_passes_is_a_bound() -> None:
    truth = np.arange(400) >= 200
    sample = Sample.of(truth, truth, np.ones(400), score=np.arange(400) / 400)
    assert sample.score is not None
    rejection = (METRICS["background_rejection"], {})
    scan = Scan.quick(sample, sample.score, np.array([0.2, 0.6]), [rejection])
    assert scan.known[:, 0].tolist() == [True, False]
    assert scan.sigmas[:, 0].tolist()[1:] == [0.0]
    shown = by_name(sample, Detail.PARTICIPANT_OPEN)
    assert max(layer(shown["rejection"], Curve).x) == 1.0
    assert min(layer(shown["roc"], Curve, 1).x) == 0.0


def test_scores_and_weights_beyond_drawing_leave_the_rest() -> None:
    sample = sample_of()
    assert sample.score is not None
    huge = Sample.of(
        sample.truth, sample.selected, sample.weight, score=(sample.score - 0.5) * 2 * 1e308
    )
    assert set(by_name(huge, Detail.ORGANISER, submitted=huge.score)) == {
        "confusion",
        "roc",
        "rejection",
    }


def test_a_constant_score_is_no_scan() -> None:
    sample = sample_of()
    flat = Sample.of(sample.truth, sample.selected, sample.weight, score=np.ones(sample.n))
    for detail in Detail:
        assert set(by_name(flat, detail, submitted=flat.score)) == {"confusion"}
