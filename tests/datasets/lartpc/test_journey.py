"""LArTPC on the platform: the classic mistakes are told, entries are scored, the final decides."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_datasets import demo_submissions
from stories import API, Person, Story

CLOSED = datetime(2027, 11, 1, 0, 0, 1, tzinfo=UTC)


@pytest.fixture
def images(platform: Any, web: Any, images_folder: Path, clock: Any) -> Story:
    clock.time = datetime(2026, 12, 1, tzinfo=UTC)
    load_challenge(platform, images_folder, report=lambda line: None)
    return Story(platform, web, images_folder)


@pytest.fixture
def volumes(platform: Any, web: Any, voxels_folder: Path, clock: Any) -> Story:
    clock.time = datetime(2026, 12, 1, tzinfo=UTC)
    load_challenge(platform, voxels_folder, report=lambda line: None)
    return Story(platform, web, voxels_folder)


def somebody(story: Story, name: str) -> Person:
    person = story.person(name, joined=False)
    person.slug = story.folder.name
    assert person.join().status_code == 200
    return person


def content(table: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    table.write_parquet(file)
    return file.getvalue()


def checked(person: Person, table: pl.DataFrame, phase: str = "phase-1") -> dict[str, str]:
    """Findings of the validation, by their codes."""
    answer = person.post(
        f"{API}/challenges/{person.slug}/validate",
        data={"phase": phase},
        files={"file": ("mine.parquet", content(table))},
    )
    assert answer.status_code == 200, answer.text
    return {one["code"]: one["message"] for one in answer.json()["findings"]}


def moved(table: pl.DataFrame, move: Callable[[np.ndarray, np.ndarray], Any]) -> pl.DataFrame:
    """Pixels (row, col) of images somewhere else; those that leave the image are dropped."""
    place = np.divmod(table["voxel"].to_numpy(), 256)
    row, col = move(*place)
    inside = (row >= 0) & (row < 256) & (col >= 0) & (col < 256)
    there = table.with_columns(pl.Series("voxel", row * 256 + col))
    return there.filter(pl.Series(inside)).unique(["event", "voxel"], maintain_order=True)


def other_events(table: pl.DataFrame) -> pl.DataFrame:
    """Every mask under the id of the next event."""
    ids = table["event"].unique().sort()
    after = dict(zip(ids.to_list(), np.roll(ids.to_numpy(), -1).tolist(), strict=True))
    return table.with_columns(pl.col("event").replace_strict(after))


MISTAKES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "transposed": lambda table: moved(table, lambda row, col: (col, row)),
    "1-based": lambda table: moved(table, lambda row, col: (row + 1, col + 1)),
    "with 7 subtracted from row and 4 added to col": lambda table: moved(
        table, lambda row, col: (row + 7, col - 4)
    ),
    "events look shifted by one": other_events,
}


def test_attempts_that_once_gave_exactly_zero_are_told_why(images: Story) -> None:
    ada = somebody(images, "ada")
    sample = pl.read_parquet(images.folder / "sample_submission_stage-1.parquet")
    for words, mistake in MISTAKES.items():
        found = checked(ada, mistake(sample))
        assert words in found["lit_coverage"], found
        assert "it would be" in found["lit_coverage"]


def test_one_based_voxels_are_told_before_the_first_score(volumes: Story) -> None:
    """`voxel` counted from 1: the whole volume moves by one wire."""
    ada = somebody(volumes, "ada")
    sample = pl.read_parquet(volumes.folder / "sample_submission_stage-1.parquet")
    assert "lit_coverage" not in checked(ada, sample)
    found = checked(ada, sample.with_columns(pl.col("voxel") + 1))
    assert "1-based" in found["lit_coverage"], found
    x, rest = np.divmod(sample["voxel"].to_numpy(), 192 * 192)
    y, z = np.divmod(rest, 192)
    turned = sample.with_columns(pl.Series("voxel", (z * 192 + y) * 192 + x))
    assert "transposed" in checked(ada, turned)["lit_coverage"]


def test_samples_are_valid_without_a_warning(images: Story) -> None:
    ada = somebody(images, "ada")
    for stage in (1, 2, 3):
        sample = pl.read_parquet(images.folder / f"sample_submission_stage-{stage}.parquet")
        assert checked(ada, sample, f"phase-{stage}") == {}


def accuracies(folder: Path, table: pl.DataFrame, column: str, split: str) -> np.ndarray:
    """Per event of a split, by hand."""
    truth = pl.read_parquet(folder / "solution_stage-1.parquet").filter(pl.col(column) == split)
    joined = truth.join(table, on=["event", "voxel"], how="left", suffix="_mine")
    right = (pl.col("class") == pl.col("class_mine")).fill_null(False)
    return joined.group_by("event").agg(right.mean().alias("right"))["right"].to_numpy()


def test_from_the_demo_files_to_the_final(images: Story, clock: Any) -> None:
    files = demo_submissions(images.folder)
    people = [somebody(images, name) for name in ("ada", "bob")]
    for person, (name, message, data) in zip(people, files, strict=True):
        answer = person.submit(data, name=name, message=message, phase="phase-1")
        assert answer.status_code == 201, answer.text
    images.drain()
    rows = people[0].board(phase="phase-1").json()["rows"]
    assert [row["team"] for row in rows] == ["bob", "ada"]
    for row, (_, _, data) in zip(rows, reversed(files), strict=True):
        mine = accuracies(images.folder, pl.read_parquet(io.BytesIO(data)), "usage_1", "public")
        assert row["score"] == pytest.approx(np.percentile(mine, 80), abs=1e-4)
        assert 0.002 < row["sigma"] < 0.05
        assert "class_recall_2" in row["metrics"]
    refused = people[0].submit(files[0][2], name="late.parquet", phase="phase-1-final")
    assert refused.status_code >= 400
    clock.time = CLOSED
    for _ in range(4):
        images.tick()
        images.drain()
    people[0].token = images.token("ada")  # the first has expired
    final = people[0].board(phase="phase-1-final").json()["rows"]
    assert [row["team"] for row in final] == ["bob", "ada"]
    mine = accuracies(
        images.folder, pl.read_parquet(io.BytesIO(files[1][2])), "usage_1_final", "public"
    )
    assert final[0]["score"] == pytest.approx(np.percentile(mine, 80), abs=1e-4)
    assert final[0]["carried"]
