"""Final places, and what another choice would have given: rules, call, page and banners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from challenge_folder import tiny_toml
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Phase
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.leaderboards.result_rules import (
    Final,
    choices_of,
    in_words,
    ordinal,
    rank_among,
)
from fivesigma_backend.leaderboards.rules import Line, rank
from fivesigma_backend.submissions.counting import Board, BoardRule, Scored, SplitScore, lines
from fivesigma_backend.teams.models import FormerMember, Team, TeamMember
from hypothesis import given
from hypothesis import strategies as st
from people import Browser
from sqlalchemy import select, update
from statements import counted
from stories import API, Person, Story, begin_story

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
RESULT = f"{API}/challenges/tiny/result"
places = st.tuples(st.integers(0, 3), st.integers(0, 2))


def split(place: tuple[float, ...], *, passes: bool = True) -> SplitScore:
    return SplitScore(place[0], None, place, passes=passes)


def row(team: str, place: tuple[float, ...], mark: str | None = None) -> Line:
    return Line(
        team, team, place[0], None, 1, NOON, NOON, team, False, None, None, None, mark,
        list(place), team,
    )  # fmt: skip


@given(st.lists(places), places)
def test_the_rank_among_others_is_the_one_on_the_board(
    others: list[tuple[int, int]], mine: tuple[int, int]
) -> None:
    board = rank([*(row(f"t{n}", one) for n, one in enumerate(others)), row("me", mine)])
    shown = next(one.rank for one in board if one.line.team_id == "me")
    assert rank_among(sorted(others), mine) == shown


files = st.tuples(places, places, st.booleans(), st.booleans())


@given(st.lists(files, max_size=5), st.integers(0, 3), st.lists(places, max_size=5))
def test_each_choice_gives_what_the_board_would_have_shown(
    mine: list[tuple[Any, Any, bool, bool]], finals: int, others: list[Any]
) -> None:
    scored = [
        Scored(
            str(n), NOON + timedelta(minutes=n), split(public), split(private, passes=passes),
            selected=chosen,
        )
        for n, (public, private, passes, chosen) in enumerate(mine)
    ]  # fmt: skip
    rule = BoardRule(finals=finals)
    found = choices_of(scored, rule, others)
    assert len(found.every) == len(scored)
    standing = [one for one in lines(scored, rule) if one.board is Board.PRIVATE]
    assert found.counted == (standing[0].submission.submission_id if standing else None)
    rows = [row(f"t{n}", one) for n, one in enumerate(others)]
    for choice in found.every:
        (only,) = [one for one in scored if one.submission_id == choice.submission_id]
        (line,) = [one for one in lines([only], rule) if one.board is Board.PRIVATE]
        board = rank([*rows, row("me", line.split.place, line.mark)])
        assert choice.rank == next(one.rank for one in board if one.line.team_id == "me")
    if scored:
        ranks = {one.submission_id: one.rank for one in found.every}
        assert found.best is not None
        assert all(one is None or (ranks[found.best] or 99) <= one for one in ranks.values())
        assert found.every[0].private.place == next(
            one.private.place for one in found.every if one.submission_id == found.best
        )
    unranked = choices_of(scored, rule, others, ranked=False)
    assert {one.rank for one in unranked.every} <= {None}


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (112, "112th"), (21, "21st")],
)
def test_ordinals(number: int, text: str) -> None:
    assert ordinal(number) == text


@pytest.mark.parametrize(
    ("final", "words"),
    [
        (Final(40, 3, public_rank=5, move=2), "takes 3rd place of 40 in “P”. On the public"),
        (Final(40, 3, public_rank=5, move=2), "it was 5th, so it moved up 2 places."),
        (Final(40, 3, shared=True), "shares 3rd place of 40 in “P”."),
        (Final(40, 3, public_rank=2, move=-1), "it was 2nd, so it fell back 1 place."),
        (Final(2, 1, public_rank=1, move=0), "it was 1st, so it kept its place."),
        (Final(2, 1), "takes 1st place of 2 in “P”."),
        (Final(2, mark="gate"), "does not pass the gate, in “P”."),
        (Final(2, mark="late"), "handed in after the close, in “P”."),
        (Final(2, mark="disqualified"), "is disqualified and takes no rank in “P”."),
        (Final(2, mark="disqualified", reason="Two accounts."), "The reason: Two accounts."),
        (Final(2, mark="staff"), "organisers are in it, in “P”."),
        (Final(2, mark="none"), "has no scored submission in “P”."),
    ],
)  # fmt: skip
def test_the_place_is_said_in_words(final: Final, words: str) -> None:
    assert words in in_words(final, "ada", "P")


def hand_in(story: Story, person: Person, *cuts: float) -> list[str]:
    ids = []
    for cut in cuts:
        answer = person.submit(story.prediction(cut))
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
        story.drain()
    return ids


def select_only(person: Person, *ids: str) -> None:
    for one in ids:
        answer = person.patch(f"{API}/submissions/{one}", json={"selected": True, "note": "Trees."})
        assert answer.status_code == 200, answer.text


def unblind(story: Story, clock: FrozenClock) -> None:
    clock.advance(days=30)
    story.tick()


@pytest.mark.stores
def test_before_the_unblinding_there_is_no_result(story: Story, clock: FrozenClock) -> None:
    ada = story.person("ada")
    hand_in(story, ada, 0.5)
    for when in ("open", "closed, not unblinded"):
        for path in (RESULT, f"{RESULT}?phase=final"):
            answer = ada.get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "blinded"), when
        page = ada.get("/challenges/tiny/result")
        assert (page.status_code, "Not known yet" in page.text) == (403, True)
        for path in ("/", "/challenges/tiny", "/challenges/tiny/submissions"):
            assert "place of" not in ada.get(path).text
        clock.advance(days=30)


@pytest.mark.stores
def test_a_team_reads_its_place_and_what_it_could_have_been(
    story: Story, clock: FrozenClock
) -> None:
    ada, ben, eve = (story.person(name) for name in ("ada", "ben", "eve"))
    worst, bad, good = hand_in(story, ada, -3.0, -2.0, 0.5)
    select_only(ada, worst, bad)
    hand_in(story, ben, -1.0)
    unblind(story, clock)
    found = ada.get(RESULT).json()
    assert (found["rank"], found["of"], found["public_rank"], found["move"]) == (2, 2, 1, -1)
    assert "takes 2nd place of 2" in found["text"]
    choices = found["would_have_been"]
    assert [(one["submission"], one["rank"]) for one in choices] == [
        (good, 1),
        (bad, 2),
        (worst, 2),
    ]
    assert [one["counted"] for one in choices] == [False, True, False]
    assert [one["best"] for one in choices] == [one["automatic"] for one in choices]
    assert choices[0]["best"]
    row = next(row for row in ada.board(split="private").json()["rows"] if row["team"] == "ada")
    assert (row["score"], row["rank"], row["move"], row["note"]) == (
        choices[1]["score"], 2, -1, "Trees.",
    )  # fmt: skip
    assert choices[1]["score"] == found["score"]
    ada.patch(f"{API}/submissions/{choices[1]['submission']}", json={"note": "Forests."})
    notes = {row["team"]: row["note"] for row in ada.board(split="private").json()["rows"]}
    assert notes == {"ada": "Forests.", "ben": None}
    missing = eve.get(RESULT)
    assert (missing.status_code, "handed in nothing" in missing.text) == (404, True)
    page = ada.get("/challenges/tiny/result").text
    assert "would have been best" in page
    assert "Had you selected nothing" in page
    assert "Nothing handed in" in eve.get("/challenges/tiny/result").text
    assert ada.get(f"{RESULT}?phase=no").status_code == 404
    assert story.web.get(RESULT).status_code == 401


def test_banners_and_links_tell_it_where_one_looks(story: Story, clock: FrozenClock) -> None:
    ada, eve = story.person("ada"), story.person("eve")
    hand_in(story, ada, 0.5)
    unblind(story, clock)
    for path in ("/", "/challenges/tiny"):
        assert "Your team “ada” takes 1st place of 1" in ada.get(path).text
        assert "place of" not in eve.get(path).text
        assert "place of" not in story.web.get(path).text
    assert "/challenges/tiny/result?phase=final" in ada.get("/challenges/tiny/submissions").text
    clock.advance(days=31)
    assert "place of" not in ada.get("/").text
    assert "takes 1st place of 1" in ada.get("/challenges/tiny").text


def test_the_board_shows_moves_and_notes_as_text_too(story: Story, clock: FrozenClock) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    worst, bad, _good = hand_in(story, ada, -3.0, -2.0, 0.5)
    select_only(ada, worst, bad)
    hand_in(story, ben, 0.0)
    before = story.web.get("/challenges/tiny/leaderboard").text
    assert "Trees." not in before
    assert "Trees." not in ben.board().text
    unblind(story, clock)
    page = story.web.get("/challenges/tiny/leaderboard?split=private").text
    assert '<span class="hidden-text">up 1</span>' in page
    assert '<span class="hidden-text">down 1</span>' in page
    assert '<p class="note">Trees.</p>' in page
    first = story.web.get(f"{API}/challenges/tiny/leaderboard?split=private").headers["etag"]
    ada.patch(f"{API}/submissions/{bad}", json={"note": "Forests."})
    second = story.web.get("/challenges/tiny/leaderboard?split=private").text
    assert "Forests." in second
    again = story.web.get(f"{API}/challenges/tiny/leaderboard?split=private").headers["etag"]
    assert again != first


def change(story: Story, statement: Any) -> None:
    """Change what is stored, as if organisers had, and let the boards know."""
    with story.platform.db.transaction() as session:
        session.execute(statement)
        session.execute(update(Phase).values(board_version=Phase.board_version + 1))


def test_who_takes_no_rank_is_told_why(story: Story, clock: FrozenClock) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    hand_in(story, ada, 0.5)
    hand_in(story, ben, 0.0)
    unblind(story, clock)
    change(story, update(Team).where(Team.name == "ada").values(staff=True))
    found = ada.get(RESULT).json()
    assert (found["rank"], found["mark"], found["of"]) == (None, "staff", 1)
    assert [one["rank"] for one in found["would_have_been"]] == [None]
    assert "takes no rank, since organisers are in it" in ada.get("/challenges/tiny").text


def test_a_disqualified_team_reads_the_reason(story: Story, clock: FrozenClock) -> None:
    ada = story.person("ada")
    (only,) = hand_in(story, ada, 0.5)
    prof = story.person("prof", admin=True, joined=False)
    reason = {"reason": "A hand-labelled test set."}
    answer = prof.post(f"{API}/admin/submissions/{only}/disqualify", json=reason)
    assert answer.status_code == 200, answer.text
    unblind(story, clock)
    found = ada.get(RESULT).json()
    assert (found["mark"], found["would_have_been"]) == ("disqualified", [])
    assert "The reason: A hand-labelled test set." in found["text"]
    assert ada.get("/challenges/tiny/result").status_code == 200


def test_below_a_gate_another_choice_may_have_been_ranked(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    gate = {"metric": "signal_efficiency", "op": ">=", "bound": 0.9}
    phase = tiny_toml()["phases"][0] | {"gates": [gate], "finals": 1}
    story = begin_story(platform, web, tmp_path / "tiny", phases=[phase])
    ada = story.person("ada")
    strict, loose = hand_in(story, ada, 1.5, -3.0)
    select_only(ada, strict)
    unblind(story, clock)
    found = ada.get(RESULT).json()
    assert (found["rank"], found["mark"]) == (None, "gate")
    assert [(one["submission"], one["rank"]) for one in found["would_have_been"]] == [
        (loose, 1),
        (strict, None),
    ]
    assert "and rank 1 of 1" in ada.get("/challenges/tiny/result").text


def test_who_was_in_a_team_that_merged_reads_the_old_teams_place(
    story: Story, clock: FrozenClock
) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    hand_in(story, ada, 0.0)
    hand_in(story, ben, 0.5)
    unblind(story, clock)
    with story.platform.db.transaction() as session:
        teams = {team.name: team for team in session.scalars(select(Team))}
        user_id = story.user("ada").id
        teams["ada"].merged_into_id = teams["ben"].id
        member = update(TeamMember).where(TeamMember.user_id == user_id)
        session.execute(member.values(team_id=teams["ben"].id))
        session.add(
            FormerMember(team_id=teams["ada"].id, user_id=user_id, left_at=clock(), merged=True)
        )
        session.execute(update(Phase).values(board_version=Phase.board_version + 1))
    assert ada.get(RESULT).json()["team"] == "ada"
    assert ben.get(RESULT).json()["team"] == "ben"


def test_a_result_costs_few_statements_whatever_was_handed_in(
    story: Story, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    hand_in(story, ada, 0.5, 0.0, 1.0, -1.0)
    unblind(story, clock)
    browser = Browser(story.web).log_in(story.platform, story.user("ada"))
    browser.get("/challenges/tiny/result")
    for path, most in (("/challenges/tiny/result", 8), ("/", 8), ("/challenges/tiny", 9)):
        with counted(story.platform.db) as statements:
            assert browser.get(path).status_code == 200
        assert len(statements) <= most, "\n\n".join(statements)


def test_a_result_names_no_submission_of_others(story: Story, clock: FrozenClock) -> None:
    ada, ben = story.person("ada"), story.person("ben")
    (own,) = hand_in(story, ada, 0.5)
    (other,) = hand_in(story, ben, 0.0)
    unblind(story, clock)
    for path in (RESULT, "/challenges/tiny/result"):
        text = ada.get(path).text
        assert own in text
        assert other not in text
