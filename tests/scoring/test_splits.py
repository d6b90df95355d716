"""The seeded split."""

import numpy as np
import pytest
from fivesigma_scoring import make_usage
from hypothesis import given, settings
from hypothesis import strategies as st

examples = settings(deadline=None, max_examples=50)

PINNED = [1, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 2, 1, 2, 2, 1, 1, 1, 2]


def test_the_same_split_on_every_machine() -> None:
    """These numbers were printed when a challenge was loaded; they must never change."""
    label = np.array([0, 1] * 10)
    first = make_usage(label, public=0.3, seed=20141)
    assert first.tolist() == make_usage(label, public=0.3, seed=20141).tolist()
    assert first.tolist() == PINNED
    assert first.tolist() != make_usage(label, public=0.3, seed=20142).tolist()


@examples
@given(
    st.lists(st.booleans(), min_size=1, max_size=200),
    st.floats(0.05, 0.95),
    st.integers(0, 2**32),
)
def test_each_class_keeps_its_share(label: list[bool], public: float, seed: int) -> None:
    usage = make_usage(label, public=public, seed=seed)
    assert usage.dtype == np.int8
    for value in (False, True):
        members = usage[np.array(label) == value]
        assert (members == 1).sum() == int(np.floor(public * members.size + 0.5))
        assert set(members.tolist()) <= {1, 2}


@examples
@given(st.lists(st.integers(0, 9), min_size=1, max_size=100), st.booleans())
def test_groups_are_never_split(group: list[int], stratify: bool) -> None:
    usage = make_usage(np.zeros(len(group)), public=0.5, seed=3, stratify=stratify, group=group)
    for value in set(group):
        assert len(set(usage[np.array(group) == value].tolist())) == 1


def test_groups_are_shared_out_within_their_class() -> None:
    group = np.arange(400) // 2
    label = group < 40
    usage = make_usage(label, public=0.25, seed=9, group=group)
    assert (usage[label] == 1).sum() == 20
    assert (usage[~label] == 1).sum() == 80


def test_strata_may_be_a_column_and_none_may_be_asked_for() -> None:
    label, stratum = np.zeros(100), np.arange(100) % 4
    usage = make_usage(label, public=0.4, seed=1, stratify=stratum)
    assert [int((usage[stratum == value] == 1).sum()) for value in range(4)] == [10] * 4
    assert (make_usage(np.arange(100) % 4, public=0.4, seed=1, stratify=False) == 1).sum() == 40


@pytest.mark.parametrize("public", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_between_nothing_and_all(public: float) -> None:
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        make_usage([0, 1], public=public, seed=1)
