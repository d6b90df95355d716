"""Excluding people, and teams that are shown unranked: what they, others and boards see."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.access import find_access
from fivesigma_backend.challenges.models import Challenge, Participation, Phase
from fivesigma_backend.challenges.service import phases_of
from fivesigma_backend.core.errors import Forbidden
from fivesigma_backend.core.ids import new_id
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import SCOPES, Actor
from fivesigma_backend.submissions.admission import admission_to
from fivesigma_backend.submissions.handing_in import Upload, accept
from fivesigma_backend.teams.models import Team, TeamMember
from people import Browser
from registering import ADMIN, School, at_once, begin_school, join
from sqlalchemy import delete, select, update
from stories import Person

pytestmark = pytest.mark.stores
ON_ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PAGE = "/challenges/tiny/participants"


@pytest.fixture
def school(platform: Platform, web: TestClient, tmp_path: Path) -> School:
    return begin_school(platform, web, tmp_path / "tiny", "open")


def scored(school: School, name: str, cut: float) -> Person:
    """Somebody on the board."""
    person = school.story.person(name)
    assert person.submit(school.story.prediction(cut)).status_code == 201
    school.story.drain()
    return person


def board(school: School) -> list[tuple[int | None, str]]:
    rows = school.story.web.get("/api/v1/challenges/tiny/leaderboard").json()["rows"]
    return [(row["rank"], row["team"]) for row in rows]


def make_one_team(school: School, *names: str) -> None:
    """Put people into the team of the first."""
    with school.platform.db.transaction() as session:
        ids = [school.story.user(name).id for name in names]
        mine = select(TeamMember.team_id).where(TeamMember.user_id == ids[0]).scalar_subquery()
        moved = update(TeamMember).where(TeamMember.user_id.in_(ids[1:]))
        session.execute(moved.values(team_id=mine, leader=False))
        session.execute(delete(Team).where(Team.id.not_in(select(TeamMember.team_id))))


def test_the_banned_see_why_and_can_do_nothing(school: School, clock: FrozenClock) -> None:
    ada = school.story.person("ada")
    answer = school.organise("Ada/ban", reason="  two accounts ")
    assert (answer["banned_at"], answer["banned_reason"]) == (
        "2026-12-01T12:00:00.000Z",
        "two accounts",
    )
    for refused in (
        ada.submit(school.story.prediction()),
        ada.validate(school.story.prediction()),
        ada.get("/api/v1/challenges/tiny/files/train"),
        ada.get("/api/v1/challenges/tiny/submissions"),
        join(ada),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "banned")
        assert "two accounts" in refused.json()["detail"]
    browser = Browser(ada.web).log_in(school.platform, school.story.user("ada"))
    for path in ("/challenges/tiny", "/challenges/tiny/submit"):
        page = browser.get(path).text
        assert "The reason: two accounts" in page
        assert 'action="/challenges/tiny/join"' not in page
    assert "two accounts" not in school.story.web.get("/challenges/tiny").text


def test_a_board_hides_a_team_while_all_of_its_members_are_banned(
    school: School, clock: FrozenClock
) -> None:
    for name, cut in (("ada", 0.5), ("emmy", 0.0)):
        scored(school, name, cut)
    school.story.person("lise")
    make_one_team(school, "ada", "lise")
    full = board(school)
    assert [team for _, team in full] == ["ada", "emmy"]
    school.organise("ada/ban", reason="r")
    assert board(school) == full
    school.organise("lise/ban", reason="r")
    assert board(school) == [(1, "emmy")]
    school.organise("ada/unban")
    assert board(school) == full
    assert [team.banned_at for team in school.rows(Team)] == [None, None]


def test_the_last_two_members_are_banned_at_once(school: School) -> None:
    names = ["ada", "emmy", "lise"]
    for name in names:
        school.story.person(name)
    make_one_team(school, *names)
    at_once(*[partial(school.organise, f"{name}/ban", reason="r") for name in names])
    assert [team.banned_at is None for team in school.rows(Team)] == [False]
    at_once(*[partial(school.organise, f"{name}/unban") for name in names])
    assert [team.banned_at for team in school.rows(Team)] == [None]


def test_boards_get_a_new_version_and_live_pages_are_told(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    school.story.person("ada")
    before = school.rows(Phase)[0].board_version
    events = school.platform.events
    monkeypatch.setattr(
        type(events), "publish", lambda _self, _challenge, event: told.append(event)
    )
    school.organise("ada/ban", reason="r")
    version = school.rows(Phase)[0].board_version
    assert version > before
    assert told == [{"type": "board", "phase": "final", "version": version}]
    school.boss.post(f"{ADMIN}/nobody/ban", json={"reason": "r"})
    assert len(told) == 1


def test_bans_are_recorded_with_before_and_after(school: School) -> None:
    school.story.person("ada")
    school.organise("ada/ban", reason="first")
    school.organise("ada/ban", reason="second")
    for _ in range(2):
        school.organise("ada/unban")
    free = {"banned": False, "reason": None}
    first, second = ({"banned": True, "reason": reason} for reason in ("first", "second"))
    acts = school.acts("participant.")
    assert [(act.action, act.before, act.after) for act in acts] == [
        ("participant.banned", free, first),
        ("participant.banned", first, second),
        ("participant.unbanned", second, free),
    ]
    assert {act.actor_id for act in acts} == {school.story.user("boss").id}
    assert {act.target for act in acts} == {school.story.user("ada").id}


def test_a_second_ban_keeps_the_time_of_the_first(school: School, clock: FrozenClock) -> None:
    school.story.person("ada")
    first = school.organise("ada/ban", reason="r")["banned_at"]
    clock.advance(hours=1)
    assert school.organise("ada/ban", reason="other")["banned_at"] == first


@pytest.mark.parametrize("username", ["nobody", "eve", "%00", "x" * 300])
def test_only_participants_can_be_banned(school: School, username: str) -> None:
    school.person("eve")  # who has not joined
    answer = school.boss.post(f"{ADMIN}/{username}/ban", json={"reason": "r"})
    assert answer.status_code == 404


@ON_ONE_DATABASE
@pytest.mark.parametrize("reason", ["", " ", "=1", "x" * 501, "a\x00", "a\nb", "\ud800"])
def test_a_reason_is_needed_and_a_plain_line(school: School, reason: str) -> None:
    school.story.person("ada")
    answer = school.boss.post(
        f"{ADMIN}/ada/ban",
        content=json.dumps({"reason": reason}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert school.rows(Participation)[0].banned_at is None


def test_organisers_can_not_be_banned_nor_ranked(school: School) -> None:
    join(school.boss)
    banned = school.boss.post(f"{ADMIN}/boss/ban", json={"reason": "r"})
    ranked = school.boss.post(f"{ADMIN}/boss/staff", json={"staff": False})
    assert (banned.status_code, ranked.status_code) == (409, 409)
    root = school.story.person("root", admin=True)
    assert root.post(f"{ADMIN}/root/staff", json={"staff": False}).status_code == 409
    assert [team.staff for team in school.rows(Team)] == [True, True]


def test_staff_is_shown_unranked_and_can_be_ranked_again(school: School) -> None:
    scored(school, "ada", 0.5), scored(school, "emmy", 0.0)
    assert school.organise("ada/staff", staff=True)["staff"] is True
    assert sorted(board(school), key=str) == [(1, "emmy"), (None, "ada")]
    school.organise("ada/staff", staff=True)
    school.organise("ada/staff", staff=False)
    assert board(school) == [(1, "ada"), (2, "emmy")]
    acts = school.acts("team.staff")
    assert [(act.before, act.after) for act in acts] == [
        ({"staff": False}, {"staff": True}),
        ({"staff": True}, {"staff": False}),
    ]


def test_the_list_is_searched_and_paged(school: School) -> None:
    for number in range(7):
        school.story.person(f"pupil{number}")
    first = school.boss.get(ADMIN, params={"limit": 3}).json()
    assert [one["username"] for one in first["items"]] == ["pupil0", "pupil1", "pupil2"]
    second = school.boss.get(ADMIN, params={"limit": 3, "cursor": first["next"]}).json()
    last = school.boss.get(ADMIN, params={"limit": 3, "cursor": second["next"]}).json()
    assert ([one["username"] for one in last["items"]], last["next"]) == (["pupil6"], None)
    with school.platform.db.transaction() as session:
        challenge = session.scalars(select(Challenge.id)).one()
        team = Team(
            id=new_id(),
            challenge_id=challenge,
            name="Higgs Hunters",
            name_key="higgs hunters",
            created_at=school.platform.clock(),
        )
        session.add(team)
        session.flush()
        moved = update(TeamMember).where(TeamMember.user_id == school.story.user("pupil3").id)
        session.execute(moved.values(team_id=team.id))
    for query, names in (
        ("HUNTERS", ["pupil3"]),
        ("Pupil5", ["pupil5"]),
        ("%", []),
        ("\x00", []),
        ("_", []),
    ):
        found = school.boss.get(ADMIN, params={"q": query}).json()["items"]
        assert [one["username"] for one in found] == names, query


def test_the_page_does_all_of_it_and_says_what_stands_in_the_way(school: School) -> None:
    school.story.person("ada"), join(school.boss)
    boss = Browser(school.story.web).log_in(school.platform, school.story.user("boss"))
    page = boss.get(PAGE).text
    assert "2 people take part" in page
    assert boss.post(f"{PAGE}/ada/ban", page=PAGE, reason="").status_code == 422
    assert boss.post(f"{PAGE}/ada/ban", page=PAGE, reason="<i>r</i>").status_code == 303
    assert "&lt;i&gt;r&lt;/i&gt;" in boss.get(PAGE).text
    assert boss.post(f"{PAGE}/ada/unban", page=PAGE).status_code == 303
    assert boss.post(f"{PAGE}/ada/staff", page=PAGE, staff="1").status_code == 303
    refused = boss.post(f"{PAGE}/boss/ban", page=PAGE, reason="r")
    assert refused.status_code == 409
    assert "organises this challenge" in refused.text
    nobody = boss.post(f"{PAGE}/applications", page=PAGE, decision="approve")
    assert nobody.status_code == 422
    assert "Nobody found" in boss.get(f"{PAGE}?q=zzz").text


def test_a_ban_while_a_file_travels_refuses_the_file(school: School) -> None:
    story = school.story
    story.person("ada")
    user = story.user("ada")
    upload = Upload(sha256="a" * 64, size=1, filename="a.csv")
    actor = Actor(user.id, user.username, scopes=frozenset(SCOPES))
    with story.platform.db.read() as session:
        access = find_access(session, actor, "tiny", public_boards=True)
        admission = admission_to(session, access, phases_of(session, access.challenge.id)[0])
    school.organise("ada/ban", reason="two accounts")
    now = story.platform.clock()
    with (
        pytest.raises(Forbidden, match="excluded"),
        story.platform.db.transaction() as session,
    ):
        accept(session, access, admission, upload, began_at=now, now=now)
