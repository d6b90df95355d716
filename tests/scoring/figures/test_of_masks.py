"""Figures of masks: events are the unit; displays show four events by their accuracy."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring.binning import Detail
from fivesigma_scoring.figures import Figure
from fivesigma_scoring.layers import MOST_POINTS, Mark, Mask, Matrix, Steps
from fivesigma_scoring.segmentation.counts import Sample
from fivesigma_scoring.segmentation.displays import (
    EventPixels,
    chosen_events,
    event_display,
    event_displays,
)
from fivesigma_scoring.segmentation.figures import figures
from hypothesis import given
from hypothesis import strategies as st

PIXELS = 40


def sample_of(n: int, seed: int = 1, groups: int = 0, rare: int = 0) -> Sample:
    """Events of three classes; class 3 in the first `rare` of them alone."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, (n, PIXELS)).astype(np.uint8)
    truth[:, 0] = 1
    truth[:rare, 1] = 3
    good = random.random((n, PIXELS)) < random.beta(4, 1, (n, 1))
    predicted = np.where(good, truth, random.integers(0, 4, truth.shape)).astype(np.uint8)
    group = random.integers(0, groups, n) if groups else None
    return Sample.of(truth.ravel(), predicted.ravel(), np.arange(n + 1) * PIXELS, 4, group)


def by_name(sample: Sample, detail: Detail, classes: Sequence[str] = ()) -> dict[str, Figure]:
    return {one.name: one for one in figures(sample, detail, classes)}


def matrix_of(sample: Sample, detail: Detail, classes: Sequence[str] = ()) -> Matrix:
    layer = by_name(sample, detail, classes)["confusion"].layers[0]
    assert isinstance(layer, Matrix)
    return layer


def test_the_confusion_matrix_pools_the_pixels_of_all_events() -> None:
    sample = sample_of(70, rare=60)
    shares = np.array(matrix_of(sample, Detail.ORGANISER).values)
    for row, truth in enumerate((1, 2, 3)):
        counts = [sum(int(event[truth, p]) for event in sample.counts) for p in range(4)]
        np.testing.assert_allclose(shares[row], np.array(counts) / sum(counts), rtol=1e-12)


def test_a_class_is_shown_where_50_events_have_it() -> None:
    assert matrix_of(sample_of(70, rare=50), Detail.PARTICIPANT_BLIND).rows[-1] == "class 3"
    named = matrix_of(
        sample_of(70, rare=49), Detail.PARTICIPANT_BLIND, ["nothing", "electron", "other", "proton"]
    )
    assert named.rows == ("electron", "other")
    assert named.columns == ("nothing", "electron", "other", "proton")
    assert matrix_of(sample_of(70, rare=49), Detail.ORGANISER).rows[-1] == "class 3"


def test_shares_of_participants_have_three_decimals() -> None:
    values = np.array(matrix_of(sample_of(200), Detail.PARTICIPANT_OPEN).values)
    assert (values == np.round(values, 3)).all()
    fine = np.array(matrix_of(sample_of(200), Detail.ORGANISER).values)
    np.testing.assert_allclose(values, fine, atol=5.01e-4)
    assert not (values == fine).all()


@pytest.mark.parametrize("detail", [Detail.PARTICIPANT_BLIND, Detail.PARTICIPANT_OPEN])
def test_few_events_make_no_figure(detail: Detail) -> None:
    assert not figures(sample_of(49), detail)
    assert not figures(sample_of(500, groups=49), detail)
    assert set(by_name(sample_of(2000), detail)) == {"confusion", "event_accuracy"}


@given(n=st.integers(1, 500), seed=st.integers(0, 20), groups=st.sampled_from([0, 40, 90]))
def test_a_bin_of_accuracies_holds_50_events(n: int, seed: int, groups: int) -> None:
    sample = sample_of(n, seed, groups)
    unit = np.arange(n) if sample.group is None else sample.group
    figure = by_name(sample, Detail.PARTICIPANT_BLIND).get("event_accuracy")
    if figure is None:
        return
    steps: Any = figure.layers[0]
    assert isinstance(steps, Steps)
    assert len(steps.values) <= 50
    for low, high in pairwise([-np.inf, *steps.edges[1:-1], np.inf]):
        inside = (sample.accuracies >= low) & (sample.accuracies < high)
        assert np.unique(unit[inside]).size >= 50
    for value in (*steps.values, *steps.errors):
        assert value == float(f"{value:.2e}")


def test_all_events_are_in_the_histogram() -> None:
    sample = sample_of(3000)
    figure = by_name(sample, Detail.ORGANISER)["event_accuracy"]
    steps: Any = figure.layers[0]
    widths = np.diff(steps.edges)
    assert np.dot(steps.values, widths / widths.min()) == pytest.approx(3000)
    marks = {one.label: one.x for one in figure.layers if isinstance(one, Mark)}
    assert marks["80th percentile"] == pytest.approx(np.percentile(sample.accuracies, 80))


def test_four_events_are_chosen_by_their_accuracy() -> None:
    accuracies = np.random.default_rng(2).permutation(101) / 100
    found = [round(float(accuracies[event]), 2) for event in chosen_events(accuracies)]
    assert found == [0.0, 0.2, 0.5, 0.8]
    assert chosen_events(np.array([0.5])) == [0]
    assert chosen_events(np.array([])) == []
    assert len(set(chosen_events(np.ones(3)))) == len(chosen_events(np.ones(3)))


def masks_of(figure: Figure) -> dict[str, Mask]:
    return {one.label: one for one in figure.layers if isinstance(one, Mask)}


def test_a_display_shows_truth_prediction_and_difference() -> None:
    pixels = EventPixels(
        "17", np.array([0, 5, 11, 7]), np.array([1, 2, 2, 0]), np.array([1, 1, 0, 2])
    )
    shown = masks_of(
        event_display("event_1", pixels, 1 / 3, (3, 4), ["nothing", "shower", "track"])
    )
    truth, predicted, wrong = shown.values()
    assert (truth.height, truth.width) == (3, 4)
    assert sorted(zip(truth.row, truth.column, truth.code, strict=True)) == [
        (0, 0, 1),
        (1, 1, 2),
        (2, 3, 2),
    ]
    assert sorted(zip(predicted.row, predicted.column, predicted.code, strict=True)) == [
        (0, 0, 1),
        (1, 1, 1),
    ]
    assert sorted(zip(wrong.row, wrong.column, wrong.code, strict=True)) == [
        (0, 0, 0),
        (1, 1, 1),
        (2, 3, 1),
    ]


def test_three_dimensions_are_seen_from_two_sides() -> None:
    index = np.array([(1 * 4 + 2) * 5 + 3, (1 * 4 + 2) * 5 + 0])
    pixels = EventPixels("1", index, np.array([1, 2]), np.array([1, 2]))
    shown = masks_of(event_display("event_1", pixels, 1.0, (3, 4, 5), ()))
    assert len(shown) == 6
    along_z, along_y = shown["Truth, seen along z"], shown["Truth, seen along y"]
    assert (along_z.height, along_z.width) == (3, 4)
    assert list(zip(along_z.row, along_z.column, along_z.code, strict=True)) == [(1, 2, 2)]
    assert (along_y.height, along_y.width) == (3, 5)
    assert sorted(zip(along_y.row, along_y.column, along_y.code, strict=True)) == [
        (1, 0, 2),
        (1, 3, 1),
    ]


def test_large_events_are_thinned_and_strange_shapes_refused() -> None:
    n = 3 * MOST_POINTS
    many = EventPixels("1", np.arange(n), np.ones(n, int), np.ones(n, int))
    figure = event_display("event_1", many, 1.0, (300, 300), ())
    assert {len(mask.row) for mask in masks_of(figure).values()} == {MOST_POINTS}
    assert Figure.from_json(figure.as_json()) == figure
    few = EventPixels("1", np.array([0]), np.array([1]), np.array([1]))
    for shape in ((9,), (2, 2, 2, 2)):
        with pytest.raises(ValueError, match="axes"):
            event_display("event_1", few, 1.0, shape, ())
    with pytest.raises(ValueError, match="out of bounds"):
        event_display("event_1", many, 1.0, (3, 3), ())


def test_displays_ask_for_the_chosen_events_alone() -> None:
    asked = []

    def pixels_of(event: int) -> EventPixels:
        asked.append(event)
        return EventPixels(str(event), np.array([3]), np.array([1]), np.array([0]))

    accuracies = np.linspace(0, 1, 11)
    shown = event_displays(accuracies, (2, 2), pixels_of, ["nothing", "track"])
    assert asked == [0, 2, 5, 8]
    assert [one.name for one in shown] == ["event_1", "event_2", "event_3", "event_4"]
    assert shown[1].note == "20.0 % of its pixels are right."
