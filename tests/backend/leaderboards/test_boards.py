"""Boards over HTTP: what they show, to whom, in which form, and what they cost."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Organiser, Phase
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.leaderboards.exports import as_parquet
from fivesigma_backend.leaderboards.schemas import BoardOut
from pairs import begin_pair
from sqlalchemy import select, update
from statements import counted
from stories import API, Person, Story

pytestmark = pytest.mark.stores


def scored(story: Story, username: str, *cuts: float) -> Person:
    person = story.person(username)
    for cut in cuts:
        assert person.submit(story.prediction(cut)).status_code == 201
        story.drain()
    return person


def make_organiser(story: Story, username: str) -> None:
    with story.platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).one()
        user_id = story.user(username).id
        session.add(Organiser(challenge_id=phase.challenge_id, user_id=user_id))


def test_the_best_of_each_team_stands_with_its_sigma_entries_and_time(
    story: Story, clock: FrozenClock
) -> None:
    ada = scored(story, "ada", 0.5)
    clock.advance(hours=1)
    ada.submit(story.prediction(-3.0))
    story.drain()
    scored(story, "ben", -3.0)
    board = ada.board().json()
    first, second = board["rows"]
    assert (first["team"], first["rank"], first["entries"]) == ("ada", 1, 2)
    assert first["submitted_at"] == "2026-12-01T12:00:00Z"
    assert first["last_submitted_at"] == "2026-12-01T13:00:00Z"
    assert (second["team"], second["rank"]) == ("ben", 2)
    assert first["score"] > second["score"]
    assert set(first["metrics"]) == {"ams", "signal_efficiency", "purity"}


def test_while_a_phase_is_blind_participants_read_the_metrics_decimals_only(
    story: Story,
) -> None:
    ada, prof = scored(story, "ada", 0.5), story.person("prof", joined=False)
    make_organiser(story, "prof")
    shown = ada.board().json()["rows"][0]
    for value in (shown["score"], shown["sigma"], shown["metrics"]["purity"]["value"]):
        assert value == round(value, 4)
    full = prof.board().json()["rows"][0]
    assert full["score"] != shown["score"]
    assert round(full["score"], 4) == shown["score"]
    assert prof.board(split="private").status_code == 200
    assert ada.board().json()["rows"][0] == shown  # what an organiser read is not kept for others


def test_equal_scores_share_a_rank_and_the_earlier_stands_first(
    story: Story, clock: FrozenClock
) -> None:
    scored(story, "late", 0.5)
    clock.advance(minutes=1)
    scored(story, "later", 0.5)
    scored(story, "worst", -3.0)
    rows = story.web.get(f"{API}/challenges/tiny/leaderboard").json()["rows"]
    assert [(row["rank"], row["team"]) for row in rows] == [(1, "late"), (1, "later"), (3, "worst")]


def test_organisers_stand_unranked_and_marked(story: Story) -> None:
    story.person("prof", joined=False)
    make_organiser(story, "prof")
    prof = Person(story.web, "prof", story.token("prof"))
    prof.join()
    prof.submit(story.prediction(0.5))
    story.drain()
    scored(story, "ada", -3.0)
    rows = prof.board().json()["rows"]
    assert [(row["rank"], row["team"], row["staff"]) for row in rows] == [
        (None, "prof", True),
        (1, "ada", False),
    ]


def test_csv_begins_with_kaggles_columns(story: Story) -> None:
    scored(story, "ada", 0.5)
    answer = story.web.get(f"{API}/challenges/tiny/leaderboard?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    header, row = csv.reader(io.StringIO(answer.text))
    assert header[:7] == [
        "Rank",
        "TeamId",
        "TeamName",
        "LastSubmissionDate",
        "Score",
        "SubmissionCount",
        "TeamMemberUserNames",
    ]
    assert dict(zip(header, row, strict=True))["TeamName"] == "ada"


def test_parquet_has_the_same_columns_also_for_an_empty_board(story: Story) -> None:
    empty = BoardOut.model_validate(story.web.get(f"{API}/challenges/tiny/leaderboard").json())
    scored(story, "ada", 0.5)
    full = BoardOut.model_validate(story.web.get(f"{API}/challenges/tiny/leaderboard").json())
    frames = [pl.read_parquet(io.BytesIO(as_parquet(board))) for board in (empty, full)]
    assert frames[0].schema == frames[1].schema
    assert [len(frame) for frame in frames] == [0, 1]


def test_pages_of_a_board_make_up_the_whole(story: Story) -> None:
    for number, name in enumerate(("ada", "ben", "cleo")):
        scored(story, name, number / 2)
    whole = story.web.get(f"{API}/challenges/tiny/leaderboard").json()["rows"]
    rows, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = story.web.get(f"{API}/challenges/tiny/leaderboard", params=query).json()
        rows += page["rows"]
        cursor = page["next"]
        if cursor is None:
            break
    assert rows == whole
    strange = story.web.get(f"{API}/challenges/tiny/leaderboard?cursor=x")
    assert strange.status_code == 400


def test_an_unchanged_board_is_304_and_a_changed_one_is_not(
    story: Story, clock: FrozenClock
) -> None:
    scored(story, "ada", 0.5)
    path = f"{API}/challenges/tiny/leaderboard"
    tag = story.web.get(path).headers["etag"]
    assert story.web.get(path, headers={"If-None-Match": tag}).status_code == 304
    clock.advance(days=30)  # the state changes with time alone
    assert story.web.get(path, headers={"If-None-Match": tag}).status_code == 200
    scored_tag = story.web.get(path).headers["etag"]
    story.tick()
    assert story.web.get(path, headers={"If-None-Match": scored_tag}).status_code == 200


def test_a_hidden_board_shows_nothing_not_even_ones_own_score(story: Story) -> None:
    ada = scored(story, "ada", 0.5)
    with story.platform.db.transaction() as session:
        phase = session.scalars(select(Phase)).one()
        session.execute(update(Phase).values(definition=phase.definition | {"board": "hidden"}))
    board = ada.board().json()
    assert (board["state"], board["rows"]) == ("hidden", [])
    mine = ada.get(f"{API}/challenges/tiny/submissions").json()["items"][0]
    assert (mine["status"], mine["scores"]) == ("scored", None)


def test_unknown_phases_and_splits_are_not_found(story: Story) -> None:
    path = f"{API}/challenges/tiny/leaderboard"
    assert story.web.get(path, params={"phase": "nope"}).status_code == 404
    assert story.web.get(path, params={"split": "secret"}).status_code == 404
    assert story.web.get(f"{API}/challenges/nope/leaderboard").status_code == 404


def test_what_boards_and_lists_cost_in_statements(story: Story) -> None:
    for name in ("ada", "ben"):
        ada = scored(story, name, 0.5)
    path = f"{API}/challenges/tiny/leaderboard"
    budgets = {path: (4, 2), "/challenges/tiny/leaderboard": (4, 2)}
    for address, (cold, warm) in budgets.items():
        with story.platform.db.transaction() as session:
            session.execute(update(Phase).values(board_version=Phase.board_version + 1))
        for budget in (cold, warm):
            with counted(story.platform.db) as statements:
                assert story.web.get(address).status_code == 200
            assert len(statements) <= budget, statements
    with counted(story.platform.db) as statements:
        assert ada.get(f"{API}/challenges/tiny/submissions").status_code == 200
    assert len(statements) <= 6, statements


@pytest.mark.parametrize("uploads", [False, True])
def test_a_board_says_from_the_first_day_that_winners_are_decided_by_a_closed_final(
    platform: Platform, web: TestClient, tmp_path: Path, uploads: bool
) -> None:
    final = {"title": "Grand final", "uploads": uploads}
    ada = begin_pair(platform, web, tmp_path / "tiny", then=final).person("ada")
    words = "Winners are not decided here: “Grand final” scores these entries anew."
    board = ada.board(phase="first").json()
    assert board["rule"].endswith(words) is not uploads
    assert words not in ada.board(phase="next").json()["rule"]
    assert (words in ada.get("/challenges/tiny/leaderboard?phase=first").text) is not uploads
