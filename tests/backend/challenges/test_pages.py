"""Pages of challenges: what they say to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from challenge_folder import tiny_toml, write_tiny_challenge
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.definition import LimitsDefinition
from fivesigma_backend.challenges.models import Participation, Phase
from fivesigma_backend.challenges.service import load_challenge
from fivesigma_backend.challenges.views import limits_text
from fivesigma_backend.core.platform import Platform
from people import Browser, make_user
from sqlalchemy import select


def load(platform: Platform, folder: Path, **toml: Any) -> Path:
    written = write_tiny_challenge(folder, **toml)
    load_challenge(platform, written, update=True, report=lambda _line: None)
    return written


def browser_of(web: TestClient, platform: Platform, name: str = "ada") -> Browser:
    return Browser(web).log_in(platform, make_user(platform, name))


def join(browser: Browser) -> None:
    browser.post("/challenges/tiny/join", page="/challenges/tiny", accept_rules="1")


def test_the_overview_says_what_the_challenge_is_about(
    web: TestClient, platform: Platform, tmp_path: Path, clock: FrozenClock
) -> None:
    load(platform, tmp_path / "tiny")
    text = web.get("/challenges/tiny").text
    assert "<title>Tiny: find the bump" in text
    assert "<strong>small</strong> selection challenge" in text
    assert "<td>the only feature</td>" in text
    assert "5 in 24 hours, 20 in total, 2 at a time" in text
    assert "sqrt(2((s + B&#39;) ln(1 + s/B&#39;) - s))" in text
    assert "higher is better" in text
    assert 'datetime="2026-12-21T00:00:00.000Z"' in text
    assert "after the close, when everything is scored" in text
    assert "The truth of these data is public" not in text
    for tab in ("", "/data", "/submit", "/leaderboard"):
        assert f'href="/challenges/tiny{tab}"' in text
    assert "/challenges/tiny/submissions" not in text  # a visitor has none


def test_the_state_of_a_phase_follows_the_clock(
    web: TestClient, platform: Platform, tmp_path: Path, clock: FrozenClock
) -> None:
    load(platform, tmp_path / "tiny")
    assert ">open</span>" in web.get("/challenges/tiny").text
    clock.advance(days=-2)
    assert ">upcoming</span>" in web.get("/challenges/tiny").text
    clock.advance(days=50)
    assert ">closed</span>" in web.get("/challenges/tiny").text
    with platform.db.transaction() as session:
        session.scalars(select(Phase)).one().unblinded_at = clock()
    assert "open since" in web.get("/challenges/tiny").text


def test_times_stand_in_the_zone_of_the_challenge_too(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    load(platform, tmp_path / "tiny", timezone="Europe/Zurich")
    assert "1 Dec 2026, 01:00 Europe/Zurich" in web.get("/challenges/tiny").text


def test_public_truth_is_said_on_every_page(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    load(platform, tmp_path / "tiny", truth_public=True)
    for path in ("", "/data", "/rules"):
        assert "The truth of these data is public" in web.get(f"/challenges/tiny{path}").text


def test_a_card_can_not_hurt(web: TestClient, platform: Platform, tmp_path: Path) -> None:
    folder = write_tiny_challenge(
        tmp_path / "tiny", title="<b>&", summary="<script>alert(1)</script>"
    )
    (folder / "README.md").write_text(
        "<script>alert(2)</script>\n\n[x](javascript:alert(3))\n\n<img src=x onerror=alert(4)>\n"
    )
    load_challenge(platform, folder, report=lambda _line: None)
    text = web.get("/challenges/tiny").text
    assert "<script>alert" not in text
    assert "<img" not in text
    assert 'href="javascript:' not in text
    assert "<b>&" not in text


def test_a_visitor_is_asked_to_log_in(web: TestClient, platform: Platform, tmp_path: Path) -> None:
    load(platform, tmp_path / "tiny")
    text = web.get("/challenges/tiny").text
    assert 'href="/login?next=/challenges/tiny"' in text
    assert 'action="/challenges/tiny/join"' not in text


def test_joining_by_page(web: TestClient, platform: Platform, tmp_path: Path) -> None:
    load(platform, tmp_path / "tiny")
    browser = browser_of(web, platform)
    before = browser.get("/challenges/tiny/data").text
    assert "Join the challenge to download its data." in before
    assert 'href="/challenges/tiny/data/train"' not in before
    refused = browser.post("/challenges/tiny/join", page="/challenges/tiny")
    assert refused.status_code == 403
    assert "Read the rules at /challenges/tiny/rules" in refused.text
    answer = browser.post("/challenges/tiny/join", page="/challenges/tiny", accept_rules="1")
    assert answer.headers["location"] == "/challenges/tiny/data?notice=joined"
    after = browser.get("/challenges/tiny/data").text
    assert 'href="/challenges/tiny/data/train"' in after
    assert "fivesigma download tiny -f train" in after
    assert "Join the challenge" not in after
    assert ">joined</span>" in browser.get("/challenges/tiny").text


def test_a_form_without_its_token_is_refused(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    load(platform, tmp_path / "tiny")
    browser = browser_of(web, platform)
    assert browser.http.post("/challenges/tiny/join", data={"accept_rules": "1"}).status_code == 403
    with platform.db.read() as session:
        assert session.scalars(select(Participation)).all() == []


def test_changed_rules_are_shown_until_they_are_accepted(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    folder = load(platform, tmp_path / "tiny")
    browser = browser_of(web, platform)
    join(browser)
    assert "You have accepted these rules." in browser.get("/challenges/tiny/rules").text
    (folder / "rules.md").write_text("# Stricter rules\n")
    load_challenge(platform, folder, update=True, report=lambda _line: None)
    text = browser.get("/challenges/tiny/rules").text
    assert "<h2>Stricter rules</h2>" in text
    assert "The rules have changed" in text
    assert "Accept the rules" in text
    answer = browser.post("/challenges/tiny/join", page="/challenges/tiny/rules", accept_rules="1")
    assert answer.headers["location"] == "/challenges/tiny/data?notice=rules-accepted"
    assert "The rules have changed" not in browser.get("/challenges/tiny/rules").text


def test_a_challenge_without_rules_and_files(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    later = {"from": tiny_toml()["phases"][0]["closes"]}
    load(
        platform,
        tmp_path / "tiny",
        rules=None,
        files={
            "train": later,
            "test": later,
            "example": {"path": "sample_submission.csv", **later},
        },
    )
    browser = browser_of(web, platform)
    assert browser.get("/challenges/tiny/rules").status_code == 404
    assert "No files yet" in browser.get("/challenges/tiny/data").text
    answer = browser.post("/challenges/tiny/join", page="/challenges/tiny")
    assert answer.status_code == 303


def test_who_was_excluded_is_told_so(web: TestClient, platform: Platform, tmp_path: Path) -> None:
    load(platform, tmp_path / "tiny")
    browser = browser_of(web, platform)
    join(browser)
    with platform.db.transaction() as session:
        session.scalars(select(Participation)).one().banned_at = platform.clock()
    for path in ("", "/data", "/rules"):
        text = browser.get(f"/challenges/tiny{path}").text
        assert "You were excluded from this challenge" in text
        assert 'action="/challenges/tiny/join"' not in text


def test_pages_need_no_inline_script_or_style(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    load(platform, tmp_path / "tiny")
    for path in ("", "/data", "/rules"):
        text = web.get(f"/challenges/tiny{path}").text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick" not in text
        assert text.count("<script") == text.count('<script type="module" src="/static/')


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({}, "unlimited"),
        ({"per_day": 5, "window": "calendar"}, "5 in calendar day"),
        ({"total": 10}, "10 in total"),
    ],
)
def test_limits_in_words(limits: dict[str, Any], words: str) -> None:
    assert limits_text(LimitsDefinition.model_validate(limits)) == words
