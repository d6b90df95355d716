"""The shipped challenge on a platform: downloaded, handed in to, ranked by the mean of variants."""

import io
from pathlib import Path

import h5py
import polars as pl
import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.service import load_builtin
from fivesigma_backend.core.platform import Platform
from fivesigma_datasets import demo_submissions
from fivesigma_datasets.toptag.shifts import VARIANTS
from stories import API, Person, Story


def downloaded(person: Person, name: str) -> bytes:
    answer = person.get(f"{API}/challenges/toptag/files/{name}")
    assert answer.status_code == 200
    return bytes(answer.content)


def test_three_teams_are_ranked_and_nobody_learns_which_jet_is_shifted(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    load_builtin(platform, "toptag", report=lambda line: None)
    story = Story(platform, web, tmp_path)
    people = [story.person(name, joined=False) for name in ("ada", "ben", "eve")]
    for person in people:
        person.slug = "toptag"
        assert person.join().status_code == 200

    published = tmp_path / "published"
    published.mkdir()
    paths = {"train": "train.parquet", "test": "test.parquet"}
    paths |= {"train-inputs": "train.h5", "test-inputs": "test.h5", "starter": "starter.py"}
    for name, path in paths.items():
        (published / path).write_bytes(downloaded(people[0], name))
    (published / "challenge.toml").write_text('slug = "toptag"\n')
    assert downloaded(people[0], "figure-jets")[:4] == b"\x89PNG"
    with h5py.File(published / "test.h5") as file:
        assert "variant" not in file

    files = demo_submissions(published)
    for person, (name, message, content) in zip(people, files, strict=True):
        assert person.validate(content).json()["ok"]
        answer = person.submit(content, name=name, message=message)
        assert answer.status_code == 201, answer.text
        assert story.drain() == 1
        found = person.get(f"{API}/submissions/{answer.json()['id']}").text
        assert '"usage"' not in found
    rows = people[0].board().json()["rows"]
    assert [row["team"] for row in rows] == ["eve", "ben", "ada"]
    for row in rows:
        by_variant = [row["metrics"][f"auc@{name}"]["value"] for name in VARIANTS]
        assert row["score"] == pytest.approx(sum(by_variant) / 3, abs=1e-4)
        assert 0 < row["sigma"] < 0.02
    assert rows[0]["metrics"]["auc@nominal"]["value"] > rows[0]["metrics"]["auc@smearing"]["value"]

    clock.time = clock.time.replace(year=clock.time.year + 2)
    story.tick()
    private = web.get(f"{API}/challenges/toptag/leaderboard?split=private").json()["rows"]
    assert [row["team"] for row in private] == ["eve", "ben", "ada"]
    sample = pl.read_csv(io.BytesIO(files[0][2]))
    assert sample.columns == ["id", "Class", "Score"]
