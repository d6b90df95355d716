"""The list of challenges and one challenge, as every role sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from challenge_folder import RULES, write_tiny_challenge
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.accounts.models import User
from fivesigma_backend.app import create_app
from fivesigma_backend.challenges.models import Challenge
from fivesigma_backend.challenges.service import load_challenge
from fivesigma_backend.core.platform import Platform
from people import Browser, make_user
from sqlalchemy import event

API = "/api/v1/challenges"


def load(platform: Platform, tmp_path: Path, slug: str, **toml: Any) -> str:
    folder = write_tiny_challenge(tmp_path / slug, slug=slug, **toml)
    return load_challenge(platform, folder, report=lambda _line: None).challenge_id


def hide(platform: Platform, challenge_id: str) -> None:
    with platform.db.transaction() as session:
        session.get_one(Challenge, challenge_id).published = False


def slugs(browser: Browser, query: str = "") -> list[str]:
    return [one["slug"] for one in browser.get(API + query).json()["items"]]


def test_a_challenge_in_the_list(
    web: TestClient, platform: Platform, tmp_path: Path, clock: FrozenClock
) -> None:
    load(platform, tmp_path, "tiny")
    (item,) = web.get(API).json()["items"]
    (phase,) = item.pop("phases")
    assert item == {
        "slug": "tiny",
        "title": "Tiny: find the bump",
        "kind": "selection",
        "summary": "Select the signal events.",
        "hardware": "cpu",
        "truth_public": False,
        "joined": False,
    }
    assert phase == {
        "slug": "final",
        "title": "The phase",
        "state": "open",
        "opens": "2026-12-01T00:00:00.000Z",
        "closes": "2026-12-21T00:00:00.000Z",
        "unblinded_at": None,
        "test_set": "main",
        "metric": "ams",
        "higher_is_better": True,
        "metrics": ["signal_efficiency", "purity"],
        "options": {"regularisation": 10.0},
        "normalise": {"s": 100.0, "b": 1000.0},
        "limits": {"per_day": 5, "total": 20, "concurrent": 2, "window": "rolling"},
        "uploads": True,
        "finals": 2,
        "unblind": "at-close",
    }
    clock.advance(days=20)
    (item,) = web.get(API).json()["items"]
    assert item["phases"][0]["state"] == "closed"


def test_one_challenge_has_card_rules_and_what_a_client_needs(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    load(platform, tmp_path, "tiny", help_url="https://example.org")
    detail = web.get(f"{API}/tiny").json()
    assert detail["card"].startswith("# Tiny")
    assert detail["rules"] == RULES
    assert len(detail["rules_version"]) == 64
    assert detail["help_url"] == "https://example.org"
    assert detail["test_sets"] == [
        {
            "name": "main",
            "sample": "sample",
            "max_bytes": 2**28,
            "max_expanded_bytes": 2**30,
            "min_selected": 0,
            "classes": [],
            "shape": [],
        }
    ]
    assert web.get(f"{API}/other").status_code == 404


def test_nothing_of_the_folder_that_is_for_organisers_is_told(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    split = {"main": {"split": {"public": 0.5, "seed": 987654321}}}
    load(platform, tmp_path, "tiny", test_sets=split)
    for path in (API, f"{API}/tiny", f"{API}/tiny/files", "/challenges/tiny"):
        text = web.get(path).text
        assert "987654321" not in text
        assert "solution" not in text.replace("resolution", "")


def test_pages_of_the_list(web: TestClient, platform: Platform, tmp_path: Path) -> None:
    for slug in ("one", "two", "three"):
        load(platform, tmp_path, slug)
    first = web.get(f"{API}?limit=2").json()
    assert [one["slug"] for one in first["items"]] == ["three", "two"]
    rest = web.get(f"{API}?limit=2&cursor={first['next']}").json()
    assert [one["slug"] for one in rest["items"]] == ["one"]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=1000", "cursor=x", "cursor=%00", "limit=x"])
def test_a_wrong_page_is_refused(web: TestClient, query: str) -> None:
    assert web.get(f"{API}?{query}").status_code == 422


def test_who_sees_which_challenge(web: TestClient, platform: Platform, tmp_path: Path) -> None:
    boss, eve, root = (
        make_user(platform, "boss"),
        make_user(platform, "eve"),
        make_user(platform, "root", is_admin=True),
    )
    folder = write_tiny_challenge(tmp_path / "hidden", slug="hidden")
    hidden = load_challenge(platform, folder, organiser_ids=[boss.id], report=lambda _line: None)
    load(platform, tmp_path, "open")
    load(platform, tmp_path, "members", visibility="members")
    hide(platform, hidden.challenge_id)

    def seen(user: User | None) -> tuple[set[str], list[int]]:
        browser = Browser(web) if user is None else Browser(web).log_in(platform, user)
        each = [browser.get(f"{API}/{slug}").status_code for slug in ("open", "members", "hidden")]
        return set(slugs(browser)), each

    assert seen(None) == ({"open"}, [200, 404, 404])
    assert seen(eve) == ({"open", "members"}, [200, 200, 404])
    assert seen(boss) == ({"open", "members", "hidden"}, [200, 200, 200])
    assert seen(root) == ({"open", "members", "hidden"}, [200, 200, 200])


def test_a_site_may_show_nothing_to_visitors(platform: Platform, tmp_path: Path) -> None:
    load(platform, tmp_path, "tiny")
    object.__setattr__(
        platform, "settings", platform.settings.model_copy(update={"public_boards": False})
    )
    with TestClient(create_app(platform)) as web:
        assert web.get(API).json()["items"] == []
        assert web.get(f"{API}/tiny").status_code == 404
        eve = Browser(web).log_in(platform, make_user(platform, "eve"))
        assert slugs(eve) == ["tiny"]


def test_the_list_takes_three_statements_whatever_its_length(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    def statements() -> int:
        seen: list[str] = []

        def note(*arguments: Any) -> None:
            seen.append(arguments[2])

        event.listen(platform.db.engine, "before_cursor_execute", note)
        web.get(API)
        event.remove(platform.db.engine, "before_cursor_execute", note)
        return sum(one.startswith("SELECT") for one in seen)

    load(platform, tmp_path, "one")
    assert statements() == 3
    load(platform, tmp_path, "two")
    assert statements() == 3
