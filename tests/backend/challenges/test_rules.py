"""Windows of phases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fivesigma_backend.challenges.rules import (
    Window,
    current_phase,
    next_change,
    open_phases,
    window,
)
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 12, 1, tzinfo=UTC)
moments = st.integers(0, 60).map(lambda minutes: START + timedelta(minutes=minutes))
closes = st.none() | moments


@dataclass(frozen=True)
class Span:
    opens_at: datetime
    closes_at: datetime | None


spans = st.tuples(moments, closes).filter(lambda pair: pair[1] is None or pair[0] < pair[1])
phases = st.lists(spans.map(lambda pair: Span(*pair)), max_size=5)


def test_a_window_is_half_open() -> None:
    end = START + timedelta(days=1)
    tick = timedelta(microseconds=1)
    assert window(START, end, START - tick) is Window.UPCOMING
    assert window(START, end, START) is Window.OPEN
    assert window(START, end, end - tick) is Window.OPEN
    assert window(START, end, end) is Window.CLOSED
    assert window(START, None, end) is Window.OPEN


def test_zones_do_not_matter() -> None:
    east = START.astimezone(tz=None)
    assert window(east, None, START) is Window.OPEN


@given(spans, moments)
def test_the_state_is_what_the_definition_says(
    span: tuple[datetime, datetime | None], now: datetime
) -> None:
    opens, close = span
    inside = opens <= now and (close is None or now < close)
    assert (window(opens, close, now) is Window.OPEN) == inside


@given(spans, moments)
def test_the_state_changes_at_the_next_change_and_not_before(
    span: tuple[datetime, datetime | None], now: datetime
) -> None:
    change = next_change(*span, now)
    if change is None:
        assert window(*span, now + timedelta(days=1000)) is window(*span, now)
    else:
        assert change > now
        assert window(*span, change - timedelta(microseconds=1)) is window(*span, now)
        assert window(*span, change) is not window(*span, now)


@given(phases, moments)
def test_the_current_phase_is_the_open_one_else_the_next_else_the_last(
    several: list[Span], now: datetime
) -> None:
    current = current_phase(several, now)
    states = [window(one.opens_at, one.closes_at, now) for one in several]
    if current is None:
        assert not several
    elif Window.OPEN in states:
        assert current == several[states.index(Window.OPEN)]
        assert current in open_phases(several, now)
    elif Window.UPCOMING in states:
        assert current.opens_at == min(one.opens_at for one in several if one.opens_at > now)
    else:
        assert current.closes_at == max(one.closes_at for one in several if one.closes_at)
