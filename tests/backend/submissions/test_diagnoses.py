"""Who is told what the truth says of a file: whoever sees its public score, and nobody without."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from challenge_folder import tiny_toml
from conftest import FrozenClock
from fivesigma_backend.submissions.models import Evaluation
from sqlalchemy import select
from stories import API, Person, Story, begin_story

INVERTED = "The classes look inverted"
ROWS = 2000

Begin = Callable[..., Story]


@pytest.fixture
def begin(platform: Any, web: Any, tmp_path: Path) -> Begin:
    """A challenge of enough events to tell, whose phase differs as its arguments say."""

    def begun(**changes: Any) -> Story:
        phase = {**tiny_toml()["phases"][0], **changes}
        return begin_story(platform, web, tmp_path / "tiny", rows=ROWS, phases=[phase])

    return begun


def inverted(story: Story, cut: float = 0.0) -> bytes:
    """The file that selects what the good one rejects, and has a warning of its own."""
    swapped = pl.when(pl.col("Class") == "s").then(pl.lit("b")).otherwise(pl.lit("s"))
    frame = pl.read_csv(story.prediction(cut)).with_columns(swapped.alias("Class"))
    return frame.with_columns(pl.lit(1).alias("colour")).write_csv().encode()


def hand_in(story: Story, person: Person, file: bytes) -> str:
    answer = person.submit(file)
    assert answer.status_code == 201, answer.text
    assert not told(answer.json())
    assert story.drain() == 1
    return str(answer.json()["id"])


def told(submission: dict[str, Any]) -> list[str]:
    """Codes of what needs the truth."""
    codes = [one["code"] for one in submission["findings"]]
    return [code for code in codes if code.startswith("looks_")]


def seen(reader: Person, submission: str, *, member: bool = True) -> set[bool]:
    """Whether each answer that shows a submission tells that it looks inverted."""
    one = reader.get(f"{API}/submissions/{submission}")
    page = reader.get(f"/submissions/{submission}")
    assert one.status_code == page.status_code == 200
    found = {"looks_inverted" in told(one.json()), INVERTED in page.text, INVERTED in one.text}
    if member:
        mine = reader.get(f"{API}/challenges/tiny/submissions").json()["items"]
        found |= {"looks_inverted" in told(item) for item in mine if item["id"] == submission}
    return found


@pytest.mark.stores
def test_a_diagnosis_is_stored_and_shown_with_the_findings(begin: Begin) -> None:
    story = begin()
    ada = story.person("ada")
    mine = hand_in(story, ada, inverted(story))
    assert seen(ada, mine) == {True}
    findings = ada.get(f"{API}/submissions/{mine}").json()["findings"]
    assert [one["code"] for one in findings] == ["unexpected_column", "looks_inverted"]
    assert findings[1] == {
        "code": "looks_inverted",
        "severity": "warning",
        "message": "The classes look inverted: background is selected more often than signal. Swap "
        "s and b; s, 1 and true are what you take for signal.",
        "column": None,
        "rows": [],
        "count": 0,
    }
    with story.platform.db.read() as session:
        stored = session.scalars(select(Evaluation)).one()
    assert stored.diagnoses == [findings[1]]
    assert stored.findings == [findings[0]]
    assert stored.state == "scored"


def test_waiting_for_the_score_tells_it_too(begin: Begin) -> None:
    story = begin()
    ada = story.person("ada")
    mine = hand_in(story, ada, inverted(story))
    again = ada.submit(inverted(story), params={"wait": 1})  # a replay of the same file
    assert again.json()["id"] == mine
    assert told(again.json()) == ["looks_inverted"]


def test_good_files_are_told_nothing(begin: Begin) -> None:
    story = begin()
    ada = story.person("ada")
    mine = hand_in(story, ada, story.prediction(0.5))
    assert seen(ada, mine) == {False}
    with story.platform.db.read() as session:
        assert session.scalars(select(Evaluation.diagnoses)).one() == []


def test_a_hidden_board_hides_ones_own_diagnoses(begin: Begin, clock: FrozenClock) -> None:
    story = begin(board="hidden")
    ada, org = story.person("ada"), story.person("org", joined=False, admin=True)
    mine = hand_in(story, ada, inverted(story))
    assert seen(ada, mine) == {False}
    assert ada.get(f"{API}/submissions/{mine}").json()["scores"] is None
    warned = [one["code"] for one in ada.get(f"{API}/submissions/{mine}").json()["findings"]]
    assert warned == ["unexpected_column"]
    assert seen(org, mine, member=False) == {True}
    clock.advance(days=30)
    story.tick()
    assert seen(ada, mine) == {True}


def test_other_teams_see_nothing(begin: Begin) -> None:
    story = begin()
    mine = hand_in(story, story.person("ada"), inverted(story))
    eve = story.person("eve")
    assert eve.get(f"{API}/submissions/{mine}").status_code == 404
    board = story.web.get(f"{API}/challenges/tiny/leaderboard")
    assert INVERTED not in board.text
    assert "looks_inverted" not in board.text


@pytest.mark.parametrize("board", ["live", "hidden"])
def test_validation_never_tells(begin: Begin, board: str) -> None:
    story = begin(board=board)
    ada = story.person("ada")
    answer = ada.validate(inverted(story))
    assert answer.json()["ok"]
    assert [one["code"] for one in answer.json()["findings"]] == ["unexpected_column"]
    assert set(answer.json()) == {"ok", "findings"}
    assert "looks" not in answer.text


def test_a_refused_file_has_no_diagnosis(begin: Begin) -> None:
    story = begin()
    ada = story.person("ada")
    lines = inverted(story).decode().splitlines()
    mine = hand_in(story, ada, "\n".join(lines[:-5]).encode())
    answer = ada.get(f"{API}/submissions/{mine}").json()
    assert answer["status"] == "rejected"
    assert seen(ada, mine) == {False}
    with story.platform.db.read() as session:
        assert session.scalars(select(Evaluation.diagnoses)).one() == []


def test_what_was_scored_before_there_were_diagnoses_is_shown(begin: Begin) -> None:
    story = begin()
    ada = story.person("ada")
    mine = hand_in(story, ada, inverted(story))
    with story.platform.db.transaction() as session:
        session.scalars(select(Evaluation)).one().diagnoses = None
    assert seen(ada, mine) == {False}


def test_only_public_rows_are_diagnosed(begin: Begin) -> None:
    """A team that inverts the private rows learns nothing of it."""
    story = begin()
    ada = story.person("ada")
    usage = pl.read_csv(story.folder / "solution.csv").select("EventId", "usage")
    good, bad = pl.read_csv(story.prediction(0.5)), pl.read_csv(io.BytesIO(inverted(story, 0.5)))
    bad = bad.drop("colour")
    for wrong, expected in (("private", {False}), ("public", {True})):
        rows = usage.filter(pl.col("usage") == wrong).select("EventId")
        mixed = pl.concat([good.join(rows, on="EventId", how="anti"), bad.join(rows, on="EventId")])
        mine = hand_in(story, ada, mixed.write_csv().encode())
        assert seen(ada, mine) == expected
