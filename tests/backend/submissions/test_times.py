"""Times of organisers: read in the zone of the challenge, anywhere on Earth included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fivesigma_backend.core.errors import Unprocessable
from fivesigma_backend.submissions.times import in_words, read_moment, written
from hypothesis import given
from hypothesis import strategies as st

AOE = "Etc/GMT+12"


def test_midnight_anywhere_on_earth_is_noon_in_greenwich() -> None:
    close = read_moment("2026-12-21T00:00", AOE)
    assert close == datetime(2026, 12, 21, 12, tzinfo=UTC)
    assert written(close, AOE) == "2026-12-21T00:00"
    assert in_words(close, AOE) == "2026-12-21 00:00 Etc/GMT+12 (2026-12-21 12:00 UTC)"
    assert in_words(close, "UTC") == "2026-12-21 12:00 UTC"


def test_an_offset_is_taken_as_it_is() -> None:
    noon = datetime(2026, 12, 21, 12, tzinfo=UTC)
    for text in ("2026-12-21T12:00:00Z", "2026-12-21T13:00+01:00", " 2026-12-21 07:00-05:00 "):
        assert read_moment(text, AOE) == noon


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no time"),
        ("tomorrow", "is no time"),
        ("2026-13-01T00:00", "is no time"),
        ("0001-01-01T00:00+14:00", "is no time"),
        ("9999-12-31T23:59-12:00", "is no time"),
        ("2026-03-29T02:30", "skipped by the clocks"),
        ("2026-10-25T02:30", "comes twice"),
    ],
)
def test_what_is_no_moment_is_refused_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(Unprocessable, match=says):
        read_moment(text, "Europe/Berlin")


seconds = st.integers(0, 10**9).map(lambda n: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(0, n))


@given(seconds, st.sampled_from(["UTC", AOE, "Asia/Kathmandu", "Pacific/Kiritimati"]))
def test_what_a_field_shows_is_read_back(moment: datetime, zone: str) -> None:
    assert read_moment(written(moment, zone), zone) == moment
