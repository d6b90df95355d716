"""The shortlist of an entry: a score that comes is ranked as if all submissions were looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fivesigma_backend.submissions.counting import BoardRule, Scored, SplitScore, lines
from fivesigma_backend.submissions.shortlist import NOBODY, Shortlist, shortlist
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
HOURS = st.integers(0, 6).map(lambda hours: NOON + timedelta(hours=hours))
SCORES = st.sampled_from([0.0, 1.0, 2.0, 3.0, float("inf"), float("nan")])


@st.composite
def splits(draw: st.DrawFn) -> SplitScore | None:
    value = draw(SCORES | st.none())
    return None if value is None else SplitScore(value, None, (value,), passes=draw(st.booleans()))


@st.composite
def submissions(draw: st.DrawFn) -> list[Scored]:
    count = draw(st.integers(0, 12))
    return [
        Scored(
            f"s{number:02}",
            draw(HOURS),
            draw(splits()),
            draw(splits()),
            selected=draw(st.booleans()),
            late=draw(st.integers(0, 3)) == 0,
            disqualified=draw(st.integers(0, 3)) == 0,
        )
        for number in range(count)
    ]


RULES = st.builds(
    BoardRule, latest=st.booleans(), finals=st.integers(0, 3), frozen_at=st.none() | HOURS
)


@given(submissions(), RULES, st.booleans(), st.integers(0, 12))
def test_one_by_one_gives_the_lines_of_all_at_once(
    scored: list[Scored], rule: BoardRule, disqualified: bool, at_first: int
) -> None:
    by_id = {one.submission_id: one for one in scored}
    found, short = shortlist(scored[:at_first], rule, disqualified=disqualified)
    for position in range(at_first, len(scored)):
        short = Shortlist.from_json(short.as_json())
        known = [by_id[identity] for identity in short.ids]
        found, short = shortlist([scored[position], *known], rule, short, disqualified=disqualified)
        assert found == lines(scored[: position + 1], rule, disqualified=disqualified)
    assert found == lines(scored, rule, disqualified=disqualified)


def test_a_team_that_never_stops_has_a_short_list() -> None:
    short = NOBODY
    by_id: dict[str, Scored] = {}
    for number in range(300):
        split = SplitScore(number % 7, None, (number % 7,))
        new = Scored(f"s{number:03}", NOON + timedelta(minutes=number), split, split)
        by_id[new.submission_id] = new
        known = [by_id[identity] for identity in short.ids]
        _, short = shortlist([*known, new], BoardRule(finals=2), short)
    assert short.ids == {"s006", "s013"}
    assert short.others == {"in_time": (298, NOON + timedelta(minutes=299))}
