"""A whole school week: forty pupils in thirty teams, six phases in three pairs, five days."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.core.platform import Platform
from page_checks import Page
from school_challenge import PHASES
from school_week import ADMIN, Week, begin_week
from stories import API
from teamwork import TEAM, propose, unite

CHEATS = "a second account of the same pupil"


def test_a_school_week(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    week = begin_week(platform, web, tmp_path / "week", clock)
    on_monday_forty_pupils_form_thirty_teams(week)
    on_monday_everybody_hands_in(week)
    some_choose_their_finals_and_one_team_gets_more_time(week)
    on_tuesday_phase_1_closes_but_not_for_the_team_with_more_time(week)
    once_that_has_closed_too_the_tick_carries_the_finals_over_and_unblinds(week)
    a_late_file_is_shown_without_a_rank(week)
    two_teams_merge_between_the_phases(week)
    on_tuesday_phase_2_opens_with_a_wrong_solution(week)
    on_wednesday_the_right_one_is_uploaded_and_both_boards_switch_at_once(week)
    the_leader_of_phase_2_is_disqualified_and_the_others_move_up(week)
    on_wednesday_evening_the_best_of_phase_2_go_to_its_final(week)
    on_thursday_everybody_works_at_phase_3_and_the_latest_file_moves_on(week)
    on_friday_the_teacher_opens_the_last_board(week)
    every_board_is_what_an_independent_count_gives(week)
    the_teacher_takes_the_grades_home(week)
    everybody_prints_a_certificate(week)


def on_monday_forty_pupils_form_thirty_teams(week: Week) -> None:
    for pupil in week.pupils:
        assert pupil.join().status_code == 200
    for leader, guest in zip(week.pupils[:20:2], week.pupils[1:20:2], strict=True):
        unite(leader, guest)
    leaders = week.pupils[:20:2] + week.pupils[20:]
    week.leaders = {leader.username: leader for leader in leaders}
    assert len(week.leaders) == 30
    renamed = week.leaders.pop("pupil01")
    assert renamed.patch(TEAM, json={"name": "Équipe Ω"}).status_code == 200
    week.leaders["Équipe Ω"] = renamed
    early = week.leaders["pupil21"].submit(week.file(1.0, 0.8), phase="phase-1")
    assert (early.status_code, early.json()["code"]) == (403, "closed")


def on_monday_everybody_hands_in(week: Week) -> None:
    week.at("Mon 09:00")
    for number, team in enumerate(week.leaders):
        week.hand_in(team, "phase-1", noise=0.2 + 0.1 * number)
    week.work()
    week.at("Mon 14:00")
    for number, team in enumerate(list(week.leaders)[:12]):
        week.hand_in(team, "phase-1", noise=1.5 - 0.1 * number)
    week.work()
    for number, team in enumerate(list(week.leaders)[:6]):
        week.hand_in(team, "phase-1", noise=0.5, cut=0.2 * number)
    week.work()
    board = week.rows("phase-1", "public")
    assert len(board) == 30
    assert all(row["score"] == round(row["score"], 4) for row in board), "while it is blind"
    assert week.ranks("phase-1", "public") == week.expected("phase-1", "public")
    assert sum(row["entries"] for row in board) == 30 + 12 + 6
    blind = week.pupils[0].board(phase="phase-1", split="private")
    assert (blind.status_code, blind.json()["code"]) == (403, "blinded")
    own = week.pupils[4].get(f"{API}/challenges/tiny/submissions").json()["items"]
    assert [set(one["scores"]) for one in own] == [{"public"}] * 3


def some_choose_their_finals_and_one_team_gets_more_time(week: Week) -> None:
    week.at("Mon 16:00")
    for team in ("pupil03", "pupil05"):
        worst = min(week.of(team, "phase-1"), key=lambda one: public(week, one))
        week.select(worst)
    for one in week.of("pupil07", "phase-1")[:2]:
        week.select(one)
    body = {"team": "pupil40", "closes_at": "2026-12-08T14:00:00"}
    assert week.prof.post(f"{ADMIN}/phases/phase-1/extensions", json=body).status_code == 200
    assert "13:00 UTC" in week.shown("pupil40", "/challenges/tiny")
    assert "13:00 UTC" not in week.shown("pupil39", "/challenges/tiny")


def on_tuesday_phase_1_closes_but_not_for_the_team_with_more_time(week: Week) -> None:
    week.at("Tue 12:00")
    assert week.refused("pupil39", "phase-1") == "closed"
    assert week.refused("pupil39", "phase-1-final") == "closed", "it takes carried files alone"
    week.hand_in("pupil40", "phase-1", noise=0.1)
    week.work()
    assert week.ranks("phase-1", "public") == week.expected("phase-1", "public")
    board = week.pupils[0].board(phase="phase-1").json()
    assert (board["state"], board["unblinded_at"]) == ("settling", None)
    assert week.rows("phase-1-final", "public") == []
    early = week.prof.post(f"{ADMIN}/phases/phase-1/unblind")
    assert early.status_code == 409
    assert week.prof.post(f"{ADMIN}/phases/phase-1-final/carry-over").status_code == 409


def once_that_has_closed_too_the_tick_carries_the_finals_over_and_unblinds(week: Week) -> None:
    week.at("Tue 14:00")
    preview = week.prof.post(f"{ADMIN}/phases/phase-1-final/carry-over?preview=true").json()
    expected = {
        one.id
        for team in week.leaders
        for one in week.carried(week.of(team, "phase-1"), "phase-1-final")
    }
    assert {one["submission"] for one in preview["items"]} == expected
    week.story.tick()
    again = week.prof.post(f"{ADMIN}/phases/phase-1-final/carry-over").json()
    assert {one["submission"] for one in again["items"]} == expected
    assert {one["fate"] for one in again["items"]} == {"stays"}
    check_opened(week, "phase-1")
    week.work()
    check_opened(week, "phase-1-final")
    rows = week.rows("phase-1-final", "private")
    assert all(row["carried"] for row in rows)
    best = rows[0]
    leader = week.leaders[best["team"]].username
    page = week.shown(leader, "/challenges/tiny/result?phase=phase-1-final")
    assert f"Your team “{best['team']}” takes 1st place of 30" in page


def a_late_file_is_shown_without_a_rank(week: Week) -> None:
    before = week.ranks("phase-1", "private")
    week.at("Tue 14:15")
    late = week.hand_in("pupil11", "phase-1", noise=0.0)
    assert late.late
    week.work()
    assert week.ranks("phase-1", "private") == before == week.expected("phase-1", "private")
    shown = [row for row in week.rows("phase-1", "private") if row["late"]]
    assert [(row["team"], row["rank"], row["mark"]) for row in shown] == [("pupil11", None, "late")]
    assert ">late<" in week.shown("pupil12", "/challenges/tiny/leaderboard?phase=phase-1")
    assert week.refused("pupil11", "phase-1-final") == "closed"
    assert len(week.rows("phase-1-final", "private")) == 30


def two_teams_merge_between_the_phases(week: Week) -> None:
    week.at("Tue 14:30")
    boards = {
        (slug, split): week.rows(slug, split)
        for slug in ("phase-1", "phase-1-final")
        for split in ("public", "private")
    }
    leaving, staying = week.leaders["pupil21"], week.leaders["pupil22"]
    proposal = propose(leaving, "pupil22")
    assert staying.post(f"{API}/merges/{proposal}/accept").status_code == 200
    del week.leaders["pupil21"]
    members = staying.get(TEAM).json()["members"]
    assert [one["username"] for one in members] == ["pupil22", "pupil21"]
    for (slug, split), rows in boards.items():
        told = [(row["rank"], row["team"], row["score"]) for row in rows]
        now = [(row["rank"], row["team"], row["score"]) for row in week.rows(slug, split)]
        assert now == told, f"the {split} board of {slug} is history"


def on_tuesday_phase_2_opens_with_a_wrong_solution(week: Week) -> None:
    week.at("Tue 15:00")
    for number, team in enumerate(week.leaders):
        week.hand_in(team, "phase-2", noise=0.1 * (number * 7 % 30))
    week.work()
    week.at("Wed 09:00")
    for team in list(week.leaders)[10:18]:
        week.hand_in(team, "phase-2", noise=0.4)
    week.work()
    assert len(week.rows("phase-2", "public")) == 29
    assert week.ranks("phase-2", "public") == week.expected("phase-2", "public")
    assert week.ranks("phase-2", "private", week.prof) == week.expected("phase-2", "private")


def on_wednesday_the_right_one_is_uploaded_and_both_boards_switch_at_once(week: Week) -> None:
    week.at("Wed 10:00")
    old = {slug: both(week, slug) for slug in ("phase-1", "phase-2")}
    detail = upload_solution(week, "labels of some events were swapped")
    carried = sum(row["entries"] for row in week.rows("phase-1-final", "public"))
    assert detail["submissions"] == len(week.sent) + carried
    late_comer = week.hand_in("pupil30", "phase-2", noise=0.3)
    week.answer, wrong = week.truth, week.answer
    week.story.drain()
    detail = week.prof.get(f"{ADMIN}/rescorings/{detail['id']}").json()
    assert (detail["waiting"], detail["failed"], detail["outcome"]) == (0, 0, None)
    week.answer = wrong
    assert week.ranks("phase-2", "private", week.prof) == week.expected("phase-2", "private")
    week.answer = week.truth
    foretold = moves_of(detail, "phase-2")
    week.story.tick()
    ended = week.prof.get(f"{ADMIN}/rescorings/{detail['id']}").json()
    assert ended["outcome"] == "switched"
    assert late_comer.team in week.ranks("phase-2", "public")
    for split in ("public", "private"):
        now = week.ranks("phase-2", split, week.prof)
        assert now == week.expected("phase-2", split)
        assert foretold[split], "somebody moved"
        assert {team: now[team] for team in foretold[split]} == foretold[split]
    assert both(week, "phase-1") == old["phase-1"], "whose rows were right"
    assert both(week, "phase-2") != old["phase-2"]
    assert "labels of some events were swapped" in week.shown("pupil30", "/challenges/tiny")


def the_leader_of_phase_2_is_disqualified_and_the_others_move_up(week: Week) -> None:
    week.at("Wed 16:00")
    before = week.ranks("phase-2", "public")
    (first, *_) = (row for row in week.rows("phase-2", "public") if row["rank"] == 1)
    path = f"{ADMIN}/phases/phase-2/teams/{first['team_id']}/disqualify"
    assert week.prof.post(path, json={"reason": CHEATS}).status_code == 200
    week.out["phase-2"] = {first["team"]}
    now = week.ranks("phase-2", "public")
    others = {team: rank for team, rank in before.items() if team != first["team"]}
    assert now == {team: max(1, rank - 1) for team, rank in others.items()}
    own = week.of(first["team"], "phase-2")[0]
    leader = week.leaders[first["team"]]
    told = leader.get(f"{API}/submissions/{own.id}").json()
    assert told["team_disqualified_reason"] == CHEATS
    assert CHEATS in week.shown(leader.username, f"/submissions/{own.id}")
    other = next(one for one in week.pupils if one.username != leader.username)
    assert CHEATS not in week.shown(other.username, "/challenges/tiny/leaderboard?phase=phase-2")


def on_wednesday_evening_the_best_of_phase_2_go_to_its_final(week: Week) -> None:
    week.at("Wed 18:00")
    week.work()
    check_opened(week, "phase-2")
    week.work()
    check_opened(week, "phase-2-final")
    (barred,) = week.out["phase-2"]
    assert len(week.rows("phase-2-final", "private")) == 28
    assert barred not in week.ranks("phase-2-final", "private")
    (row,) = (row for row in week.rows("phase-2", "private") if row["team"] == barred)
    assert (row["rank"], row["mark"]) == (None, "disqualified")


def on_thursday_everybody_works_at_phase_3_and_the_latest_file_moves_on(week: Week) -> None:
    week.at("Thu 09:00")
    for number, team in enumerate(week.leaders):
        week.hand_in(team, "phase-3", noise=0.1 * (number * 11 % 30))
    week.work()
    week.at("Thu 11:00")
    for team in list(week.leaders)[:8]:
        week.hand_in(team, "phase-3", noise=3.0)  # worse than before, yet the latest
    week.work()
    assert week.ranks("phase-3", "public") == week.expected("phase-3", "public")


def on_friday_the_teacher_opens_the_last_board(week: Week) -> None:
    week.at("Fri 12:00")
    week.work()
    check_opened(week, "phase-3")
    early = week.prof.post(f"{ADMIN}/phases/phase-3-final/unblind")
    assert early.status_code == 409, "its files are still to be scored"
    week.work()
    week.at("Fri 15:00")
    week.work()
    assert week.pupils[0].board(phase="phase-3-final", split="private").status_code == 403
    assert week.pupils[0].get(certificate("phase-3-final")).status_code == 403
    opened = week.prof.post(f"{ADMIN}/phases/phase-3-final/unblind")
    assert opened.status_code == 200, opened.text
    check_opened(week, "phase-3-final")


def every_board_is_what_an_independent_count_gives(week: Week) -> None:
    for slug in PHASES:
        check_opened(week, slug)
        for split in ("public", "private"):
            expected = week.scores(slug, split)
            for row in week.rows(slug, split):
                if not row["late"]:
                    assert row["score"] == pytest.approx(expected.pop(row["team"]), rel=1e-9)
            assert not expected


def the_teacher_takes_the_grades_home(week: Week) -> None:
    answer = week.prof.get(f"{ADMIN}/exports/grades", params={"format": "csv"})
    rows = {row["username"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert len(rows) == 40
    assert rows["pupil01"]["team"] == rows["pupil02"]["team"] == "Équipe Ω"
    assert rows["pupil21"]["team"] == "pupil22"
    for slug in PHASES:
        public, private = (week.expected(slug, split) for split in ("public", "private"))
        scores = week.scores(slug, "private")
        for team in {"Équipe Ω", *week.leaders} & set(private):
            row = rows[week.leaders[team].username]
            assert int(row[f"{slug}_private_rank"]) == private[team]
            assert int(row[f"{slug}_move"]) == public[team] - private[team]
            assert float(row[f"{slug}_private_score"]) == pytest.approx(scores[team])
    merged = week.expected("phase-1", "private")["pupil21"]
    assert int(rows["pupil21"]["phase-1_private_rank"]) == merged
    (barred,) = week.out["phase-2"]
    row = rows[week.leaders[barred].username]
    assert (row["phase-2_disqualified"], row["phase-2_private_rank"]) == ("True", "")


def everybody_prints_a_certificate(week: Week) -> None:
    for slug in PHASES:
        path = f"{ADMIN}/phases/{slug}/certificates"
        table = week.prof.get(path, params={"format": "csv"}).text
        rows = list(csv.DictReader(io.StringIO(table)))
        expected = week.expected(slug, "private")
        assert {row["team"]: int(row["rank"]) for row in rows} == expected
        assert {int(row["of"]) for row in rows} == {len(expected)}
        paper = week.shown("prof", f"/challenges/tiny/phases/{slug}/certificates")
        assert len(Page(paper).text_of("article")) == len(expected)
    rank = week.expected("phase-3-final", "private")["Équipe Ω"]
    for pupil in ("pupil01", "pupil02"):
        (text,) = Page(week.shown(pupil, certificate("phase-3-final"))).text_of("article")
        for part in ("A week of bumps", "pupil01 pupil02", "Équipe Ω", "11 December 2026"):
            assert part in text
        assert f"ank {rank} of 29" in text
    # Who merged on Tuesday prints Monday's rank of the old team, alone.
    (text,) = Page(week.shown("pupil21", certificate("phase-1"))).text_of("article")
    assert f"ank {week.expected('phase-1', 'private')['pupil21']} of 30" in text
    assert "pupil22" not in text
    (barred,) = week.out["phase-2"]
    assert week.leaders[barred].get(certificate("phase-2")).status_code == 404


def check_opened(week: Week, slug: str) -> None:
    """A phase is unblinded: both boards and the moves are as they should be, in full precision."""
    board = week.pupils[0].board(phase=slug, split="private").json()
    assert board.get("state") == "unblinded", board
    public, private = (week.expected(slug, split) for split in ("public", "private"))
    assert week.ranks(slug, "public") == public
    assert week.ranks(slug, "private") == private
    assert {row["team"]: row["move"] for row in board["rows"] if row["rank"] is not None} == {
        team: public[team] - rank for team, rank in private.items()
    }
    scores = [row["score"] for row in board["rows"]]
    assert any(score != round(score, 4) for score in scores)


def both(week: Week, slug: str) -> list[Any]:
    """The two boards of a phase as the teacher sees them."""
    return [
        [(row["rank"], row["team"], row["score"]) for row in week.rows(slug, split, week.prof)]
        for split in ("public", "private")
    ]


def public(week: Week, one: Any) -> float:
    """The public score of a file."""
    return week.answer.score(one.content, one.slug, "public")


def certificate(slug: str) -> str:
    """The page of one's own certificate."""
    return f"/challenges/tiny/phases/{slug}/certificate"


def upload_solution(week: Week, reason: str) -> Any:
    """The teacher looks what the true solution would do, uploads it, and sees how far it is."""
    path = f"{ADMIN}/test_sets/main/solution"
    form = {
        "files": {"file": ("solution.csv", week.truth.table.write_csv().encode())},
        "data": {"message": reason},
    }
    looked = week.prof.post(f"{path}?preview=true", **form)
    assert (looked.status_code, looked.json()["rescored"]) == (200, ["main"])
    assert week.prof.get(f"{ADMIN}/rescorings").json()["items"] == []
    assert week.prof.post(path, **form).status_code == 200
    (begun,) = week.prof.get(f"{ADMIN}/rescorings").json()["items"]
    return begun


def moves_of(detail: Any, slug: str) -> dict[str, dict[str, int]]:
    """Who would move to which rank on the two boards of a phase."""
    return {
        board["split"]: {one["team"]: one["after"] for one in board["moves"]}
        for board in detail["boards"]
        if board["phase"] == slug
    }
