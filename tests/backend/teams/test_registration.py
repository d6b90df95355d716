"""Every policy × every state; applications; the rules' versions; attempts at codes."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest
from challenge_folder import write_tiny_challenge
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import User
from fivesigma_backend.challenges.models import Participation
from fivesigma_backend.challenges.service import load_challenge
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.teams.models import Application, InviteCode, Team
from fivesigma_backend.teams.registration import ATTEMPTS, ATTEMPTS_OF_ADDRESS
from fivesigma_backend.teams.registration_rules import Decision, Step, starts_formula, step
from hypothesis import given
from hypothesis import strategies as st
from people import Browser
from registering import ADMIN, JOIN, School, at_once, begin_school, join

pytestmark = pytest.mark.stores
ON_ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def school(
    platform: Platform, web: TestClient, tmp_path: Path, request: pytest.FixtureRequest
) -> School:
    """A challenge that approves, or whose policy the test names by `parametrize`."""
    return begin_school(platform, web, tmp_path / "tiny", getattr(request, "param", "approval"))


def policy(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("school", [name], indirect=True, ids=[name])


WAY_IN = {
    ("open", None): Step.LET_IN,
    ("approval", None): Step.ASK,
    ("approval", Decision.WAITING): Step.WAIT,
    ("approval", Decision.ACCEPTED): Step.LET_IN,
    ("approval", Decision.REFUSED): Step.REFUSED,
}


def test_the_way_in_by_every_policy_and_in_every_state() -> None:
    booleans = (False, True)
    policies = ("open", "approval", "code", "roster")
    decisions = (None, *Decision)
    for name, joined, staff, decision, code in product(
        policies, booleans, booleans, decisions, booleans
    ):
        found = step(name, joined=joined, staff=staff, decision=decision, code=code)
        if joined or staff or name == "open":
            assert found is Step.LET_IN
        elif name == "approval":
            assert found is WAY_IN[name, decision]
        elif not code:
            assert found is Step.CODE_MISSING
        else:
            expected = {"code": Step.TRY_INVITE_CODE, "roster": Step.TRY_ROSTER_CODE}
            assert found is expected[name]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", " =", "\u3000@"])
def test_what_a_spreadsheet_computes_is_known(sign: str) -> None:
    assert starts_formula(f"{sign}1+1")
    assert not starts_formula(f"1{sign}1")


@given(st.text(max_size=20))
def test_any_text_is_judged(text: str) -> None:
    assert starts_formula(text) in (True, False)


@policy("open")
def test_an_open_challenge_needs_nothing_but_the_rules(school: School) -> None:
    ada = school.person("ada")
    assert ada.post(JOIN, json={}).json()["code"] == "rules_not_accepted"
    assert join(ada, "any code is passed over").json()["state"] == "joined"


@pytest.mark.parametrize("school", ["open", "approval", "code", "roster"], indirect=True)
def test_organisers_and_administrators_are_always_let_in_as_staff(school: School) -> None:
    root = school.story.person("root", joined=False, admin=True)
    for one in (school.boss, root):
        answer = join(one)
        assert (answer.status_code, answer.json()["staff"]) == (200, True)


@pytest.mark.parametrize("school", ["approval", "code", "roster"], indirect=True)
def test_nothing_happens_before_the_rules_are_accepted(school: School) -> None:
    answer = school.person("ada").post(JOIN, json={"code": "0000"})
    assert (answer.status_code, answer.json()["code"]) == (403, "rules_not_accepted")
    assert school.rows(Application) == school.rows(Participation) == school.rows(Team) == []


def test_whoever_asks_waits_until_somebody_decides(school: School) -> None:
    ada = school.person("ada")
    for _ in range(2):
        answer = join(ada, message="I am in your class,\r\nfirst row")
        assert answer.status_code == 202
        assert answer.json() == {
            "joined": False,
            "state": "waiting",
            "joined_at": None,
            "team": None,
            "staff": False,
            "rules_version": None,
        }
    refused = ada.submit(school.story.prediction())
    assert (refused.status_code, refused.json()["code"]) == (403, "not_joined")
    (asked,) = school.boss.get(f"{ADMIN}/applications").json()["items"]
    assert (asked["username"], asked["state"]) == ("ada", "waiting")
    assert asked["message"] == "I am in your class, first row"

    school.organise("applications/approve", usernames=["Ada"])
    joined = join(ada).json()
    assert (joined["state"], joined["team"], joined["staff"]) == ("joined", "ada", False)
    assert ada.submit(school.story.prediction()).status_code == 201
    listed = school.boss.get(f"{ADMIN}/applications").json()
    assert listed == {"items": [], "next": None, "waiting": 0}


def test_a_refused_one_stays_out_until_approved_after_all(school: School) -> None:
    ada = school.person("ada")
    join(ada)
    school.organise("applications/refuse", usernames=["ada"])
    answer = join(ada)
    assert (answer.status_code, answer.json()["code"]) == (403, "application_refused")
    page = (
        Browser(ada.web).log_in(school.platform, school.story.user("ada")).get("/challenges/tiny")
    )
    assert "refused your application" in page.text
    assert 'action="/challenges/tiny/join"' not in page.text
    school.organise("applications/approve", usernames=["ada"])
    assert join(ada).status_code == 200
    late = school.boss.post(f"{ADMIN}/applications/refuse", json={"usernames": ["ada"]})
    assert (late.status_code, late.json()["code"]) == (409, "conflict")


def test_many_are_approved_at_once_or_none(school: School) -> None:
    people = [school.person(f"pupil{number}") for number in range(5)]
    for one in people:
        join(one)
    names = [one.username for one in people]
    wrong = school.boss.post(f"{ADMIN}/applications/approve", json={"usernames": [*names, "eve"]})
    assert wrong.status_code == 404
    assert "eve" in wrong.json()["detail"]
    assert school.rows(Participation) == []
    school.organise("applications/approve", usernames=names)
    assert len(school.rows(Participation)) == len(school.rows(Team)) == 5
    school.organise("applications/approve", usernames=names)  # twice is as good as once
    assert len(school.acts("application.approved")) == 5


def test_two_organisers_decide_at_once(school: School) -> None:
    names = ["ada", "emmy", "lise"]
    for name in names:
        join(school.person(name))
    path = f"{ADMIN}/applications"

    def approve(order: list[str]) -> int:
        status: int = school.boss.post(f"{path}/approve", json={"usernames": order}).status_code
        return status

    assert at_once(lambda: approve(names), lambda: approve(names[::-1])) == [200, 200]
    assert len(school.rows(Team)) == 3
    assert len(school.acts("application.approved")) == 3


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    "usernames", [[], ["\x00"], ["a" * 1000], ["nobody"], ["ada"] * 501, [7], "ada", ["\ud800"]]
)
def test_deciding_about_nobody_is_refused(school: School, usernames: object) -> None:
    answer = school.boss.post(
        f"{ADMIN}/applications/approve",
        content=json.dumps({"usernames": usernames}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (404, 422)


@ON_ONE_DATABASE
@pytest.mark.parametrize("message", ["x" * 501, "a\x00b", "\u202eevil"])
def test_a_message_is_short_and_plain(school: School, message: str) -> None:
    assert join(school.person("ada"), message=message).status_code == 422
    assert school.rows(Application) == []


def test_approval_is_recorded_with_before_and_after(school: School, clock: FrozenClock) -> None:
    join(school.person("ada"))
    clock.advance(hours=1)
    school.organise("applications/approve", usernames=["ada"])
    (act,) = school.acts("application")
    assert (act.actor_id, act.at) == (school.story.user("boss").id, clock())
    assert (act.before, act.after) == ({"state": "waiting"}, {"state": "accepted"})
    assert act.target == school.story.user("ada").id


def test_rules_that_changed_while_somebody_waited_are_asked_for(
    school: School, clock: FrozenClock
) -> None:
    ada = school.person("ada")
    join(ada)
    asked_at = clock()
    clock.advance(days=1)
    change_rules(school)
    school.organise("applications/approve", usernames=["ada"])
    (row,) = school.rows(Participation)
    assert row.rules_accepted_at == asked_at
    answer = ada.submit(school.story.prediction())
    assert (answer.status_code, answer.json()["code"]) == (403, "rules_changed")
    assert join(ada).status_code == 200
    assert ada.submit(school.story.prediction()).status_code == 201


@policy("open")
def test_new_rules_ask_again_before_the_next_submission_and_the_data(school: School) -> None:
    ada = school.person("ada")
    join(ada)
    assert ada.submit(school.story.prediction(0.0)).status_code == 201
    change_rules(school)
    data = f"{JOIN.removesuffix('/join')}/files/train"
    for answer in (ada.submit(school.story.prediction(0.5)), ada.get(data)):
        assert (answer.status_code, answer.json()["code"]) == (403, "rules_changed")
    listed = school.boss.get(ADMIN).json()["items"]
    assert [(one["username"], one["rules_due"]) for one in listed] == [("ada", True)]
    join(ada)
    assert ada.submit(school.story.prediction(0.5)).status_code == 201
    assert ada.get(data).status_code == 200


def change_rules(school: School) -> None:
    (school.story.folder / "rules.md").write_text("# Stricter rules\n")
    load_challenge(school.platform, school.story.folder, update=True, report=lambda _line: None)


def change_policy(school: School, policy: str) -> None:
    write_tiny_challenge(school.story.folder, registration={"policy": policy})
    load_challenge(school.platform, school.story.folder, update=True, report=lambda _line: None)


def test_another_policy_leaves_participants_in_and_lets_who_waited_in(school: School) -> None:
    ada, emmy = school.person("ada"), school.person("emmy")
    join(ada), join(emmy)
    school.organise("applications/approve", usernames=["ada"])
    change_policy(school, "open")
    assert join(ada).json()["team"] == "ada"
    assert join(emmy).json()["state"] == "joined"
    assert school.boss.get(f"{ADMIN}/applications").json()["waiting"] == 0


@pytest.mark.parametrize("school", ["code", "roster"], indirect=True)
def test_a_person_has_ten_attempts_at_a_code(school: School) -> None:
    ada, emmy = school.person("ada"), school.person("emmy")
    amount = int(ATTEMPTS.split("/")[0])
    for _ in range(amount):
        answer = join(ada, "0000-0000-0000-0000")
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_code")
    refused = join(ada, "0000-0000-0000-0000")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many")
    assert int(refused.headers["Retry-After"]) > 0
    assert join(emmy, "0000-0000-0000-0000").status_code == 403
    assert join(ada).json()["code"] == "code_needed"  # which is no attempt


@ON_ONE_DATABASE
@policy("code")
def test_an_address_has_more_attempts_for_a_class_but_not_endless_ones(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ATTEMPTS_OF_ADDRESS.endswith(ATTEMPTS.split("/", 1)[1])
    name = "fivesigma_backend.teams.registration.ATTEMPTS_OF_ADDRESS"
    monkeypatch.setattr(name, "3/15 minutes")
    people = [school.person(f"pupil{number}") for number in range(5)]
    assert [join(one, "0000").status_code for one in people] == [403, 403, 403, 429, 429]


@policy("code")
def test_a_right_code_ends_the_count_of_wrong_ones(school: School) -> None:
    ada = school.person("ada")
    code = school.organise("codes", label="class")["code"]
    for _ in range(9):
        join(ada, "0000")
    assert join(ada, code).status_code == 200
    assert (school.rows(InviteCode)[0].uses, len(school.rows(Team))) == (1, 1)


def test_joining_is_not_for_deleted_accounts(school: School) -> None:
    ada = school.person("ada")
    with school.platform.db.transaction() as session:
        session.get_one(User, school.story.user("ada").id).deleted_at = school.platform.clock()
    assert join(ada).status_code in (401, 404)
    assert school.rows(Application) == []
