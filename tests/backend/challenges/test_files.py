"""Downloads: who may have which, ranges, ETags."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from challenge_folder import write_tiny_challenge
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Challenge, Organiser, Participation
from fivesigma_backend.challenges.service import load_challenge
from fivesigma_backend.core.platform import Platform
from people import Browser, make_user
from sqlalchemy import select

FILES = "/api/v1/challenges/tiny/files"
LATER = datetime(2026, 12, 5, tzinfo=UTC)


@pytest.fixture
def folder(platform: Platform, tmp_path: Path) -> Path:
    """A loaded challenge with an open file, a members' file and one that is hidden until later."""
    written = write_tiny_challenge(
        tmp_path / "tiny",
        files={
            "card": {"path": "README.md", "members_only": False},
            "later": {"path": "rules.md", "from": LATER},
        },
    )
    load_challenge(platform, written, report=lambda _line: None)
    return written


def visitor(web: TestClient, _platform: Platform) -> Browser:
    return Browser(web)


def logged_in(web: TestClient, platform: Platform) -> Browser:
    return Browser(web).log_in(platform, make_user(platform, "eve"))


def joined(web: TestClient, platform: Platform) -> Browser:
    browser = Browser(web).log_in(platform, make_user(platform, "ada"))
    answer = browser.post("/challenges/tiny/join", page="/challenges/tiny", accept_rules="1")
    assert answer.status_code == 303, answer.text
    return browser


def banned(web: TestClient, platform: Platform) -> Browser:
    browser = joined(web, platform)
    with platform.db.transaction() as session:
        session.scalars(select(Participation)).one().banned_at = platform.clock()
    return browser


def organiser(web: TestClient, platform: Platform) -> Browser:
    user = make_user(platform, "boss")
    with platform.db.transaction() as session:
        challenge_id = session.scalars(select(Challenge.id)).one()
        session.add(Organiser(challenge_id=challenge_id, user_id=user.id))
    return Browser(web).log_in(platform, user)


Role = Callable[[TestClient, Platform], Browser]


@pytest.mark.parametrize(
    ("role", "open_file", "members_file", "hidden_file"),
    [
        (visitor, 200, 401, 404),
        (logged_in, 200, 403, 404),
        (joined, 200, 200, 404),
        (banned, 200, 403, 404),
        (organiser, 200, 200, 200),
    ],
)
def test_who_gets_which_file(
    web: TestClient,
    platform: Platform,
    folder: Path,
    role: Role,
    open_file: int,
    members_file: int,
    hidden_file: int,
) -> None:
    browser = role(web, platform)
    assert browser.get(f"{FILES}/card").status_code == open_file
    assert browser.get(f"{FILES}/train").status_code == members_file
    assert browser.get(f"{FILES}/later").status_code == hidden_file
    page = browser.get("/challenges/tiny/data/train")
    # A visitor's browser is sent to the log-in page.
    assert page.status_code == (303 if members_file == 401 else members_file)
    names = {one["name"] for one in browser.get(FILES).json()["items"]}
    assert names == {"card", "train", "test", "sample"} | (
        {"later"} if hidden_file == 200 else set()
    )


def test_a_hidden_file_appears_at_its_time(
    web: TestClient, platform: Platform, folder: Path, clock: FrozenClock
) -> None:
    browser = joined(web, platform)
    clock.time = LATER - timedelta(microseconds=1)
    assert browser.get(f"{FILES}/later").status_code == 404
    clock.time = LATER
    assert browser.get(f"{FILES}/later").content == (folder / "rules.md").read_bytes()


def test_new_rules_must_be_accepted_before_the_next_download(
    web: TestClient, platform: Platform, folder: Path
) -> None:
    browser = joined(web, platform)
    (folder / "rules.md").write_text("# Stricter rules\n")
    load_challenge(platform, folder, update=True, report=lambda _line: None)
    refused = browser.get(f"{FILES}/train")
    assert (refused.status_code, refused.json()["code"]) == (403, "rules_changed")
    browser.post("/challenges/tiny/join", page="/challenges/tiny/rules", accept_rules="1")
    assert browser.get(f"{FILES}/train").status_code == 200


def test_the_list_tells_sizes_and_checksums(
    web: TestClient, platform: Platform, folder: Path
) -> None:
    items = Browser(web).get(FILES).json()["items"]
    content = (folder / "train.csv").read_bytes()
    assert next(one for one in items if one["name"] == "train") == {
        "name": "train",
        "filename": "train.csv",
        "title": "Training events",
        "size": len(content),
        "sha256": sha256(content).hexdigest(),
        "members_only": True,
        "visible_from": None,
        "url": "/api/v1/challenges/tiny/files/train",
    }


def test_a_file_comes_whole_with_its_name_and_checksum(
    web: TestClient, platform: Platform, folder: Path
) -> None:
    browser = joined(web, platform)
    content = (folder / "train.csv").read_bytes()
    for name in ("train", "train.csv"):
        answer = browser.get(f"{FILES}/{name}")
        assert answer.content == content
        assert answer.headers["etag"] == f'"{sha256(content).hexdigest()}"'
        assert answer.headers["content-disposition"] == 'attachment; filename="train.csv"'
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["content-type"] == "application/octet-stream"


def test_parts_of_a_file(web: TestClient, platform: Platform, folder: Path) -> None:
    content = (folder / "README.md").read_bytes()
    for wanted, part in (
        ("bytes=0-9", slice(0, 10)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-5", slice(-5, None)),
        ("bytes=0-999999999", slice(0, None)),
    ):
        answer = web.get(f"{FILES}/card", headers={"Range": wanted})
        assert (answer.status_code, answer.content) == (206, content[part]), wanted
    beyond = web.get(f"{FILES}/card", headers={"Range": "bytes=999999999-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(content)}"


def test_a_download_goes_on_only_if_the_file_is_still_the_same(
    web: TestClient, platform: Platform, folder: Path
) -> None:
    content = (folder / "README.md").read_bytes()
    etag = web.get(f"{FILES}/card").headers["etag"]
    part = {"Range": "bytes=5-", "If-Range": etag}
    assert web.get(f"{FILES}/card", headers=part).status_code == 206
    (folder / "README.md").write_text("# Another card, longer than before\n" * 20)
    load_challenge(platform, folder, update=True, report=lambda _line: None)
    whole = web.get(f"{FILES}/card", headers=part)
    assert whole.status_code == 200
    assert whole.content == (folder / "README.md").read_bytes() != content


def test_what_one_has_already_is_not_sent_again(
    web: TestClient, platform: Platform, folder: Path
) -> None:
    etag = web.get(f"{FILES}/card").headers["etag"]
    for offered in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = web.get(f"{FILES}/card", headers={"If-None-Match": offered})
        assert (answer.status_code, answer.content) == (304, b""), offered
        assert answer.headers["etag"] == etag
    assert web.get(f"{FILES}/card", headers={"If-None-Match": '"x"'}).status_code == 200


def test_other_files_of_the_folder_can_not_be_reached(
    web: TestClient, platform: Platform, folder: Path
) -> None:
    browser = joined(web, platform)
    for root in (FILES, "/challenges/tiny/data"):
        for name in ("nothing", "solution.csv", "..%2Fsolution.csv", "%00", "a" * 5000):
            assert browser.get(f"{root}/{name}").status_code == 404, name
