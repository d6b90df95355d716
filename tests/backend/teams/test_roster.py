"""The class list: hostile files, one-time codes, two who use one code at once."""

from __future__ import annotations

import contextlib
import csv
import io
from functools import partial
from pathlib import Path

import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.administration import delete_account
from fivesigma_backend.accounts.models import User
from fivesigma_backend.core.audit import AuditEvent
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.teams.models import RosterRow, Team, TeamMember
from fivesigma_backend.teams.registration_codes import code_hash
from fivesigma_backend.teams.roster_rules import (
    LARGEST_ROSTER,
    LONGEST_NAME,
    RosterError,
    roster_names,
    roster_text,
)
from hypothesis import given
from hypothesis import strategies as st
from people import Browser
from registering import ADMIN, School, at_once, begin_school, join

pytestmark = pytest.mark.stores
NAMES = ["Ada Lovelace", "Noether, Emmy", "Lise Meitner"]
LIST = 'Ada Lovelace\r\n"Noether, Emmy"\r\nLise Meitner\r\n'
PAGE = "/challenges/tiny/participants/roster"


@pytest.fixture
def school(platform: Platform, web: TestClient, tmp_path: Path) -> School:
    return begin_school(platform, web, tmp_path / "tiny", "roster")


def issue(school: School, text: str = LIST) -> dict[str, str]:
    """Import a list; code by name."""
    return {one["name"]: one["code"] for one in school.organise("roster", csv=text)["items"]}


def listed(school: School, **query: object) -> list[tuple[str, str | None]]:
    items = school.boss.get(f"{ADMIN}/roster", params=query).json()["items"]
    return [(one["name"], one["username"]) for one in items]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (LIST, NAMES),
        (LIST.replace("\r\n", "\n"), NAMES),
        (LIST.replace("\r\n", "\r"), NAMES),
        ("\ufeff" + LIST, NAMES),
        ("Name\nAda\n", ["Ada"]),
        ("number,name,class\n1,Ada,4b\n2,Emmy,4b\n", ["Ada", "Emmy"]),
        ("Nr;Name\r\n1;Noether, Emmy\r\n", ["Noether, Emmy"]),
        ("nr\tname\n1\tAda\n", ["Ada"]),
        ("\n\n  Ada   Lovelace \n\n,,\n", ["Ada Lovelace"]),
        ("Ada\u00a0Lovelace\n", ["Ada Lovelace"]),
        ("Jose\u0301\n", ["José"]),
        ("李小龍\nŁukasz O’Neil-Żak\n", ["李小龍", "Łukasz O’Neil-Żak"]),
        ("x" * LONGEST_NAME, ["x" * LONGEST_NAME]),
    ],
)
def test_lists_as_people_have_them(text: str, names: list[str]) -> None:
    assert roster_names(text) == names


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "There is no name on this list"),
        ("\ufeff \r\n,,,\n", "There is no name"),
        ("name\n", "There is no name"),
        ("Ada,Lovelace\n", "Line 1 has more than one column"),
        ("Ada\nada\n", "Line 2: “ada” stands on line 1 already"),
        ("Ada\n=cmd|' /C calc'!A0\n", "Line 2: Begin the name with a letter"),
        ("+49\n", "Line 1: Begin"),
        ("＠home\n", "Line 1: Begin"),
        ("-\n", "Line 1: Begin"),
        ("A\x00da\n", "Line 1: Leave control characters out"),
        ("A\x1bda\n", "Line 1: Leave control characters out"),
        ("\u202eadA\n", "Line 1: Leave control characters out"),
        ('"Ada\nLovelace"\n', "Line 2: Leave control characters out"),
        ("x" * (LONGEST_NAME + 1), "Line 1: Keep the name to 200 characters"),
        ('"Ada\n', "Line 1: the quotes or line ends are broken"),
        ('"Ada" Lovelace\n', "the quotes or line ends are broken"),
        ("number,name\n1\n", "Line 2: Give the name"),
        ("a" * 200_000, "the quotes or line ends are broken"),
        ("\n".join(f"n{i}" for i in range(LARGEST_ROSTER + 1)), "5,001 names; 5,000 are allowed"),
    ],
)
def test_lists_that_must_be_mended_first(text: str, problem: str) -> None:
    with pytest.raises(RosterError) as caught:
        roster_names(text)
    assert problem in str(caught.value)


def test_every_line_to_mend_is_named_up_to_twenty() -> None:
    with pytest.raises(RosterError) as caught:
        roster_names("\n".join(f"={number}" for number in range(1000)))
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1] == "… and 980 more"


@pytest.mark.parametrize("content", [b"\xff\xfeA\x00d\x00a\x00", b"Jos\xe9\n"])
def test_another_encoding_is_told(content: bytes) -> None:
    with pytest.raises(RosterError, match="Save the list as “CSV UTF-8”"):
        roster_text(content)
    assert roster_text(b"\xef\xbb\xbfAda") == "Ada"


@given(st.text(max_size=200))
def test_any_text_is_a_list_or_says_why_not(text: str) -> None:
    names: list[str] = []
    with contextlib.suppress(RosterError):  # a problem without its words would be another error
        names = roster_names(text)
    assert all(name.isprintable() and name == name.strip() and name for name in names)
    assert not any(name.startswith(("=", "+", "-", "@")) for name in names)


def test_each_name_gets_a_code_that_lets_one_person_in(school: School, clock: FrozenClock) -> None:
    codes = issue(school)
    assert list(codes) == NAMES
    ada, eve = school.person("ada"), school.person("eve")
    assert join(ada, codes["Ada Lovelace"].lower()).json()["team"] == "ada"
    used = join(eve, codes["Ada Lovelace"])
    assert (used.status_code, used.json()["code"]) == (403, "wrong_code")
    assert listed(school) == [("Ada Lovelace", "ada"), *((name, None) for name in NAMES[1:])]
    row = next(one for one in school.rows(RosterRow) if one.name == "Ada Lovelace")
    assert (row.claimed_at, row.user_id) == (clock(), school.story.user("ada").id)
    assert school.boss.get(ADMIN).json()["items"][0]["roster_name"] == "Ada Lovelace"


def test_a_deleted_account_is_no_longer_on_the_list(school: School, clock: FrozenClock) -> None:
    code = issue(school)["Ada Lovelace"]
    join(school.person("ada"), code)
    user = school.story.user("ada")
    with school.platform.db.transaction() as session:
        session.get_one(User, user.id).password_hash = "proven"
        session.flush()
        delete_account(session, user.id, proven_hash="proven", now=clock())
    row = next(one for one in school.rows(RosterRow) if one.name == "Ada Lovelace")
    assert row.user_id is None
    assert (row.claimed_at, listed(school)[0]) == (clock(), ("Ada Lovelace", None))
    assert school.boss.post(f"{ADMIN}/roster/{row.id}/code").status_code == 200


def test_two_use_one_code_at_once_and_exactly_one_is_in(school: School) -> None:
    code = issue(school)["Ada Lovelace"]
    people = [school.person(f"pupil{number}") for number in range(6)]
    answers = at_once(*[partial(join, one, code) for one in people])
    assert sorted(answer.status_code for answer in answers) == [200, *[403] * 5]
    assert len(school.rows(Team)) == len(school.rows(TeamMember)) == 1


def test_one_person_uses_one_row_however_often(school: School) -> None:
    codes = issue(school)
    ada = school.person("ada")
    answers = at_once(*[partial(join, ada, code) for code in codes.values()])
    assert {answer.status_code for answer in answers} == {200}
    assert [name for _, name in listed(school) if name] == ["ada"]


def test_a_list_may_be_sent_again(school: School) -> None:
    codes = issue(school)
    assert issue(school, LIST + "lise  MEITNER (B)\n").keys() == {"lise MEITNER (B)"}
    assert issue(school) == {}
    assert join(school.person("lise"), codes["Lise Meitner"]).status_code == 200
    acts = school.acts("roster.imported")
    assert [(act.before, act.after) for act in acts] == [
        ({"names": 0}, {"names": 3}),
        ({"names": 3}, {"names": 4}),
    ]


def test_two_send_the_same_list_at_once(school: School) -> None:
    answers = at_once(*[lambda: issue(school) for _ in range(4)])
    assert sorted(len(answer) for answer in answers) == [0, 0, 0, 3]
    assert len(school.rows(RosterRow)) == 3


def test_nothing_of_a_list_with_a_mistake_is_added(school: School) -> None:
    answer = school.boss.post(f"{ADMIN}/roster", json={"csv": "Ada\n=1\nAda\n"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_roster")
    assert len(answer.json()["errors"]) == 2
    assert school.rows(RosterRow) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_list_is_never_longer_than_allowed(school: School) -> None:
    issue(school, "\n".join(f"pupil {number}" for number in range(LARGEST_ROSTER)))
    answer = school.boss.post(f"{ADMIN}/roster", json={"csv": "one more"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_roster")
    page = school.boss.get(f"{ADMIN}/roster", params={"limit": 500}).json()
    assert (len(page["items"]), page["next"]) == (500, "500")
    further = school.boss.get(f"{ADMIN}/roster", params={"limit": 500, "cursor": page["next"]})
    assert further.json()["items"][0]["name"] == "pupil 500"
    huge = school.boss.post(f"{ADMIN}/roster", json={"csv": "x" * 2**21})
    assert huge.status_code == 413


def test_searching_the_list(school: School) -> None:
    codes = issue(school)
    join(school.person("countess"), codes["Ada Lovelace"])
    assert (
        listed(school, q="LOVE") == listed(school, q="Countess") == [("Ada Lovelace", "countess")]
    )
    assert listed(school, q="%") == listed(school, q="\x00") == []


def test_a_new_code_for_one_name(school: School) -> None:
    old = issue(school)["Ada Lovelace"]
    row = school.boss.get(f"{ADMIN}/roster").json()["items"][0]
    new = school.organise(f"roster/{row['id']}/code")["code"]
    ada = school.person("ada")
    assert join(ada, old).json()["code"] == "wrong_code"
    assert join(ada, new).status_code == 200
    for path in (f"roster/{row['id']}/code",):
        claimed = school.boss.post(f"{ADMIN}/{path}")
        assert (claimed.status_code, claimed.json()["code"]) == (409, "claimed")
    removed = school.boss.web.delete(
        f"{ADMIN}/roster/{row['id']}", headers={"Authorization": f"Bearer {school.boss.token}"}
    )
    assert removed.status_code == 409


def test_a_row_in_the_wrong_hands_is_free_again_once_they_are_excluded(school: School) -> None:
    code = issue(school)["Ada Lovelace"]
    join(school.person("eve"), code)
    school.organise("eve/ban", reason="used Ada's code")
    row = school.boss.get(f"{ADMIN}/roster").json()["items"][0]
    new = school.organise(f"roster/{row['id']}/code")["code"]
    assert join(school.person("ada"), new).status_code == 200
    assert listed(school)[0] == ("Ada Lovelace", "ada")


def test_new_codes_for_all_who_have_not_joined(school: School) -> None:
    old = issue(school)
    ada, emmy = school.person("ada"), school.person("emmy")
    join(ada, old["Ada Lovelace"])
    new = {one["name"]: one["code"] for one in school.organise("roster/codes")["items"]}
    assert list(new) == NAMES[1:]
    assert join(emmy, old["Noether, Emmy"]).json()["code"] == "wrong_code"
    assert join(emmy, new["Noether, Emmy"]).status_code == 200


def test_removing_a_name(school: School) -> None:
    code = issue(school)["Ada Lovelace"]
    row = school.boss.get(f"{ADMIN}/roster").json()["items"][0]
    headers = {"Authorization": f"Bearer {school.boss.token}"}
    for status in (204, 404):
        answer = school.boss.web.delete(f"{ADMIN}/roster/{row['id']}", headers=headers)
        assert answer.status_code == status
    assert join(school.person("ada"), code).json()["code"] == "wrong_code"
    (act,) = school.acts("roster.removed")
    assert (act.before, act.after) == ({"name": "Ada Lovelace"}, None)


def test_codes_are_kept_as_hashes_alone(school: School) -> None:
    codes = issue(school)
    rows = school.rows(RosterRow)
    assert {row.code_hash for row in rows} == {code_hash(code) for code in codes.values()}
    kept = "".join(str(vars(one)) for one in (*rows, *school.rows(AuditEvent)))
    assert not any(code in kept or code.replace("-", "") in kept for code in codes.values())


def test_the_page_imports_a_file_and_gives_the_codes_once(school: School) -> None:
    boss = Browser(school.story.web).log_in(school.platform, school.story.user("boss"))
    token = boss.csrf(PAGE)
    answer = boss.http.post(
        PAGE,
        data={"csrf_token": token, "names": "", "format": "csv"},
        files={"file": ("list.csv", ("\ufeff" + LIST).encode(), "text/csv")},
    )
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="tiny-codes.csv"'
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert [row[0] for row in rows] == ["name", *NAMES]
    assert join(school.person("ada"), rows[1][1]).status_code == 200

    page = boss.http.post(PAGE, data={"csrf_token": token, "names": "Marie Curie"})
    assert (page.status_code, page.headers["cache-control"]) == (201, "no-store")
    (row,) = (one for one in school.rows(RosterRow) if one.name == "Marie Curie")
    shown = page.text.split("Marie Curie</th><td><code>")[1][:19]
    assert code_hash(shown) == row.code_hash
    assert shown not in boss.get(PAGE).text


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"=1\n", b"<script>,x\n", b"\x00" * 1000]
)
def test_the_page_says_what_is_wrong_with_a_file(school: School, content: bytes) -> None:
    boss = Browser(school.story.web).log_in(school.platform, school.story.user("boss"))
    answer = boss.http.post(
        PAGE, data={"csrf_token": boss.csrf(PAGE)}, files={"file": ("list.csv", content)}
    )
    assert answer.status_code == 422
    assert "Nothing was added" in answer.text
    assert "<script>," not in answer.text
    assert school.rows(RosterRow) == []
