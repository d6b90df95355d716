"""Editing a live challenge by REST call and page: folders, solutions, re-scorings, who may."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from challenge_folder import write_tiny_challenge
from fivesigma_backend.accounts.service import start_session
from fivesigma_backend.challenges import zips
from fivesigma_backend.challenges.models import Challenge, Organiser, Solution
from fivesigma_backend.core.security import COOKIE, csrf_token, sign_cookie
from fivesigma_backend.submissions.models import Evaluation
from rescorings import generation, other_truth, rescorings, with_phase
from sqlalchemy import func, select
from sqlalchemy import update as sql_update
from stories import API, Person, Story

ADMIN = f"{API}/admin/challenges"


def zipped(folder: Path, inside: str = "") -> bytes:
    """A folder as a zip, as people make one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, inside + path.relative_to(folder).as_posix())
    return out.getvalue()


def send(
    person: Person, method: str, path: str, content: bytes, name: str = "folder.zip", **form: str
) -> Any:
    headers = {"Authorization": f"Bearer {person.token}"}
    files = {"file": (name, content)}
    return person.web.request(method, path, files=files, data=form, headers=headers)


@pytest.fixture
def boss(story: Story) -> Person:
    """An organiser of the tiny challenge."""
    person = story.person("boss", joined=False)
    with story.platform.db.transaction() as session:
        challenge_id = session.scalar(select(Challenge.id))
        session.add(Organiser(challenge_id=challenge_id, user_id=story.user("boss").id))
    return person


def handed_in(story: Story, *people: str) -> list[Person]:
    found = [story.person(name) for name in people]
    for at, person in enumerate(found):
        assert person.submit(story.prediction(0.3 * at)).status_code == 201
    story.drain()
    return found


def test_an_administrator_makes_a_challenge_from_a_zip(story: Story, tmp_path: Path) -> None:
    root = story.person("root", joined=False, admin=True)
    folder = write_tiny_challenge(tmp_path / "other", slug="other")
    answer = send(root, "POST", ADMIN, zipped(folder, "other/"))
    assert answer.status_code == 201, answer.text
    assert answer.json() | {"report": []} == {
        "slug": "other",
        "created": True,
        "preview": False,
        "changes": [],
        "rescored": [],
        "report": [],
    }
    assert root.get(f"{API}/challenges/other").json()["title"] == "Tiny: find the bump"
    again = send(
        root, "POST", ADMIN, zipped(write_tiny_challenge(tmp_path / "b", slug="other", title="B"))
    )
    assert (again.status_code, again.json()["code"]) == (409, "exists")
    ada = story.person("ada")
    assert send(ada, "POST", ADMIN, zipped(folder)).status_code == 404


def test_a_folder_is_previewed_and_then_brings_the_challenge_to_what_it_says(
    story: Story, boss: Person, tmp_path: Path
) -> None:
    handed_in(story, "ada")
    folder = write_tiny_challenge(tmp_path / "new", title="Tiny II", **with_phase(finals=1))
    body = zipped(folder)
    looked = send(boss, "PUT", f"{ADMIN}/tiny?preview=true", body)
    assert looked.status_code == 200, looked.text
    assert looked.json()["changes"] == [
        'title: "Tiny: find the bump" → "Tiny II"',
        "phases.final.finals: 2 → 1",
    ]
    assert boss.get(f"{API}/challenges/tiny").json()["title"] == "Tiny: find the bump"
    assert send(boss, "PUT", f"{ADMIN}/tiny", body).status_code == 200
    assert boss.get(f"{API}/challenges/tiny").json()["title"] == "Tiny II"
    other = zipped(write_tiny_challenge(tmp_path / "other", slug="other"))
    wrong = send(boss, "PUT", f"{ADMIN}/tiny", other)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_folder")
    assert 'this is the folder of "other"' in wrong.json()["detail"]


def test_a_new_solution_is_previewed_begun_and_says_who_would_move(
    story: Story, boss: Person
) -> None:
    ada, _ = handed_in(story, "ada", "ben")
    solution = (other_truth(story) / "solution.csv").read_bytes()
    path = f"{ADMIN}/tiny/test_sets/main/solution"
    looked = send(boss, "POST", f"{path}?preview=true", solution, "solution.csv")
    assert looked.status_code == 200, looked.text
    assert looked.json()["rescored"] == ["main"]
    assert "Test set main, weight: 200 of 200 rows differ" in looked.json()["report"]
    assert rescorings(story) == []
    begun = send(boss, "POST", path, solution, "truth.csv", message="two weights were swapped")
    assert begun.json()["rescored"] == ["main"], begun.text
    (listed,) = boss.get(f"{ADMIN}/tiny/rescorings").json()["items"]
    assert (listed["reason"], listed["submissions"], listed["waiting"]) == (
        "two weights were swapped",
        2,
        2,
    )
    one = f"{ADMIN}/tiny/rescorings/{listed['id']}"
    assert [board["moves"] for board in boss.get(one).json()["boards"]] == [[], []]
    make_ben_win(story)
    found = boss.get(one).json()
    assert (found["done"], found["waiting"]) == (2, 0)
    private = found["boards"][1]
    assert (private["phase"], private["split"], private["teams"]) == ("final", "private", 2)
    before = {row["team"]: row["rank"] for row in ada.board().json()["rows"]}
    public = {move["team"]: (move["before"], move["after"]) for move in found["boards"][0]["moves"]}
    assert public == ({"ada": (1, 2), "ben": (2, 1)} if before["ada"] == 1 else {})
    story.tick()
    assert {row["team"]: row["rank"] for row in ada.board().json()["rows"]} == {"ben": 1, "ada": 2}
    assert boss.get(one).json()["boards"] == []
    assert boss.get(one).json()["outcome"] == "switched"


def make_ben_win(story: Story) -> None:
    """Answers of the new generation by which the second is first."""
    (running,) = rescorings(story)
    with story.platform.db.transaction() as session:
        for value, one in enumerate(generation(story, running), 1):
            scores = {"ams": {"value": float(value), "sigma": 0.1, "n": 100}}
            session.execute(
                sql_update(Evaluation)
                .where(Evaluation.id == one.id)
                .values(state="scored", public_scores=scores, private_scores=scores)
            )


def test_solutions_that_can_not_take_over_are_refused(story: Story, boss: Person) -> None:
    handed_in(story, "ada")
    path = f"{ADMIN}/tiny/test_sets/main/solution"
    short = b"\n".join((story.folder / "solution.csv").read_bytes().splitlines()[:-1]) + b"\n"
    for content, name, status in (
        (short, "solution.csv", 422),
        (b"", "solution.csv", 422),
        (b"\x00" * 100, "solution.csv", 422),
        (b"PAR1", "solution.parquet", 400),
    ):
        answer = send(boss, "POST", path, content, name)
        assert answer.status_code == status, answer.text
    assert send(boss, "POST", f"{ADMIN}/tiny/test_sets/x/solution", short).status_code == 404
    assert rescorings(story) == []


def test_rescoring_by_call_is_previewed_cancelled_and_one_at_a_time(
    story: Story, boss: Person
) -> None:
    path = f"{ADMIN}/tiny/phases/final/rescore"
    assert boss.post(path).json()["code"] == "nothing"
    handed_in(story, "ada")
    looked = boss.post(f"{path}?preview=true").json()
    assert looked == {
        "preview": True,
        "test_sets": [{"test_set": "main", "submissions": 1, "recompiled": False}],
    }
    assert boss.post(path).status_code == 200
    assert boss.post(path).json()["code"] == "rescoring"
    (running,) = rescorings(story)
    one = f"{ADMIN}/tiny/rescorings/{running.id}"
    assert boss.post(f"{one}/go-on").json()["code"] == "unfinished"
    assert boss.post(f"{one}/cancel").json()["outcome"] == "cancelled"
    assert boss.post(f"{one}/cancel").json()["code"] == "ended"
    assert boss.get(f"{ADMIN}/tiny/rescorings/01").status_code == 404


def test_nobody_else_edits_or_sees_a_rescoring(story: Story, boss: Person) -> None:
    (ada,) = handed_in(story, "ada")
    boss.post(f"{ADMIN}/tiny/phases/final/rescore")
    (running,) = rescorings(story)
    one = f"{ADMIN}/tiny/rescorings/{running.id}"
    for answer in (
        send(ada, "PUT", f"{ADMIN}/tiny", b""),
        send(ada, "POST", f"{ADMIN}/tiny/test_sets/main/solution", b""),
        ada.post(f"{ADMIN}/tiny/phases/final/rescore"),
        ada.get(f"{ADMIN}/tiny/rescorings"),
        ada.get(one),
        ada.post(f"{one}/cancel"),
    ):
        assert answer.status_code == 404


def link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("passwords")
    info.external_attr = 0o120777 << 16
    archive.writestr(info, "/etc/passwd")


def climbing(archive: zipfile.ZipFile) -> None:
    archive.writestr("../outside.txt", "x")


def absolute(archive: zipfile.ZipFile) -> None:
    archive.writestr("/tmp/outside.txt", "x")


def twice(archive: zipfile.ZipFile) -> None:
    archive.writestr("a/b.txt", "x")
    archive.writestr("a//b.txt", "x")


def file_and_folder(archive: zipfile.ZipFile) -> None:
    archive.writestr("a", "x")
    archive.writestr("a/b", "x")


def nothing(archive: zipfile.ZipFile) -> None:
    del archive


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (link, "is a link or no plain file"),
        (climbing, "expected a path inside the folder"),
        (absolute, "expected a path inside the folder"),
        (twice, "is in the zip twice"),
        (file_and_folder, "both a file and a folder"),
        (nothing, "the zip is empty"),
    ],
)
def test_hostile_zips_are_refused_and_leave_nothing(
    story: Story, boss: Person, spoil: Callable[[zipfile.ZipFile], None], sentence: str
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        spoil(archive)
    answer = send(boss, "PUT", f"{ADMIN}/tiny", out.getvalue())
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_folder")
    assert sentence in answer.json()["detail"]
    assert list(story.platform.storage.spool.iterdir()) == []


def test_what_is_no_zip_or_grows_too_large_is_refused(
    story: Story, boss: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in (b"", b"PK", zipped(story.folder)[:-40], b"\x00" * 1000):
        answer = send(boss, "PUT", f"{ADMIN}/tiny", content)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_folder"), content[:4]
    monkeypatch.setattr(zips.unpack_zip, "__kwdefaults__", {"largest": 10_000})
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(1_000_000))
    answer = send(boss, "PUT", f"{ADMIN}/tiny", bomb.getvalue())
    assert "unpacks to more than is taken here" in answer.json()["detail"]
    assert list(story.platform.storage.spool.iterdir()) == []


def browse(story: Story, person: str) -> Any:
    """A browser of somebody, and the token of its forms."""
    with story.platform.db.transaction() as session:
        user = story.user(person).id
        token = start_session(session, user, now=story.platform.clock(), days=1)
    secret = story.platform.secret
    story.web.cookies.set(COOKIE, sign_cookie(secret, token))
    return csrf_token(secret, token)


def test_the_page_shows_changes_first_and_makes_them_on_a_word(
    story: Story, boss: Person, tmp_path: Path
) -> None:
    handed_in(story, "ada", "ben")
    token = browse(story, "boss")
    root = "/challenges/tiny/organise"
    page = story.web.get(f"{root}/edit").text
    assert "What may change, and what comes of it" in page
    assert "<code>finals</code>" in page
    form = {"csrf_token": token}
    bad = story.web.post(f"{root}/edit", data=form, files={"file": ("a.zip", b"no")})
    assert bad.status_code == 422
    assert "the zip can&#39;t be read" in bad.text
    folder = other_truth(story, title="Tiny II")
    looked = story.web.post(f"{root}/edit", data=form, files={"file": ("a.zip", zipped(folder))})
    assert looked.status_code == 200
    assert "will be scored again in the background" in looked.text
    assert "Tiny II" in looked.text
    word = re.search(r'name="folder" value="([^"]+)"', looked.text)
    assert word is not None
    forged = story.web.post(f"{root}/changes", data=form | {"folder": word[1] + "x"})
    assert (forged.status_code, rescorings(story)) == (400, [])
    done = story.web.post(
        f"{root}/changes",
        data=form | {"folder": word[1], "reason": "weights"},
        follow_redirects=False,
    )
    assert done.headers["location"] == f"{root}/edit?notice=rescoring"
    (running,) = rescorings(story)
    assert running.reason == "weights"
    page = story.web.get(f"{root}/rescorings/{running.id}").text
    assert "0 of 2" in page
    assert "Who would move" in page
    story.drain()
    story.tick()
    assert "took over" in story.web.get(f"{root}/edit").text
    assert "took over at" in story.web.get(f"{root}/rescorings/{running.id}").text


def test_the_page_takes_a_solution_and_scores_again_by_hand(story: Story, boss: Person) -> None:
    handed_in(story, "ada")
    form = {"csrf_token": browse(story, "boss")}
    root = "/challenges/tiny/organise"
    file = {"file": ("solution.csv", (other_truth(story) / "solution.csv").read_bytes())}
    looked = story.web.post(f"{root}/solutions/main", data=form, files=file)
    assert "weight: 200 of 200 rows differ" in looked.text
    assert rescorings(story) == []
    planned = story.web.post(f"{root}/rescore", data=form | {"look": "1"})
    assert "1 submissions of “main” would be scored again" in planned.text
    assert rescorings(story) == []
    begun = story.web.post(f"{root}/rescore", data=form, follow_redirects=False)
    assert begun.headers["location"] == f"{root}/edit?notice=rescoring"
    (running,) = rescorings(story)
    here = f"{root}/rescorings/{running.id}"
    refused = story.web.post(f"{here}/go-on", data=form)
    assert (refused.status_code, "still to be scored" in refused.text) == (409, True)
    story.web.post(f"{here}/cancel", data=form)
    assert rescorings(story)[0].outcome == "cancelled"


def test_no_form_works_without_its_token(story: Story, boss: Person) -> None:
    browse(story, "boss")
    file = {"file": ("a.zip", zipped(story.folder))}
    root = "/challenges/tiny/organise"
    assert story.web.post(f"{root}/edit", files=file).status_code == 403
    assert story.web.post(f"{root}/rescore").status_code == 403
    with story.platform.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Solution)) == 1
