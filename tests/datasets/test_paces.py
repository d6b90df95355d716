"""One day, a school week, a semester: limits and dates of any challenge."""

import datetime as dt
import tomllib
from pathlib import Path

import fivesigma_datasets
import pytest
from fivesigma_datasets import DataError, prepare
from fivesigma_datasets.paces import PACES, paced

START = dt.datetime(2027, 3, 1, 8, 0, tzinfo=dt.UTC)
TOMLS = sorted(Path(fivesigma_datasets.__file__).parent.glob("*/challenge.toml"))


@pytest.mark.parametrize("path", TOMLS, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("pace", PACES)
def test_every_challenge_can_be_run_at_every_pace(path: Path, pace: str) -> None:
    before = tomllib.loads(path.read_text())
    after = tomllib.loads(paced(path.read_text(), pace, START))
    assert len(after["phases"]) == len(before["phases"])
    opens = [phase["opens"] for phase in after["phases"]]
    closes = [phase["closes"] for phase in after["phases"] if "closes" in phase]
    assert min(opens) == START
    assert max(opens + closes) == START + dt.timedelta(days=PACES[pace].days)
    for old, new in zip(before["phases"], after["phases"], strict=True):
        if "limits" in old:
            assert new["limits"]["per_day"] == PACES[pace].per_day
            assert new["limits"]["concurrent"] == 2
            assert new["limits"].get("total") == old["limits"].get("total")
        assert new | {"opens": 0, "closes": 0, "limits": 0} == old | {
            "opens": 0,
            "closes": 0,
            "limits": 0,
        }


def test_limits_are_those_of_the_templates() -> None:
    per_day = {name: pace.per_day for name, pace in PACES.items()}
    assert per_day == {"one-day": 30, "school-week": 10, "semester": 5}


def test_order_of_phases_is_kept() -> None:
    text = "".join(
        f'[[phases]]\nslug = "{slug}"\nopens = {opens}\ncloses = {closes}\n'
        for slug, opens, closes in (
            ("a", "2026-11-01T00:00:00Z", "2026-11-05T00:00:00Z"),
            ("b", "2026-11-05T00:00:00Z", "2026-11-11T00:00:00+00:00"),
        )
    )
    phases = tomllib.loads(paced(text, "one-day", START))["phases"]
    assert phases[0]["closes"] == phases[1]["opens"]
    assert phases[0]["closes"] - START == dt.timedelta(hours=9, minutes=36)


def test_an_unknown_pace_and_a_time_without_offset_are_refused() -> None:
    with pytest.raises(DataError, match="there are: one-day, school-week, semester"):
        paced("", "one_day", START)
    with pytest.raises(DataError, match="offset"):
        paced("", "one-day", START.replace(tzinfo=None))
    with pytest.raises(DataError, match="needs a pace"):
        prepare("higgsml", Path("nowhere"), opens=START)


def test_a_prepared_folder_runs_at_the_pace_asked_for(tmp_path: Path) -> None:
    prepare("higgsml", tmp_path / "day", pace="one-day", opens=START)
    (phase,) = tomllib.loads((tmp_path / "day" / "challenge.toml").read_text())["phases"]
    assert phase["opens"] == START
    assert phase["closes"] == START + dt.timedelta(days=1)
    assert phase["limits"] == {"per_day": 30, "total": 200, "concurrent": 2}
