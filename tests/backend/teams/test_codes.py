"""Invite codes: shown once, kept as a hash, counted, revoked, of one challenge."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from challenge_folder import write_tiny_challenge
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.service import load_challenge
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.teams.models import InviteCode, Team
from fivesigma_backend.teams.registration_codes import ALPHABET, LENGTH, code_hash, new_code
from hypothesis import given
from hypothesis import strategies as st
from people import Browser
from registering import ADMIN, School, at_once, begin_school, join

pytestmark = pytest.mark.stores
SHAPE = re.compile(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}")


@pytest.fixture
def school(platform: Platform, web: TestClient, tmp_path: Path) -> School:
    return begin_school(platform, web, tmp_path / "tiny", "code")


def test_a_code_has_more_than_sixty_bits_and_is_never_the_same() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert LENGTH * 5 >= 60
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(SHAPE.fullmatch(code) for code in codes)
    assert set("".join(codes)) == {*ALPHABET, "-"}


def test_a_code_may_be_typed_in_many_ways() -> None:
    code = "0123-4567-89AB-CDEF"
    same = (
        code.lower(),
        code.replace("-", " "),
        f" {code}\n",
        "o123-4567-89ab-cdef",
        "0I23456789ABCDEF",
    )
    assert {code_hash(one) for one in (code, *same)} == {code_hash(code)}
    assert code_hash("0123-4567-89AB-CDEG") != code_hash(code)


@given(st.text())
def test_whatever_is_typed_has_a_hash(typed: str) -> None:
    assert re.fullmatch("[0-9a-f]{64}", code_hash(typed))


def test_who_has_the_code_joins_and_each_is_counted_once(school: School) -> None:
    made = school.organise("codes", label="  Masterclass,   12 March ")
    assert (made["label"], made["uses"], made["revoked_at"]) == ("Masterclass, 12 March", 0, None)
    for name in ("ada", "emmy"):
        person = school.person(name)
        assert join(person, made["code"]).json()["team"] == name
        assert join(person, made["code"]).status_code == 200  # who is in needs no code
        assert join(person, "wrong").status_code == 200
    (row,) = school.boss.get(f"{ADMIN}/codes").json()["items"]
    assert (row["uses"], row["code"]) == (2, None)


def test_joining_twice_at_once_is_one_use_and_one_team(school: School) -> None:
    code = school.organise("codes", label="class")["code"]
    ada = school.person("ada")
    answers = at_once(*[lambda: join(ada, code) for _ in range(6)])
    assert {answer.status_code for answer in answers} == {200}
    assert [row.uses for row in school.rows(InviteCode)] == [1]
    assert len(school.rows(Team)) == 1


def test_a_revoked_code_lets_nobody_in_and_nobody_out(school: School, clock: FrozenClock) -> None:
    made = school.organise("codes", label="class")
    ada, emmy = school.person("ada"), school.person("emmy")
    join(ada, made["code"])
    for _ in range(2):
        assert school.organise(f"codes/{made['id']}/revoke")["revoked_at"] is not None
    wrong = join(emmy, made["code"])
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_code")
    assert wrong.json()["detail"] == join(emmy, "0000").json()["detail"]
    assert ada.submit(school.story.prediction()).status_code == 201
    (act,) = school.acts("invite_code.revoked")
    assert (act.before, act.after) == (
        {"label": "class", "revoked": False, "uses": 1},
        {"label": "class", "revoked": True, "uses": 1},
    )


def test_a_code_is_of_one_challenge(school: School, tmp_path: Path) -> None:
    other = write_tiny_challenge(tmp_path / "o", slug="other", registration={"policy": "code"})
    load_challenge(school.platform, other, report=lambda _line: None)
    made = school.organise("codes", label="class")
    ada = school.person("ada")
    ada.slug = "other"
    body = {"accept_rules": True, "code": made["code"]}
    assert ada.post("/api/v1/challenges/other/join", json=body).json()["code"] == "wrong_code"
    chief = school.story.person("chief", joined=False, admin=True)
    path = f"/api/v1/admin/challenges/other/participants/codes/{made['id']}/revoke"
    assert chief.post(path).status_code == 404
    assert join(ada, made["code"]).status_code == 200


def test_no_code_is_stored_logged_or_recorded(
    school: School, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    code = school.organise("codes", label="class")["code"]
    join(school.person("ada"), code)
    join(school.person("emmy"), code + "0")
    too_long = join(school.person("lise"), code * 20)
    assert too_long.status_code == 422
    assert code not in too_long.text
    assert code not in caplog.text
    (row,) = school.rows(InviteCode)
    kept = "".join(str(vars(one)) for one in (row, *school.rows(AuditEvent)))
    assert code not in kept
    assert code.replace("-", "") not in kept
    assert row.code_hash == code_hash(code)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("label", ["", "   ", "=1+1", "a\x00b", "x" * 81, "two\nlines"])
def test_a_label_is_a_short_line(school: School, label: str) -> None:
    assert school.boss.post(f"{ADMIN}/codes", json={"label": label}).status_code == 422
    assert school.rows(InviteCode) == []


@pytest.mark.parametrize("code_id", ["nothing", "%00", "x" * 500])
def test_a_code_that_is_not_there_can_not_be_revoked(school: School, code_id: str) -> None:
    assert school.boss.post(f"{ADMIN}/codes/{code_id}/revoke").status_code == 404


def test_the_page_shows_a_code_once(school: School) -> None:
    boss = Browser(school.story.web).log_in(school.platform, school.story.user("boss"))
    path = "/challenges/tiny/participants/codes"
    made = boss.post(path, label="<b>class</b>")
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    found = SHAPE.search(made.text)
    assert found
    assert "&lt;b&gt;class" in made.text
    assert found[0] not in boss.get(path).text
    ada = Browser(school.story.web).log_in(
        school.platform, school.story.user(school.person("ada").username)
    )
    wrong = ada.post("/challenges/tiny/join", page="/challenges/tiny", code="0", accept_rules="1")
    assert wrong.status_code == 403
    assert "not valid or was used" in wrong.text
    right = ada.post(
        "/challenges/tiny/join", page="/challenges/tiny", code=found[0], accept_rules="1"
    )
    assert right.headers["location"] == "/challenges/tiny/data?notice=joined"
    (row,) = school.rows(InviteCode)
    assert boss.post(f"{path}/{row.id}/revoke", page=path).status_code == 303
    assert "revoked" in boss.get(path).text
    again = boss.post(path, label="=1")
    assert again.status_code == 422
    assert "spreadsheets" in again.text
