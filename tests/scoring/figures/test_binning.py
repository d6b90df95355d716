"""No bin of a participant's figure holds a few events, whatever the file."""

import numpy as np
import pytest
from fivesigma_scoring.binning import (
    Detail,
    bin_edges,
    bin_numbers,
    merged,
    physical_events,
    significant,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

PARTICIPANTS = (Detail.PARTICIPANT_BLIND, Detail.PARTICIPANT_OPEN)
FINITE = st.floats(-1e6, 1e6)
CLUMPED = st.sampled_from([-1.0, 0.0, 0.0, 1e-9, 0.5, 1.0, 3.0])


def events_in_bins(
    edges: np.ndarray, values: np.ndarray, group: np.ndarray | None = None
) -> list[int]:
    """Different events in each bin, by a plain loop."""
    found: list[set[int]] = [set() for _ in range(edges.size - 1)]
    for row, value in enumerate(values):
        at = max(k for k in range(edges.size - 1) if k == 0 or value >= edges[k])
        found[at].add(row if group is None else int(group[row]))
    return [len(one) for one in found]


@given(
    values=arrays.arrays(np.float64, st.integers(1, 400), elements=FINITE | CLUMPED),
    detail=st.sampled_from(PARTICIPANTS),
    most=st.integers(0, 80),
)
def test_a_participants_bin_holds_50_events(values: np.ndarray, detail: Detail, most: int) -> None:
    edges = bin_edges(values, np.ones(values.size, bool), detail, most)
    if edges.size:
        assert 2 <= edges.size <= 51
        assert min(events_in_bins(edges, values)) >= 50
        assert (np.diff(edges) > 0).all()
    if values.size < 50:
        assert not edges.size


@given(
    values=arrays.arrays(np.float64, 600, elements=FINITE | CLUMPED),
    group=arrays.arrays(np.int64, 600, elements=st.integers(0, 150)),
)
def test_rows_of_one_event_count_once(values: np.ndarray, group: np.ndarray) -> None:
    counted = physical_events(group, 600)
    assert counted.sum() == np.unique(group).size
    assert np.unique(group[counted]).size == counted.sum()
    edges = bin_edges(values, counted, Detail.PARTICIPANT_BLIND)
    if edges.size:
        assert min(events_in_bins(edges, values, group)) >= 50


def test_rows_stand_alone_without_groups() -> None:
    assert physical_events(None, 3).tolist() == [True, True, True]
    assert physical_events(np.array([7, 2, 7, 2, 0]), 5).tolist() == [
        True,
        True,
        False,
        False,
        True,
    ]


def test_enough_events_are_binned_finely() -> None:
    values = np.random.default_rng(1).normal(size=20_000)
    everything = np.ones(values.size, bool)
    assert 25 < bin_edges(values, everything, Detail.PARTICIPANT_BLIND).size <= 51
    for high in (1.0, 1.1, 1.3):
        even = np.linspace(0, high, 10_000)
        assert bin_edges(even, np.ones(even.size, bool), Detail.PARTICIPANT_OPEN).size <= 51
    fine = bin_edges(values, everything, Detail.ORGANISER)
    assert 100 < fine.size <= 201
    assert bin_edges(values, everything, Detail.ORGANISER, 10).size <= 11


def test_organisers_see_bins_of_single_events_and_none() -> None:
    edges = bin_edges(np.array([0.0, 1.0]), np.ones(2, bool), Detail.ORGANISER)
    assert sorted(events_in_bins(edges, np.array([0.0, 1.0])))[-2:] == [1, 1]
    assert 0 in events_in_bins(edges, np.array([0.0, 1.0]))
    assert not bin_edges(np.array([1.0, 1.0]), np.ones(2, bool), Detail.ORGANISER).size


def test_edges_are_round_and_bounded_values_end_at_their_bounds() -> None:
    values = np.random.default_rng(2).uniform(0, 1, 10_000)
    edges = bin_edges(values, np.ones(values.size, bool), Detail.PARTICIPANT_BLIND)
    assert edges.tolist() == [float(f"{k / 50:.12g}") for k in range(51)]


def test_far_away_events_do_not_stretch_the_axis() -> None:
    values = np.append(np.random.default_rng(3).normal(size=5000), [1e9, -1e9])
    edges = bin_edges(values, np.ones(values.size, bool), Detail.PARTICIPANT_BLIND)
    assert np.abs(edges).max() < 6
    numbers = bin_numbers(edges, values)
    assert numbers[-2:].tolist() == [edges.size - 2, 0]


@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        ([50, 50], [0, 1, 2]),
        ([49, 1, 50], [0, 2, 3]),
        ([50, 49], [0, 2]),
        ([0, 0, 100], [0, 3]),
        ([100, 0, 0], [0, 3]),
    ],
)
def test_bins_are_merged_with_their_neighbours(counts: list[int], kept: list[int]) -> None:
    assert merged(np.array(counts), 50).tolist() == kept


def test_rounding_keeps_three_digits() -> None:
    values = np.array([[123456.0, -0.00123456], [0.0, 9.9999]])
    assert significant(values).tolist() == [[123000.0, -0.00123], [0.0, 10.0]]
    for detail in PARTICIPANTS:
        assert detail.rounded(np.array([1.23456])).tolist() == [1.23]
        assert detail.rounded_shares(np.array([0.00123, 0.98765])).tolist() == [0.001, 0.988]
        assert detail.rounded_one(1.23456) == 1.23
    assert Detail.ORGANISER.rounded(np.array([1.23456])).tolist() == [1.23456]
    assert Detail.ORGANISER.rounded_shares(np.array([0.98765])).tolist() == [0.98765]
