"""Which submissions move on: pure rules, against hand-made cases and random histories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fivesigma_backend.challenges.definition import PhaseDefinition
from fivesigma_backend.challenges.views import intake_text
from fivesigma_backend.submissions.carry_rules import CarryOver, Fate, chosen, fates, last_team
from fivesigma_backend.submissions.counting import BoardRule, Scored, SplitScore, finalists
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 12, 1, tzinfo=UTC)
RULE = BoardRule(finals=2)


def one(
    name: str,
    public: float | None,
    *,
    at: int = 0,
    passes: bool = True,
    selected: bool = False,
    late: bool = False,
    disqualified: bool = False,
) -> Scored:
    split = None if public is None else SplitScore(public, None, (public,), passes=passes)
    return Scored(
        name,
        START + timedelta(minutes=at),
        split,
        SplitScore(0.0, None, (0.0,)),
        selected=selected,
        late=late,
        disqualified=disqualified,
    )


def names(scored: list[Scored]) -> list[str]:
    return [found.submission_id for found in scored]


MANY = [one("a", 1.0), one("b", 3.0, at=1), one("c", 2.0, at=2)]


def test_best_is_the_best_public_and_latest_the_last_that_is_scored() -> None:
    assert names(chosen(MANY, CarryOver.BEST, RULE)) == ["b"]
    assert names(chosen(MANY, CarryOver.LATEST, RULE)) == ["c"]
    assert chosen(MANY, CarryOver.NONE, RULE) == []


def test_selected_are_the_finals_and_free_places_are_filled_by_public_score() -> None:
    assert names(chosen(MANY, CarryOver.SELECTED, RULE)) == ["b", "c"]
    picked = [one("a", 1.0, selected=True), *MANY[1:]]
    assert names(chosen(picked, CarryOver.SELECTED, RULE)) == ["a", "b"]
    assert names(chosen(MANY, CarryOver.SELECTED, BoardRule(finals=0))) == ["a", "b", "c"]


def test_what_is_below_a_gate_moves_only_where_nothing_passes() -> None:
    below = one("d", 9.0, passes=False)
    assert names(chosen([below, *MANY], CarryOver.BEST, RULE)) == ["b"]
    assert names(chosen([below], CarryOver.BEST, RULE)) == ["d"]


def test_a_frozen_board_freezes_no_choice() -> None:
    frozen = BoardRule(finals=2, frozen_at=START + timedelta(seconds=1))
    assert names(chosen(MANY, CarryOver.BEST, frozen)) == ["b"]


def test_a_disqualified_entry_gives_nothing() -> None:
    for which in CarryOver:
        assert chosen(MANY, which, RULE, disqualified=True) == []


scores = st.one_of(st.none(), st.floats(-5, 5), st.just(float("nan")))
histories = st.lists(
    st.builds(
        one,
        st.uuids().map(str),
        scores,
        at=st.integers(0, 50),
        passes=st.booleans(),
        selected=st.booleans(),
        late=st.booleans(),
        disqualified=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda scored: scored.submission_id,
)


@given(histories, st.sampled_from(CarryOver), st.integers(0, 4), st.booleans())
def test_what_moves_competes_is_unique_and_does_not_depend_on_the_order(
    history: list[Scored], which: CarryOver, finals: int, latest: bool
) -> None:
    rule = BoardRule(latest=latest, finals=finals)
    found = chosen(history, which, rule)
    assert all(scored.competes for scored in found)
    assert len(set(names(found))) == len(found)
    assert set(names(chosen(history[::-1], which, rule))) == set(names(found))
    if which is CarryOver.SELECTED:
        assert found == finalists(history, rule)
    else:
        able = [s for s in history if s.competes and s.public and s.public.score == s.public.score]
        assert len(found) == (which is not CarryOver.NONE and bool(able))


def test_merges_are_followed_to_their_end_even_in_a_circle() -> None:
    merged = {"a": "b", "b": "c", "x": "y", "y": "x"}
    assert [last_team(team, merged) for team in ("a", "b", "c")] == ["c", "c", "c"]
    assert last_team("x", merged) in ("x", "y")


ids = st.sets(st.sampled_from("abcdefgh"))


@given(ids, st.dictionaries(st.sampled_from("abcdefgh"), st.booleans()))
def test_fates_bring_what_is_present_to_what_is_chosen_and_then_rest(
    wanted: set[str], present: dict[str, bool]
) -> None:
    after = dict(present)
    for name, fate in fates(wanted, present).items():
        after[name] = fate is Fate.SUPERSEDED
    assert {name for name, superseded in after.items() if not superseded} == wanted
    assert set(present) <= set(after)
    assert set(fates(wanted, after).values()) <= {Fate.STAYS}


PHASE = {"slug": "next", "title": "Next", "opens": START, "metric": "ams", "carry_from": "first"}


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (
            {"carry_over": "selected", "uploads": False},
            "no uploads; it takes over each team's finals of “first”",
        ),
        (
            {"carry_over": "latest", "limits": {"total": 3}},
            "3 in total; each team's latest one of “first” besides",
        ),
        (
            {"carry_from": None, "late": True},
            "unlimited; late ones, unranked, once the private board is open",
        ),
    ],
)
def test_a_phase_says_what_it_takes(keys: dict[str, object], text: str) -> None:
    assert intake_text(PhaseDefinition.model_validate(PHASE | keys)) == text
