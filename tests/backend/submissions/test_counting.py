"""What counts: best and latest, finals, gates, tie-breaks, late and disqualified submissions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from fivesigma_backend.submissions.counting import (
    Board,
    BoardRule,
    Line,
    Mark,
    Scored,
    SplitScore,
    finalists,
    lines,
    place_of,
)
from fivesigma_scoring import METRICS
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def split(value: float | None, *more: float, passes: bool = True) -> SplitScore | None:
    return None if value is None else SplitScore(value, None, (value, *more), passes)


def one(
    name: str,
    public: SplitScore | float | None,
    private: SplitScore | float | None = 0.0,
    **more: object,
) -> Scored:
    halves = [half if isinstance(half, SplitScore) else split(half) for half in (public, private)]
    return Scored(
        **{"submission_id": name, "submitted_at": NOON, **more}, public=halves[0], private=halves[1]
    )  # type: ignore[arg-type]  # of the cases below


def names(scored: list[Scored]) -> list[str]:
    return [each.submission_id for each in scored]


def on(board: Board, found: list[Line], *, late: bool = False) -> tuple[str, Mark | None] | None:
    """Which submission stands on `board`, and its mark."""
    return next(
        (
            (line.submission.submission_id, line.mark)
            for line in found
            if line.board is board and line.late is late
        ),
        None,
    )


def test_the_best_public_score_counts_and_of_equals_the_earlier() -> None:
    late = one("late", 2.0, submitted_at=NOON + timedelta(seconds=1))
    early, worse = one("early", 2.0), one("worse", 1.0)
    for order in permutations([late, early, worse]):
        assert on(Board.PUBLIC, lines(order, BoardRule())) == ("early", None)


def test_places_follow_the_direction_of_each_metric() -> None:
    metrics = [METRICS[name] for name in ("ams", "mae", "bias")]
    assert place_of(metrics, [3.0, 2.0, -0.5])[:2] == (3.0, -2.0)
    assert place_of(metrics, [3.0, 2.0, -0.5])[2] > place_of(metrics, [3.0, 2.0, 1.0])[2]


def test_what_is_missing_or_not_finite_has_the_last_place() -> None:
    ams = [METRICS["ams"]]
    assert place_of(ams, [None]) == place_of(ams, [float("nan")]) < place_of(ams, [-1e300])


def test_the_latest_counts_where_the_phase_says_so() -> None:
    scored = [one("newer", 1.0, submitted_at=LATER), one("older", 9.0)]
    assert on(Board.PUBLIC, lines(scored, BoardRule(latest=True))) == ("newer", None)


def test_a_tie_break_decides_between_equal_scores_of_a_team() -> None:
    scored = [one("a", split(2.0, 0.1)), one("b", split(2.0, 0.9), submitted_at=LATER)]
    assert on(Board.PUBLIC, lines(scored, BoardRule())) == ("b", None)


def test_what_passes_the_gates_counts_before_what_is_better_but_does_not() -> None:
    good, best = one("good", 2.0), one("best", split(9.0, passes=False))
    assert on(Board.PUBLIC, lines([good, best], BoardRule())) == ("good", None)
    assert on(Board.PUBLIC, lines([best], BoardRule())) == ("best", Mark.GATE)


def test_a_frozen_board_counts_what_came_before_the_freeze() -> None:
    scored = [one("before", 1.0), one("at", 9.0, submitted_at=LATER)]
    found = lines(scored, BoardRule(frozen_at=LATER))
    assert on(Board.FROZEN, found) == ("before", None)
    assert on(Board.PUBLIC, found) == ("at", None)
    [frozen] = [line for line in found if line.board is Board.FROZEN]
    assert (frozen.entries, frozen.last_submitted_at) == (1, NOON)
    assert on(Board.FROZEN, lines(scored, BoardRule())) is None


def test_what_came_late_stands_beside_and_never_counts() -> None:
    scored = [one("in-time", 1.0, 1.0), one("late", 9.0, 9.0, late=True, selected=True)]
    found = lines(scored, BoardRule())
    for board in (Board.PUBLIC, Board.PRIVATE):
        assert on(board, found) == ("in-time", None)
        assert on(board, found, late=True) == ("late", Mark.LATE)
    assert {line.entries for line in found} == {1}


def test_a_disqualified_submission_gives_way_and_is_shown_only_where_nothing_else_is() -> None:
    bad, good = one("bad", 9.0, 9.0, disqualified=True), one("good", 1.0, 1.0)
    assert on(Board.PRIVATE, lines([bad, good], BoardRule())) == ("good", None)
    for board in (Board.PUBLIC, Board.PRIVATE):
        assert on(board, lines([bad], BoardRule())) == ("bad", Mark.DISQUALIFIED)


def test_a_disqualified_team_keeps_its_lines_marked() -> None:
    found = lines([one("a", 1.0)], BoardRule(), disqualified=True)
    assert {line.mark for line in found} == {Mark.DISQUALIFIED}


def test_free_final_places_are_filled_by_the_best_public_score() -> None:
    scored = [one("a", 3.0), one("b", 2.0), one("c", 1.0, selected=True)]
    assert names(finalists(scored, BoardRule())) == ["c", "a"]
    assert names(finalists(scored, BoardRule(finals=0))) == ["a", "b", "c"]


@pytest.mark.parametrize("gone", [{"disqualified": True}, {"private": None}])
def test_a_final_that_is_disqualified_or_has_no_score_frees_its_place(
    gone: dict[str, object],
) -> None:
    picked = one("picked", 9.0, **{"private": 1.0, "selected": True, **gone})  # type: ignore[arg-type]  # of the cases above
    scored = [picked, one("a", 3.0), one("b", 2.0), one("c", 1.0)]
    assert names(finalists(scored, BoardRule())) == ["a", "b"]


def test_the_private_board_takes_the_best_private_score_of_the_finals_only() -> None:
    scored = [one("a", 3.0, 1.0), one("b", 2.0, 2.0), one("c", 1.0, 9.0)]
    assert on(Board.PRIVATE, lines(scored, BoardRule())) == ("b", None)


def test_missing_and_non_finite_scores_never_count() -> None:
    scored = [one("nan", float("nan")), one("inf", float("inf")), one("none", None)]
    assert on(Board.PUBLIC, lines(scored, BoardRule())) is None
    assert on(Board.PUBLIC, lines([*scored, one("real", -1.0)], BoardRule())) == ("real", None)


splits = st.one_of(
    st.none(),
    st.builds(split, st.integers(-2, 2).map(float), st.integers(0, 1), passes=st.booleans()),
)
submissions = st.lists(
    st.builds(
        one,
        st.uuids().map(str),
        splits,
        splits,
        selected=st.booleans(),
        late=st.booleans(),
        disqualified=st.booleans(),
        submitted_at=st.integers(-3, 3).map(lambda hours: NOON + timedelta(hours=hours)),
    ),
    unique_by=lambda each: each.submission_id,
    max_size=8,
)
rules = st.builds(
    BoardRule,
    latest=st.booleans(),
    finals=st.integers(0, 3),
    frozen_at=st.sampled_from([None, NOON]),
)


@given(submissions, rules, st.booleans(), st.randoms())
def test_lines_do_not_depend_on_the_order_of_what_was_handed_in(
    scored: list[Scored], rule: BoardRule, disqualified: bool, random: object
) -> None:
    shuffled = list(scored)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' random
    assert lines(shuffled, rule, disqualified=disqualified) == lines(
        scored, rule, disqualified=disqualified
    )


@given(submissions, rules)
def test_finals_are_never_more_than_allowed_and_keep_what_was_selected(
    scored: list[Scored], rule: BoardRule
) -> None:
    chosen = finalists(scored, rule)
    able = [each for each in scored if each.competes and each.private is not None]
    if rule.finals == 0:
        assert set(names(chosen)) == set(names(able))
        return
    picked = [each for each in able if each.selected]
    assert len(chosen) <= rule.finals
    assert sum(each.selected for each in chosen) == min(len(picked), rule.finals)


@given(submissions, rules)
def test_no_unmarked_line_is_late_disqualified_or_behind_a_gate(
    scored: list[Scored], rule: BoardRule
) -> None:
    found = lines(scored, rule)
    assert len({(line.board, line.late) for line in found}) == len(found)
    for line in found:
        if line.mark is None:
            assert line.submission.competes
            assert line.split.passes
