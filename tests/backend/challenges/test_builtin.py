"""Challenges that ship with the package, and their secret seeds."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest
from conftest import SHARED_DATA
from fivesigma_backend.challenges.builtin import kept_seed, load_builtin
from fivesigma_backend.challenges.definition import DefinitionError
from fivesigma_backend.challenges.models import Challenge
from fivesigma_backend.core.platform import Platform
from sqlalchemy import select

REAL = SHARED_DATA / "higgsml-real-9998" / "contiguous_7521.csv"


def test_a_seed_is_drawn_once_and_kept_for_its_owner(platform: Platform) -> None:
    seed = kept_seed(platform.settings, "higgsml")
    assert kept_seed(platform.settings, "higgsml") == seed
    assert kept_seed(platform.settings, "other") != seed
    folder = platform.settings.data_dir / "secrets" / "seeds"
    assert sorted(path.name for path in folder.iterdir()) == ["higgsml", "other"]
    assert (folder / "higgsml").stat().st_mode & 0o777 == 0o600


def test_two_who_draw_a_seed_at_once_agree(platform: Platform) -> None:
    seeds: list[int] = []
    threads = [
        Thread(target=lambda: seeds.append(kept_seed(platform.settings, "higgsml")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seeds) == 8
    assert len(set(seeds)) == 1


def test_an_unknown_name_names_what_there_is(platform: Platform) -> None:
    with pytest.raises(DefinitionError, match=r"there are: .*higgsml"):
        load_builtin(platform, "higgs", report=lambda _line: None)


def test_wrong_data_are_explained(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DefinitionError, match=r"wrong\.csv"):
        load_builtin(platform, "higgsml", data=[tmp_path / "wrong.csv"], report=lambda _line: None)


@pytest.mark.skipif(not REAL.is_file(), reason="the real HiggsML events are not here")
def test_real_events_are_loaded_with_a_secret_split_that_stays(platform: Platform) -> None:
    lines: list[str] = []
    first = load_builtin(platform, "higgsml", data=[REAL], report=lines.append)
    assert first.created
    assert any("factors" in line for line in lines)
    again = load_builtin(platform, "higgsml", data=[REAL], report=lines.append)
    assert again.changes == ()
    with platform.db.read() as session:
        challenge = session.scalars(select(Challenge)).one()
    assert challenge.definition["phases"][0]["metric"] == "ams"
    seed = str(kept_seed(platform.settings, "higgsml"))
    assert seed not in challenge.card
