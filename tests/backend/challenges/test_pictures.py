"""Published pictures: which are shown, to whom, under which policy, on the page and on the card."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from challenge_folder import OPENS, write_tiny_challenge
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import PublishedFile
from fivesigma_backend.challenges.pictures import NotShown, Picture, look_at_picture
from fivesigma_backend.core.middleware import DRAWING_POLICY
from fivesigma_backend.core.platform import Platform
from page_checks import Page, faults
from people import Browser, make_user
from pictures import GOOD_SVG, UNFIT, hostile, png, svg
from sqlalchemy import update
from statements import counted

PLACE = "/challenges/tiny/pictures"
LATER = OPENS + timedelta(days=4)
CARD = """# Tiny

![Mass of the **jets**](figures/mass.svg) ![](./figures/open%20one.png)

![elsewhere](https://example.org/x.png)
![absolute](/static/mark.svg) ![data](data:image/png;base64,A)
![not published](figures/other.svg) ![climbing](../figures/mass.svg) ![a table](train.csv)
"""


def load(platform: Platform, folder: Path, **files: dict[str, Any]) -> Path:
    """The tiny challenge with pictures: one for members, one for all, one for later."""
    pictures = {
        "mass": {"path": "figures/mass.svg", "title": "Mass"},
        "open": {"path": "figures/open one.png", "title": "Open", "members_only": False},
        "late": {"path": "figures/late.png", "title": "Late", "from": LATER},
    }
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    (folder / "figures" / "mass.svg").write_bytes(GOOD_SVG)
    (folder / "figures" / "open one.png").write_bytes(png())
    (folder / "figures" / "late.png").write_bytes(png(30, 30))
    write_tiny_challenge(folder, files=pictures | files)
    (folder / "README.md").write_text(CARD)
    load_challenge(platform, folder, update=True, report=lambda _line: None)
    return folder


def joined(web: TestClient, platform: Platform) -> Browser:
    browser = Browser(web).log_in(platform, make_user(platform, "ada"))
    browser.post("/challenges/tiny/join", page="/challenges/tiny", accept_rules="1")
    return browser


def images(page: str) -> list[dict[str, str]]:
    return Page(page).of("img")


@pytest.mark.parametrize(
    ("name", "content", "picture"),
    [
        ("a.svg", GOOD_SVG, Picture("svg", 400, 200)),
        ("A.SVG", svg("", size='width="2in" height="1in"'), Picture("svg", 192, 96)),
        ("box.svg", svg("", size='viewBox="-5,-5 30 20.5"'), Picture("svg", 30, 21)),
        ("b.png", png(), Picture("png", 40, 20)),
        ("b.PNG", png(more=b""), Picture("png", 40, 20)),
    ],
)
def test_sizes_are_those_in_pixels(
    tmp_path: Path, name: str, content: bytes, picture: Picture
) -> None:
    (tmp_path / name).write_bytes(content)
    assert look_at_picture(tmp_path / name) == picture


@pytest.mark.parametrize("name", UNFIT)
def test_what_is_no_picture_is_not_shown_and_why_is_told(tmp_path: Path, name: str) -> None:
    content, words = UNFIT[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NotShown, match=words):
        look_at_picture(tmp_path / name)


def test_every_beginning_of_a_picture_is_refused_without_a_fault(tmp_path: Path) -> None:
    for name, content in (("cut.png", png()), ("cut.svg", GOOD_SVG.rstrip())):
        for length in range(1, len(content)):
            (tmp_path / name).write_bytes(content[:length])
            with pytest.raises(NotShown):
                look_at_picture(tmp_path / name)


def test_a_file_that_is_not_shown_is_a_download_like_any_other(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    folder = write_tiny_challenge(tmp_path / "tiny", files={"bad": {"path": "bad.png"}})
    (folder / "bad.png").write_bytes(b"<script>alert(1)</script>")
    lines: list[str] = []
    load_challenge(platform, folder, report=lines.append)
    assert any('"bad.png" can be downloaded but is not shown' in line for line in lines)
    browser = joined(web, platform)
    assert browser.get(f"{PLACE}/bad").status_code == 404
    answer = browser.get("/challenges/tiny/data/bad")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    page = browser.get("/challenges/tiny/data").text
    assert images(page) == []
    assert "bad.png" in page


def test_pictures_stand_in_a_gallery(web: TestClient, platform: Platform, tmp_path: Path) -> None:
    load(platform, tmp_path / "tiny")
    page = joined(web, platform).get("/challenges/tiny/data").text
    assert faults(page) == []
    shown = images(page)
    assert [one["alt"] for one in shown] == ["Mass", "Open"]
    assert (shown[0]["width"], shown[0]["height"]) == ("400", "200")
    assert all(one["loading"] == "lazy" for one in shown)
    assert len(Page(page).of("figure")) == 2
    assert 'href="/challenges/tiny/data/mass"' in page


def test_a_picture_comes_to_be_shown_and_can_do_nothing(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    folder = load(platform, tmp_path / "tiny")
    browser = joined(web, platform)
    for name, kind in (("mass", "image/svg+xml"), ("open", "image/png")):
        answer = browser.get(f"{PLACE}/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].split(";")[0] == kind
        assert answer.headers["content-disposition"].startswith("inline")
        assert answer.headers["content-security-policy"] == DRAWING_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, no-cache"
    assert browser.get(f"{PLACE}/mass").content == (folder / "figures/mass.svg").read_bytes()
    assert {"sandbox", "default-src 'none'"} <= set(DRAWING_POLICY.split("; "))
    assert "script-src" not in DRAWING_POLICY
    assert "allow" not in DRAWING_POLICY


def test_an_address_lasts_while_the_picture_does(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    folder = load(platform, tmp_path / "tiny")
    browser = joined(web, platform)
    address = unescape(images(browser.get("/challenges/tiny/data").text)[0]["src"])
    answer = browser.get(address)
    assert "immutable" in answer.headers["cache-control"]
    same = browser.http.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["content-security-policy"] == DRAWING_POLICY
    (folder / "figures/mass.svg").write_bytes(svg("<g/>"))
    load_challenge(platform, folder, update=True, report=lambda _line: None)
    assert "immutable" not in browser.get(address).headers["cache-control"]
    now = images(browser.get("/challenges/tiny/data").text)[0]
    assert now["src"] != address
    assert (now["width"], now["height"]) == ("300", "150")


def test_who_may_not_download_a_picture_does_not_see_it(
    web: TestClient, platform: Platform, tmp_path: Path, clock: FrozenClock
) -> None:
    load(platform, tmp_path / "tiny")
    visitor = Browser(web)
    eve = Browser(web).log_in(platform, make_user(platform, "eve"))
    ada = joined(web, platform)
    for name, statuses in (("open", (200, 200, 200)), ("mass", (303, 403, 200))):
        found = tuple(one.get(f"{PLACE}/{name}").status_code for one in (visitor, eve, ada))
        assert found == statuses, name
    for one in (visitor, eve):
        for path in ("", "/data"):
            page = one.get(f"/challenges/tiny{path}").text
            assert [image["src"].split("?")[0] for image in images(page)] == [f"{PLACE}/open"]
    assert visitor.get(f"{PLACE}/late").status_code == ada.get(f"{PLACE}/late").status_code == 404
    assert "late.png" not in ada.get("/challenges/tiny/data").text
    clock.time = LATER
    assert ada.get(f"{PLACE}/late").status_code == 200
    assert f"{PLACE}/late" in ada.get("/challenges/tiny/data").text


def test_a_card_shows_published_pictures_and_nothing_else(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    load(platform, tmp_path / "tiny")
    page = joined(web, platform).get("/challenges/tiny").text
    assert faults(page) == []
    mass, second = images(page)
    assert mass["src"].startswith(f"{PLACE}/mass?v=")
    assert (mass["alt"], mass["width"], mass["loading"]) == ("Mass of the jets", "400", "lazy")
    assert second["src"].startswith(f"{PLACE}/open?v=")
    for words in ("elsewhere", "absolute", "data", "not published", "climbing", "a table"):
        assert words in page  # the description is left where the picture is not
    assert "example.org" not in page


def test_hostile_pictures_are_sent_under_the_policy_only(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    found = hostile("http://elsewhere.test")
    folder = tmp_path / "tiny"
    files = {name: {"path": f"{name}.svg"} for name in found}
    folder.mkdir()
    for name, content in found.items():
        (folder / f"{name}.svg").write_bytes(content)
    load(platform, folder, **files)
    browser = joined(web, platform)
    for name, content in found.items():
        answer = browser.get(f"{PLACE}/{name}")
        assert answer.content == content
        assert answer.headers["content-security-policy"] == DRAWING_POLICY, name
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_challenge_that_an_earlier_release_loaded_has_no_gallery_and_no_fault(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    load(platform, tmp_path / "tiny")
    with platform.db.transaction() as session:
        session.execute(update(PublishedFile).values(details=None))
    browser = joined(web, platform)
    for path in ("", "/data"):
        page = browser.get(f"/challenges/tiny{path}").text
        assert images(page) == []
    assert 'href="/challenges/tiny/data/mass"' in page
    assert browser.get(f"{PLACE}/mass").status_code == 404


def test_a_card_with_pictures_costs_one_statement_more(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    folder = load(platform, tmp_path / "tiny")
    browser = joined(web, platform)
    with counted(platform.db) as pictured:
        browser.get("/challenges/tiny")
    (folder / "README.md").write_text("# No picture")
    load_challenge(platform, folder, update=True, report=lambda _line: None)
    with counted(platform.db) as plain:
        browser.get("/challenges/tiny")
    assert len(pictured) == len(plain) + 1
