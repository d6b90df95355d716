"""Health: alive whatever happens, ready only if every part works."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.app import create_app
from fivesigma_backend.core.db import Database
from fivesigma_backend.core.events import Events
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.site.health import FRESH_SECONDS, Readiness
from people import Browser

pytestmark = pytest.mark.stores


def without_database(platform: Platform, tmp_path: Path) -> Platform:
    """The same platform over a database that was never migrated."""
    empty = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    return Platform(**{**vars(platform), "db": empty})


def without_broker(platform: Platform, tmp_path: Path) -> Platform:
    """The same platform with a broker that isn't there."""
    return Platform(**{**vars(platform), "events": Events(f"unix://{tmp_path / 'no.sock'}")})


def without_storage(platform: Platform, tmp_path: Path) -> Platform:
    """The same platform with a file where the folder of blobs was."""
    folder = platform.settings.data_dir / "storage"
    shutil.rmtree(folder)
    folder.write_text("in the way")
    return platform


def test_all_is_well(web: TestClient, platform: Platform) -> None:
    assert web.get("/healthz").json() == {"alive": True}
    answer = web.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "database": True, "broker": True, "storage": True}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("broken", "part"),
    [
        (without_database, "database"),
        (without_broker, "broker"),
        (without_storage, "storage"),
    ],
)
def test_what_is_broken_is_named_and_the_process_stays_alive(
    platform: Platform,
    tmp_path: Path,
    broken: Callable[[Platform, Path], Platform],
    part: str,
) -> None:
    with TestClient(create_app(broken(platform, tmp_path))) as web:
        answer = web.get("/readyz")
        assert answer.status_code == 503
        assert [name for name, works in answer.json().items() if not works] == ["ready", part]
        assert web.get("/healthz").status_code == 200


def test_asking_leaves_nothing_behind(web: TestClient, platform: Platform) -> None:
    web.get("/readyz")
    assert list(platform.storage.blobs()) == []
    assert list(platform.storage.spool.iterdir()) == []


def test_a_crowd_of_askers_shares_an_answer_for_a_moment(
    platform: Platform, tmp_path: Path
) -> None:
    time = 100.0
    readiness = Readiness(platform, timer=lambda: time)
    assert readiness.parts()["storage"]
    without_storage(platform, tmp_path)
    assert readiness.parts()["storage"]
    time += FRESH_SECONDS
    assert not readiness.parts()["storage"]


def test_the_overview_is_for_administrators_and_says_what_to_mend(
    visitor: Browser, annas: Browser, chiefs: Browser, platform: Platform, tmp_path: Path
) -> None:
    assert visitor.get("/admin").status_code == 404
    assert annas.get("/admin").status_code == 404
    without_storage(platform, tmp_path)
    page = chiefs.get("/admin")
    assert page.status_code == 200
    assert "whether the disk is full" in page.text
    assert "fivesigma-server migrate" not in page.text
