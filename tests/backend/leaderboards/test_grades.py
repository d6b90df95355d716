"""What organisers take away: the grade sheet, all submissions, boards; in three formats."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import polars
import pytest
from conftest import FrozenClock
from fivesigma_backend.challenges.models import Challenge, Organiser
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.teams.models import RosterRow, Team
from people import Browser
from sqlalchemy import select
from stories import API, Person, Story

pytestmark = pytest.mark.stores
EXPORTS = f"{API}/admin/challenges/tiny/exports"


@pytest.fixture
def prof(story: Story) -> Person:
    """An organiser of the tiny challenge."""
    person = story.person("prof", joined=False)
    with story.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge)).one()
        session.add(Organiser(challenge_id=challenge.id, user_id=story.user("prof").id))
    return person


def hand_in(story: Story, person: Person, cut: float, **options: Any) -> str:
    answer = person.submit(story.prediction(cut), **options)
    assert answer.status_code == 201, answer.text
    story.drain()
    identity: str = answer.json()["id"]
    return identity


def name_on_roster(story: Story, username: str, name: str) -> None:
    with story.platform.db.transaction() as session:
        session.add(
            RosterRow(
                id=new_id(),
                challenge_id=session.scalars(select(Challenge.id)).one(),
                position=1,
                name=name,
                code_hash="0" * 64,
                created_at=story.platform.clock(),
                user_id=story.user(username).id,
            )
        )


def grades(prof: Person) -> dict[str, Any]:
    answer = prof.get(f"{EXPORTS}/grades", params={"format": "json"})
    assert answer.status_code == 200, answer.text
    return {row["username"]: row for row in answer.json()}


def test_the_grade_sheet_has_a_row_for_everybody(
    story: Story, prof: Person, clock: FrozenClock
) -> None:
    ada, bob = story.person("ada"), story.person("bob")
    story.person("cleo")
    name_on_roster(story, "ada", "=Ada L.")
    for cut in (0.1, 0.5):
        hand_in(story, ada, cut)
    hand_in(story, bob, -2.0)
    with story.platform.db.read() as session:
        bobs = session.scalars(select(Team.id).where(Team.name == "bob")).one()
    team = f"{API}/admin/challenges/tiny/phases/final/teams/{bobs}/disqualify"
    assert prof.post(team, json={"reason": "two accounts"}).status_code == 200
    rows = grades(prof)
    assert list(rows) == ["ada", "bob", "cleo"]
    public = ada.board().json()["rows"]
    assert rows["ada"]["name"] == "=Ada L."
    assert rows["ada"]["final_submissions"] == 2
    assert rows["ada"]["final_best_public"] == pytest.approx(
        next(row["score"] for row in public if row["team"] == "ada"), abs=1e-3
    )
    assert (rows["ada"]["final_private_rank"], rows["ada"]["final_move"]) == (1, 0)
    assert (rows["bob"]["final_disqualified"], rows["bob"]["final_private_rank"]) == (True, None)
    assert rows["cleo"]["final_submissions"] == 0
    assert rows["cleo"]["final_private_score"] is None
    clock.advance(days=30)
    story.tick()
    row = ada.board(split="private").json()["rows"][0]
    assert grades(prof)["ada"]["final_private_score"] == row["score"]


def test_the_files_have_the_same_in_each_format(story: Story, prof: Person) -> None:
    hand_in(story, story.person("ada"), 0.5)
    name_on_roster(story, "ada", "=Ada L.")
    as_json = prof.get(f"{EXPORTS}/grades", params={"format": "json"}).json()
    as_csv = list(csv.DictReader(io.StringIO(prof.get(f"{EXPORTS}/grades").text)))
    as_parquet = prof.get(f"{EXPORTS}/grades", params={"format": "parquet"}).content
    assert polars.read_parquet(io.BytesIO(as_parquet)).to_dicts() == as_json
    assert [row["name"] for row in as_csv] == ["'=Ada L."]
    assert list(as_csv[0]) == list(as_json[0])
    assert float(as_csv[0]["final_private_score"]) == as_json[0]["final_private_score"]
    assert prof.get(f"{EXPORTS}/grades", params={"format": "xls"}).status_code == 422


def test_every_submission_is_a_row_with_private_scores(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    scored = hand_in(story, ada, 0.5, message="=1+1", metadata=json.dumps({"method": "cut"}))
    waiting = ada.submit(story.prediction(0.7)).json()["id"]
    rows = prof.get(f"{EXPORTS}/submissions", params={"format": "json"}).json()
    assert [row["id"] for row in rows] == [waiting, scored]
    assert rows[0]["status"] == "queued"
    assert rows[0]["private_ams"] is None
    assert rows[1]["private_ams"] > 0
    assert rows[1]["private_ams_sigma"] > 0
    assert json.loads(rows[1]["metadata"]) == {"method": "cut"}
    table = list(csv.DictReader(io.StringIO(prof.get(f"{EXPORTS}/submissions").text)))
    assert table[1]["message"] == "'=1+1"
    assert ada.get(f"{EXPORTS}/submissions").status_code == 404


def test_boards_say_how_each_row_stands(story: Story, prof: Person) -> None:
    ada = story.person("ada")
    identity = hand_in(story, ada, 0.5)
    body = {"reason": "by hand"}
    prof.post(f"{API}/admin/submissions/{identity}/disqualify", json=body)
    answer = prof.get(f"{EXPORTS}/boards/final", params={"split": "private"})
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["Rank"], row["Mark"], row["Late"], row["Move"]) == ("", "disqualified", "False", "")
    public = ada.board(format="csv").text
    kaggle = "Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,TeamMemberUserNames"
    assert public.startswith(kaggle)
    assert public.splitlines()[0].endswith("Mark,Move,Late,Carried,Staff")
    assert prof.get(f"{EXPORTS}/boards/other").status_code == 404


def test_the_page_links_them(story: Story, prof: Person) -> None:
    browser = Browser(story.web).log_in(story.platform, story.user(prof.username))
    shown = browser.get("/challenges/tiny/organise/exports").text
    for link in ("grades?format=parquet", "submissions?format=csv", "boards/final?split=private"):
        assert link in shown
