"""Ranking: ties, staff, missing scores, the state of a board."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fivesigma_backend.leaderboards.rules import BoardState, Line, board_state, moves, rank
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def line(
    team: str,
    score: float | None,
    *tie: float,
    after: int = 0,
    staff: bool = False,
    mark: str | None = None,
) -> Line:
    return Line(
        team_id=team,
        team=team,
        members=team,
        score=score,
        place=[score or 0.0, *tie],
        mark=mark,
        carried=False,
        sigma=None,
        entries=1,
        submitted_at=NOON + timedelta(seconds=after),
        last_submitted_at=NOON,
        submission_id=team,
        staff=staff,
        metadata=None,
        metrics=None,
    )


def ranks(lines: list[Line]) -> list[tuple[int | None, str]]:
    return [(each.rank, each.line.team) for each in rank(lines)]


def test_equal_scores_share_a_rank_and_stand_by_earlier_submission_then_name() -> None:
    lines = [line("c", 1.0), line("b", 2.0, after=9), line("a", 2.0, after=9), line("z", 2.0)]
    assert ranks(lines) == [(1, "z"), (1, "a"), (1, "b"), (4, "c")]


def test_staff_stand_in_place_without_a_rank_and_take_none_away() -> None:
    lines = [line("prof", 9.0, staff=True), line("a", 2.0), line("b", 1.0)]
    assert ranks(lines) == [(None, "prof"), (1, "a"), (2, "b")]


def test_tie_breaks_separate_equal_scores() -> None:
    board = ranks([line("a", 2.0, 0.1), line("b", 2.0, 0.2), line("c", 2.0, 0.2, after=1)])
    assert board == [(1, "b"), (1, "c"), (3, "a")]


@pytest.mark.parametrize("mark", ["gate", "late", "disqualified"])
def test_marked_lines_stand_in_place_without_a_rank(mark: str) -> None:
    assert ranks([line("x", 9.0, mark=mark), line("a", 2.0)]) == [(None, "x"), (1, "a")]


def test_a_move_is_the_number_of_places_won() -> None:
    public = rank([line("a", 3.0), line("b", 2.0), line("c", 1.0), line("prof", 9.0, staff=True)])
    private = rank([line("b", 3.0), line("a", 2.0), line("prof", 1.0, staff=True), line("new", 0)])
    assert moves(private, public) == {"b": 1, "a": -1}


def test_missing_and_non_finite_scores_are_not_on_the_board() -> None:
    assert ranks([line("a", None), line("b", float("nan")), line("c", float("inf"))]) == []


lines = st.lists(
    st.builds(
        line, st.uuids().map(str), st.integers(0, 3).map(float), after=st.integers(0, 3),
        staff=st.booleans(), mark=st.sampled_from([None, "late"]),
    ),
    unique_by=lambda each: each.team_id,
)  # fmt: skip


@given(lines, st.randoms())
def test_a_rank_is_one_more_than_the_number_of_better_teams(
    given_lines: list[Line], random: object
) -> None:
    shuffled = list(given_lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' random
    board = rank(shuffled)
    assert board == rank(given_lines)
    for each in board:
        if each.line.ranked:
            better = sum(o.place > each.line.place and o.ranked for o in given_lines)
            assert each.rank == better + 1


@pytest.mark.parametrize(
    ("hidden", "frozen", "closed", "unblinded", "split", "state"),
    [
        (False, False, False, False, "public", BoardState.LIVE),
        (False, False, True, False, "public", BoardState.SETTLING),
        (True, False, False, False, "public", BoardState.HIDDEN),
        (True, False, True, False, "public", BoardState.HIDDEN),
        (True, False, True, True, "public", BoardState.UNBLINDED),
        (False, False, True, True, "private", BoardState.UNBLINDED),
        (False, False, False, False, "private", BoardState.LIVE),
        (False, True, False, False, "public", BoardState.FROZEN),
        (False, True, True, False, "public", BoardState.FROZEN),
        (False, True, True, True, "public", BoardState.UNBLINDED),
        (False, True, False, False, "private", BoardState.LIVE),
    ],
)
def test_the_state_of_a_board(
    hidden: bool, frozen: bool, closed: bool, unblinded: bool, split: str, state: BoardState
) -> None:
    found = board_state(
        hidden=hidden, frozen=frozen, closed=closed, unblinded=unblinded, split=split
    )
    assert found is state
