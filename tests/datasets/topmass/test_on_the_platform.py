"""The shipped challenge on a platform: downloaded, handed in to, ranked in GeV."""

import io
import itertools
from pathlib import Path

import polars as pl
import pytest
from conftest import FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.service import load_builtin
from fivesigma_backend.core.platform import Platform
from fivesigma_datasets import demo_submissions
from stories import API, Person, Story


def downloaded(person: Person, name: str) -> bytes:
    answer = person.get(f"{API}/challenges/topmass/files/{name}")
    assert answer.status_code == 200
    return bytes(answer.content)


def test_teams_are_ranked_by_their_error_in_gev_whatever_units_they_had_in_mind(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    load_builtin(platform, "topmass", report=lambda line: None)
    story = Story(platform, web, tmp_path)
    people = [story.person(name, joined=False) for name in ("ada", "ben", "eve")]
    for person in people:
        person.slug = "topmass"
        assert person.join().status_code == 200

    published = tmp_path / "published"
    published.mkdir()
    paths = {"train": "train.parquet", "test": "test.parquet"}
    paths |= {"train-images": "train_images.h5", "test-images": "test_images.h5"}
    for name, path in paths.items():
        (published / path).write_bytes(downloaded(people[0], name))
    (published / "challenge.toml").write_text('slug = "topmass"\n')
    for name in ("figure-jets", "figure-mean", "figure-masses"):
        assert downloaded(people[0], name)[:4] == b"\x89PNG"

    files = demo_submissions(published)
    for person, (name, message, content) in zip(people, files, strict=True):
        assert person.validate(content).json()["ok"]
        assert person.submit(content, name=name, message=message).status_code == 201
        assert story.drain() == 1
    rows = people[0].board().json()["rows"]
    assert [row["team"] for row in rows] == ["eve", "ben", "ada"]
    assert rows[2]["score"] == pytest.approx(103.75, abs=4 * rows[2]["sigma"])
    for better, worse in itertools.pairwise(rows):
        assert worse["score"] - better["score"] > 3 * (worse["sigma"] + better["sigma"])
    assert {"mre", "rmse", "bias", "median_absolute_error", "resolution_68"} <= set(
        rows[0]["metrics"]
    )

    best = pl.read_csv(io.BytesIO(files[-1][2]))
    wrong = {"between 0 and 1": 1 / 500, "in MeV": 1000.0}
    reports = {
        name: people[0]
        .validate(best.with_columns(pl.col("mass") * factor).write_csv().encode())
        .json()
        for name, factor in wrong.items()
    }
    assert reports["between 0 and 1"]["ok"]  # 0 … 1 GeV is allowed, and warned of
    assert "range of the published training file" in str(reports["between 0 and 1"]["findings"])
    assert not reports["in MeV"]["ok"]

    clock.time = clock.time.replace(year=clock.time.year + 2)
    story.tick()
    private = web.get(f"{API}/challenges/topmass/leaderboard?split=private").json()["rows"]
    assert [row["team"] for row in private] == ["eve", "ben", "ada"]
