"""States and allowance: rules need neither server nor clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

from fivesigma_backend.submissions.rules import (
    COUNTING,
    DAY,
    TRANSITIONS,
    Limits,
    State,
    Usage,
    after_crash,
    after_lost_lease,
    allowance,
    may_become,
)
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def test_every_pair_of_states_is_decided() -> None:
    allowed = {(a.value, b.value) for a, b in product(State, State) if may_become(a, b)}
    assert allowed == {
        ("queued", "scoring"),
        ("queued", "cancelled"),
        ("scoring", "queued"),
        ("scoring", "scored"),
        ("scoring", "rejected"),
        ("scoring", "failed"),
        ("rejected", "queued"),
        ("failed", "queued"),
    }
    assert set(TRANSITIONS) == set(State)


def test_a_scorer_may_die_twice_and_a_worker_fall_silent_ten_times() -> None:
    assert [after_crash(n) for n in (1, 2, 3)] == [State.QUEUED, State.QUEUED, State.FAILED]
    assert after_lost_lease(10) is State.QUEUED
    assert after_lost_lease(11) is State.FAILED


def test_no_limit_leaves_everything() -> None:
    left = allowance(Limits(), Usage(recent=[NOON] * 99, total=99, running=99), NOON)
    assert left.allowed
    assert left.remaining is None


def test_a_rolling_day_frees_its_slot_exactly_24_hours_later() -> None:
    limits, usage = Limits(per_day=1), Usage(recent=[NOON], total=1)
    before = allowance(limits, usage, NOON + DAY - timedelta(microseconds=1))
    assert (before.rule, before.next_at, before.remaining) == ("per_day", NOON + DAY, 0)
    assert allowance(limits, usage, NOON + DAY).allowed


def test_a_calendar_day_ends_at_midnight_of_the_zone() -> None:
    limits = Limits(per_day=1, calendar=True, zone="Asia/Tokyo")
    usage = Usage(recent=[NOON], total=1)
    left = allowance(limits, usage, NOON)
    assert left.next_at == datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
    assert allowance(limits, usage, left.next_at).allowed


def test_a_calendar_day_that_is_25_hours_long_ends_at_its_midnight() -> None:
    limits = Limits(per_day=1, calendar=True, zone="Europe/Berlin")
    moment = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # clocks go back at 01:00 UTC
    left = allowance(limits, Usage(recent=[moment], total=1), moment)
    assert left.next_at == datetime(2026, 10, 25, 23, 0, tzinfo=UTC)


def test_the_total_never_comes_back() -> None:
    left = allowance(Limits(per_day=9, total=3), Usage(total=3), NOON)
    assert (left.rule, left.next_at, left.remaining) == ("total", None, 0)


def test_running_ones_block_without_a_time() -> None:
    left = allowance(Limits(concurrent=2), Usage(total=2, running=2), NOON)
    assert (left.rule, left.next_at) == ("concurrent", None)


def test_refused_files_have_a_cap_of_five_per_slot() -> None:
    rejected = [NOON - timedelta(minutes=n) for n in range(5)]
    left = allowance(Limits(per_day=1), Usage(rejected=rejected), NOON)
    assert left.rule == "rejections"
    assert left.next_at == rejected[-1] + DAY
    assert allowance(Limits(per_day=1), Usage(rejected=rejected[:4]), NOON).allowed


times = st.lists(
    st.timedeltas(timedelta(0), timedelta(hours=47)).map(lambda ago: NOON - ago), max_size=12
)


@given(times, st.integers(1, 5), st.one_of(st.none(), st.integers(0, 20)), st.booleans())
def test_what_is_left_is_what_could_be_handed_in(
    recent: list[datetime], per_day: int, total: int | None, calendar: bool
) -> None:
    limits = Limits(per_day=per_day, total=total, calendar=calendar, zone="Europe/Berlin")
    usage = Usage(recent=recent, total=len(recent))
    left = allowance(limits, usage, NOON)
    handed_in = 0
    while allowance(limits, usage, NOON).allowed:
        usage = Usage(recent=[*usage.recent, NOON], total=usage.total + 1)
        handed_in += 1
    assert handed_in == (left.remaining if left.allowed else 0)


@given(times, st.integers(1, 5), st.booleans())
def test_the_next_slot_is_the_first_moment_at_which_one_is_free(
    recent: list[datetime], per_day: int, calendar: bool
) -> None:
    limits = Limits(per_day=per_day, calendar=calendar, zone="Pacific/Kiritimati")
    usage = Usage(recent=recent, total=len(recent))
    left = allowance(limits, usage, NOON)
    if left.next_at is not None:
        assert allowance(limits, usage, left.next_at).allowed
        assert not allowance(limits, usage, left.next_at - timedelta(microseconds=1)).allowed


def test_what_counts_for_the_allowance_is_what_is_or_will_be_scored() -> None:
    assert set(COUNTING) == {State.QUEUED, State.SCORING, State.SCORED}
