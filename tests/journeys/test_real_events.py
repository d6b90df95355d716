"""Real events in, a ranked team out: 7,521 events of the 2014 challenge through the platform."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import SHARED_DATA, FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.challenges.models import Solution
from fivesigma_backend.challenges.service import load_builtin
from fivesigma_backend.core.platform import Platform
from fivesigma_scoring import score
from fivesigma_scoring.splits import PRIVATE
from fivesigma_scoring.universe import Universe
from sqlalchemy import select
from stories import API, Person, Story

REAL = SHARED_DATA / "higgsml-real-9998" / "contiguous_7521.csv"
TOTALS = {"s": 691.988607712, "b": 410999.847322}
pytestmark = [
    pytest.mark.stores,
    pytest.mark.skipif(not REAL.exists(), reason="the real events are not at ../shared/data"),
]


def mass_window(test: pl.DataFrame) -> bytes:
    """Kaggle's format: every event, those with 100 < MMC < 150 GeV as signal."""
    mass = pl.col("DER_mass_MMC")
    text = io.BytesIO()
    test.select(
        "EventId",
        mass.rank("ordinal").alias("RankOrder"),
        pl.when((mass > 100) & (mass < 150))
        .then(pl.lit("s"))
        .otherwise(pl.lit("b"))
        .alias("Class"),
    ).write_csv(text)
    return text.getvalue()


def downloaded(person: Person, name: str) -> pl.DataFrame:
    answer = person.get(f"{API}/challenges/higgsml/files/{name}")
    assert answer.status_code == 200
    return pl.read_parquet(io.BytesIO(answer.content))


def test_real_events_in_ranked_team_out(
    platform: Platform, web: TestClient, tmp_path: Path, clock: FrozenClock
) -> None:
    said: list[str] = []
    load_builtin(platform, "higgsml", data=[REAL], seed=2014, report=said.append)
    assert any("KaggleWeight" in line for line in said)
    story = Story(platform, web, tmp_path)
    ada, ben = (story.person(name, joined=False) for name in ("ada", "ben"))
    for person in (ada, ben):
        person.slug = "higgsml"
        assert person.join().status_code == 200

    test = downloaded(ada, "test")
    assert "Label" not in test.columns
    assert "Weight" not in test.columns
    window = mass_window(test)
    everything = window.replace(b",b\n", b",s\n")
    ada_sent = ada.submit(window, message="mass window 100 to 150 GeV")
    assert ada_sent.status_code == 201, ada_sent.text
    assert ben.submit(everything).status_code == 201
    assert story.drain() == 2

    rows = ada.board().json()["rows"]
    assert [(row["rank"], row["team"]) for row in rows] == [(1, "ada"), (2, "ben")]
    # "Select everything" is known exactly, whatever the split: the totals are declared.
    assert rows[1]["score"] == pytest.approx(1.0791, abs=1e-4)
    assert rows[0]["score"] == pytest.approx(1.54, abs=3 * rows[0]["sigma"])

    clock.time = clock.time.replace(year=clock.time.year + 2)
    story.tick()
    board = web.get(f"{API}/challenges/higgsml/leaderboard?split=private").json()
    private = board["rows"]
    assert private[0]["team"] == "ada"
    assert private[0]["score"] == pytest.approx(_by_hand(window, platform), rel=1e-9)


def _by_hand(file: bytes, platform: Platform) -> float:
    """The private AMS of `file`, from the real file's own labels and the stored split."""
    with platform.db.read() as session:
        solution = session.scalars(select(Solution)).one()
    compiled = platform.storage.local_folder(solution.compiled_sha256)
    private = np.load(compiled / "truth" / "challenge" / "usage.npy") == PRIVATE
    ids = pl.DataFrame({"EventId": Universe.load(compiled / "universe").ids[private]})
    real = pl.read_csv(REAL).select("EventId", "Label", "KaggleWeight")
    joined = ids.join(real, on="EventId").join(pl.read_csv(file), on="EventId")
    assert len(joined) == len(ids) > 1000
    return score(
        "ams",
        (joined["Label"] == "s").to_numpy(),
        (joined["Class"] == "s").to_numpy(),
        joined["KaggleWeight"].to_numpy(),
        normalise=TOTALS,
        regularisation=10,
    ).value
