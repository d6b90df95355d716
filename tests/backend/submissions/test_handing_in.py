"""Handing in over HTTP, on both databases: who may, when, how often, and what is refused."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from challenge_folder import tiny_toml
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Participation
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.storage import Storage
from fivesigma_backend.submissions.housekeeping import delete_orphans, referred_blobs
from fivesigma_backend.submissions.models import Evaluation, Submission, UploadTicket
from sqlalchemy import func, select, update
from stories import API, Person, Story, begin_story, token_of
from uploads import multipart, send

pytestmark = pytest.mark.stores

PATH = f"{API}/challenges/tiny/submissions"


def count(story: Story, table: Any) -> int:
    with story.platform.db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def restricted(story: Story, username: str, **restrictions: Any) -> Person:
    with story.platform.db.transaction() as session:
        token = token_of(session, story.user(username), story.platform.clock(), **restrictions)
    return Person(story.web, username, token)


def test_only_participants_with_the_scope_may_hand_in(story: Story) -> None:
    file = story.prediction()
    nobody = story.web.post(PATH, files={"file": ("a.csv", file)})
    assert problem(nobody) == (401, "not_authenticated")
    assert problem(story.person("guest", joined=False).submit(file)) == (403, "not_joined")
    story.person("ada")
    assert problem(restricted(story, "ada", scopes=["read"]).submit(file)) == (403, "forbidden")
    assert count(story, Submission) == 0
    job = restricted(story, "ada", scopes=["submit"])
    assert job.submit(file).status_code == 201
    assert problem(job.get(f"{API}/challenges/tiny/submissions")) == (403, "forbidden")
    assert problem(job.get(f"{API}/challenges/tiny/leaderboard")) == (403, "forbidden")


def test_a_browser_needs_its_csrf_token_before_the_file(story: Story) -> None:
    from fivesigma_backend.accounts.service import start_session
    from fivesigma_backend.core.security import COOKIE, csrf_token, sign_cookie

    story.person("ada")
    with story.platform.db.transaction() as session:
        user = story.user("ada").id
        cookie = start_session(session, user, now=story.platform.clock(), days=1)
    secret = story.platform.secret
    story.web.cookies.set(COOKIE, sign_cookie(secret, cookie))
    file = {"file": ("a.csv", story.prediction())}
    assert problem(story.web.post(PATH, files=file)) == (403, "csrf")
    assert problem(story.web.post(PATH, files=file, data={"csrf_token": "x"})) == (403, "csrf")
    token = csrf_token(secret, cookie)
    assert story.web.post(PATH, files=file, data={"csrf_token": token}).status_code == 201
    story.web.cookies.clear()


def test_outside_its_window_a_phase_takes_nothing(story: Story, clock: FrozenClock) -> None:
    ada = story.person("ada")
    clock.advance(days=-30)
    early = ada.submit(story.prediction(), phase="final")
    assert problem(early) == (403, "closed")
    assert "opens at 2026-12-01 00:00 UTC" in early.json()["detail"]
    clock.advance(days=60)
    late = ada.submit(story.prediction(), phase="final")
    assert problem(late) == (403, "closed")
    assert "closed at 2026-12-21 00:00 UTC" in late.json()["detail"]


def test_an_upload_that_began_in_time_counts_however_long_it_takes(
    story: Story, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    clock.advance(days=19, hours=11, minutes=59, seconds=59)  # one second before the close
    body = multipart(("file", "a.csv", story.prediction()))
    app = story.web.app
    before = {0: lambda: clock.advance(seconds=30)}
    answer = send(
        app, PATH, [body[:200], body[200:]], token=ada.token,
        before_chunk=lambda number: before.get(number, lambda: None)(),
    )  # fmt: skip
    assert answer.status == 201, answer.body
    assert answer.json()["submitted_at"] == "2026-12-20T23:59:59.000Z"
    assert problem(ada.submit(story.prediction(0.1))) == (403, "closed")


def test_a_cut_upload_leaves_nothing_behind(story: Story) -> None:
    ada = story.person("ada")
    body = multipart(("message", None, b"hello"), ("file", "a.csv", story.prediction()))
    for at in (10, len(body) // 2, len(body) - 3):
        answer = send(story.web.app, PATH, [body[:at]], token=ada.token, cut=True)
        assert answer.status == 400
    assert count(story, Submission) == count(story, UploadTicket) == 0
    assert list(story.platform.storage.spool.iterdir()) == []


def test_a_body_that_ends_without_its_last_boundary_was_cut(story: Story) -> None:
    ada = story.person("ada")
    body = multipart(("file", "a.csv", story.prediction()), end=False)
    answer = send(story.web.app, PATH, [body], token=ada.token)
    assert (answer.status, answer.json()["code"]) == (400, "cut_off")


def test_ten_announced_gigabytes_are_refused_before_they_are_read(story: Story) -> None:
    ada = story.person("ada")
    start = multipart(("file", "a.csv", b"EventId,Class\n"), end=False)
    answer = send(
        story.web.app, PATH, [start], token=ada.token, headers={"content-length": str(10**10)}
    )
    assert (answer.status, answer.json()["code"]) == (413, "too_large")
    assert answer.read == len(start)


def test_a_file_that_grows_over_its_cap_is_stopped(platform: Any, web: Any, tmp_path: Path) -> None:
    from stories import begin_story

    cap = {"test_sets": {"main": {"max_bytes": 4096}}}
    story = begin_story(platform, web, tmp_path / "small", **cap)
    ada = story.person("ada")
    start = multipart(("file", "a.csv", b""), end=False)[:-2]
    endless = iter([start, *(b"1,s\n" * 65536 for _ in range(1000))])
    answer = send(web.app, PATH, endless, token=ada.token)
    assert (answer.status, answer.json()["code"]) == (413, "too_large")
    assert answer.read < 4_000_000
    assert list(platform.storage.spool.iterdir()) == []


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([("message", None, b"no file")], 400, "no_file"),
        ([("file", "a.csv", b""), ("file", "b.csv", b"")], 400, "bad_request"),
        ([("surprise", None, b"1")], 400, "bad_request"),
        ([("message", None, b"x" * 70_000)], 413, "too_large"),
        ([("message", None, b"\xff\xfe")], 400, "bad_request"),
        ([("message", None, b"a"), ("message", None, b"b")], 400, "bad_request"),
        ([("phase", None, b"nowhere"), ("file", "a.csv", b"x")], 404, "not_found"),
    ],
)
def test_forms_that_are_none(
    story: Story, parts: list[tuple[str, str | None, bytes]], status: int, code: str
) -> None:
    ada = story.person("ada")
    answer = send(story.web.app, PATH, [multipart(*parts)], token=ada.token)
    assert (answer.status, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 300],
)
def test_bodies_that_are_no_form(story: Story, content_type: str) -> None:
    ada = story.person("ada")
    headers = {"content-type": content_type}
    answer = send(story.web.app, PATH, [b"EventId,Class\n"], token=ada.token, headers=headers)
    assert (answer.status, answer.json()["code"]) == (400, "bad_form")


def test_metadata_must_be_a_json_object_and_messages_fit(story: Story) -> None:
    ada, file = story.person("ada"), story.prediction()
    assert problem(ada.submit(file, metadata="[1]")) == (422, "invalid")
    assert problem(ada.submit(file, metadata="{" * 10_000)) == (422, "invalid")
    assert problem(ada.submit(file, message="x" * 501)) == (422, "invalid")
    sent = ada.submit(file, metadata='{"method": "cut"}', message=" a\x00b ").json()
    assert (sent["metadata"], sent["message"]) == ({"method": "cut"}, "ab")


def test_a_file_that_looks_wrong_is_refused_at_once_and_costs_nothing(story: Story) -> None:
    ada = story.person("ada")
    refused = ada.submit(b"Name,Value\n1,2\n")
    assert problem(refused) == (422, "refused")
    assert refused.json()["findings"][0]["code"] == "missing_column"
    assert problem(ada.submit(b"")) == (422, "refused")
    assert count(story, Submission) == 0
    limits = ada.get(f"{API}/challenges/tiny/limits").json()
    assert (limits["remaining"], limits["used_total"]) == (5, 0)


def test_a_file_that_the_worker_rejects_tells_the_lines_and_gives_its_slot_back(
    story: Story,
) -> None:
    ada = story.person("ada")
    lines = story.prediction().decode().splitlines()
    lines[3] = lines[2]
    lines[7] = lines[7].rsplit(",", 1)[0] + ",maybe"
    sent = ada.submit("\n".join(lines).encode()).json()
    assert sent["status"] == "queued"
    story.drain()
    found = ada.get(f"{API}/submissions/{sent['id']}").json()
    assert found["status"] == "rejected"
    assert found["scores"] is None
    assert [(f["code"], f["rows"]) for f in found["findings"]] == [("bad_class_label", [8])]
    assert ada.get(f"{API}/challenges/tiny/limits").json()["remaining"] == 5


@pytest.mark.parametrize("state", ["rejected", "failed"])
def test_files_that_give_their_slot_back_have_a_cap_of_their_own(story: Story, state: str) -> None:
    """A file that hangs its reader costs more than one that is refused."""
    ada = story.person("ada")
    for turn in range(25):  # five times the five of a day
        assert ada.submit(story.prediction(turn / 50)).status_code == 201, turn
        with story.platform.db.transaction() as session:
            session.execute(update(Evaluation).values(state=state))
    refused = ada.submit(story.prediction(0.9))
    assert refused.status_code == 429
    assert refused.json()["rule"] == "rejections"


def test_over_the_limit_the_answer_says_when_the_next_is_possible(
    story: Story, clock: FrozenClock
) -> None:
    ada = story.person("ada")
    for cut in range(5):
        assert ada.submit(story.prediction(cut / 10)).status_code == 201
        story.drain()
        clock.advance(hours=1)
    refused = ada.submit(story.prediction(0.9))
    assert problem(refused) == (429, "limit")
    body = refused.json()
    assert (body["rule"], body["remaining"]) == ("per_day", 0)
    assert body["next_at"] == "2026-12-02T12:00:00.000Z"
    assert refused.headers["retry-after"] == str(19 * 3600)
    assert refused.headers["x-submissions-remaining"] == "0"
    clock.advance(hours=19)
    assert ada.submit(story.prediction(0.9)).status_code == 201


def test_a_key_makes_a_repetition_harmless_also_over_the_limit(
    story: Story, clock: FrozenClock
) -> None:
    ada, file = story.person("ada"), story.prediction()
    key = {"Idempotency-Key": "job-1"}
    first = ada.submit(file, headers=key)
    again = ada.submit(file, headers=key)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert problem(ada.submit(story.prediction(0.3), headers=key)) == (409, "conflict")
    clock.advance(days=30)
    assert ada.submit(file, headers=key).status_code == 403  # kept for 24 hours only
    assert count(story, Submission) == 1


def test_a_key_answers_also_after_the_close(story: Story, clock: FrozenClock) -> None:
    ada, file = story.person("ada"), story.prediction()
    clock.advance(days=19, hours=11)
    first = ada.submit(file, headers={"Idempotency-Key": "k"}).json()
    clock.advance(hours=2)
    assert ada.submit(file, headers={"Idempotency-Key": "k"}).json()["id"] == first["id"]


def test_the_same_file_within_ten_minutes_is_the_same_submission(
    story: Story, clock: FrozenClock
) -> None:
    ada, file = story.person("ada"), story.prediction()
    first = ada.submit(file).json()["id"]
    assert ada.submit(file).json()["id"] == first
    clock.advance(minutes=10)
    assert ada.submit(file).json()["id"] != first


def test_another_key_is_another_submission_of_the_same_file(story: Story) -> None:
    ada, file = story.person("ada"), story.prediction()
    ids = [ada.submit(file, headers={"Idempotency-Key": key}).json()["id"] for key in "ab"]
    assert ids[0] != ids[1]


def test_strange_keys_are_refused(story: Story) -> None:
    ada = story.person("ada")
    for key in ("", "x" * 201):
        answer = ada.submit(story.prediction(), headers={"Idempotency-Key": key})
        assert problem(answer) == (400, "bad_request")


def test_of_fifty_at_once_with_one_slot_left_exactly_one_gets_in(
    platform: Platform, web: TestClient, tmp_path: Path
) -> None:
    phase = tiny_toml()["phases"][0] | {"limits": {"total": 2}}
    story = begin_story(platform, web, tmp_path / "tiny", phases=[phase])
    ada = story.person("ada")
    files = list({story.prediction(n / 20 - 3) for n in range(120)})[:51]
    assert ada.submit(files.pop()).status_code == 201
    codes: list[int] = []

    def hand_in(file: bytes) -> None:
        codes.append(ada.submit(file).status_code)

    threads = [threading.Thread(target=hand_in, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201] + [429] * 49
    assert count(story, Submission) == count(story, Evaluation) == 2


def test_a_crash_before_the_commit_leaves_a_blob_that_housekeeping_removes(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, file = story.person("ada"), story.prediction()
    from fivesigma_backend.submissions import receiving

    def die(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(receiving.Delivery, "_commit", die)
    with pytest.raises(RuntimeError):
        ada.submit(file)
    assert count(story, Submission) == 0
    storage: Storage = story.platform.storage
    with story.platform.db.read() as session:
        referred = referred_blobs(session)
    orphans = {name for name, _ in storage.blobs()} - referred
    assert len(orphans) == 1
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    assert delete_orphans(storage, referred, now) == 0  # its row may still come
    assert delete_orphans(storage, referred, now + timedelta(days=2)) == 1
    assert not storage.exists(orphans.pop())


def test_file_names_are_shown_without_their_folder_and_tricks(story: Story) -> None:
    ada = story.person("ada")
    name = "C:\\tmp\\..\\my\tbest.csv"
    body = multipart(("file", name, story.prediction()))
    sent = send(story.web.app, PATH, [body], token=ada.token).json()
    assert sent["filename"] == "mybest.csv"
    file = ada.get(f"{API}/submissions/{sent['id']}/file")
    assert file.content == story.prediction()
    assert file.headers["content-disposition"].startswith("attachment")


def test_who_is_excluded_while_a_file_travels_is_refused(story: Story) -> None:
    ada = story.person("ada")

    def exclude(number: int) -> None:
        if number == 1:
            with story.platform.db.transaction() as session:
                session.execute(update(Participation).values(banned_at=story.platform.clock()))

    body = multipart(("file", "a.csv", story.prediction()))
    answer = send(
        story.web.app, PATH, [body[:200], body[200:]], token=ada.token, before_chunk=exclude
    )
    assert (answer.status, answer.json()["code"]) == (403, "banned")
    assert count(story, Submission) == count(story, UploadTicket) == 0
