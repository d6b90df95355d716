"""Four published taggers on the 404,000 reference jets: handed in by command, ranked as published.

The reference jets are the public rows. The platform wants a private part too, so ten invented jets
follow, which every tagger gets right.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tomli_w
import zstandard
from challenge_folder import CLOSES, OPENS
from conftest import SHARED_DATA, FrozenClock
from fastapi.testclient import TestClient
from fivesigma_backend.app import create_app
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.core.platform import Platform
from live_server import LiveServer, Web, Worker
from stories import Story

REFERENCE = SHARED_DATA / "toptag-reference"
COMMAND = Path(sys.executable).with_name("fivesigma")
JETS, INVENTED = 404_000, 10
ORDER = {
    "ParticleNet": "particlenet.parquet",
    "ResNeXt-50": "resnext.csv.gz",
    "P-CNN": "pcnn.csv",
    "TopoDNN": "topodnn.csv.zst",
}
"""As published, best rejection first; each is handed in in another format."""
DIGITS = {"rejection_at_30": 1, "auc": 4, "accuracy": 4}
COLUMNS = {"rejection_at_30": "bkg_rejection_at_30", "auc": "auc", "accuracy": "accuracy"}
pytestmark = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference jets are not at ../shared/data"
)
Run = Callable[..., str]


@pytest.fixture(scope="module")
def jets() -> dict[str, np.ndarray[Any, Any]]:
    with np.load(REFERENCE / "labels_pt_scores_4.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, float]]:
    rows = csv.DictReader((REFERENCE / "metrics_4_runs.csv").read_text().splitlines())
    return {
        row["tagger"]: {ours: float(row[name]) for ours, name in COLUMNS.items()} for row in rows
    }


def invented() -> np.ndarray[Any, Any]:
    """Classes of the invented jets."""
    return np.arange(INVENTED) % 2


def prediction(jets: dict[str, np.ndarray[Any, Any]], tagger: str) -> pl.DataFrame:
    """The tagger's scores as published; a jet above one half is called a top."""
    score = np.concatenate([jets[f"{tagger}_run0"], invented().astype(np.float32)])
    label = np.where(score > 0.5, "s", "b")
    return pl.DataFrame({"jet": np.arange(score.size), "Class": label, "Score": score})


def written(table: pl.DataFrame, path: Path) -> Path:
    """The file in the format that its name says, its rows in another order."""
    shuffled = table.sample(fraction=1.0, shuffle=True, seed=6)
    pack = {".gz": gzip.compress, ".zst": zstandard.compress, ".csv": bytes}
    if path.suffix == ".parquet":
        shuffled.write_parquet(path)
    else:
        path.write_bytes(pack[path.suffix](shuffled.write_csv().encode()))
    return path


@pytest.fixture
def folder(jets: dict[str, np.ndarray[Any, Any]], tmp_path: Path) -> Path:
    """A challenge whose public rows are the reference jets."""
    out = tmp_path / "challenge"
    out.mkdir()
    truth = np.concatenate([jets["label"], invented()])
    usage = np.repeat(["public", "private"], [JETS, INVENTED])
    ids = np.arange(truth.size)
    pl.DataFrame({"jet": ids, "label": truth, "usage": usage}).write_parquet(
        out / "solution.parquet"
    )
    sample = {"jet": ids, "Class": np.full(truth.size, "s"), "Score": np.zeros(truth.size)}
    pl.DataFrame(sample).write_csv(out / "sample.csv")
    (out / "README.md").write_text("# Reference jets\n")
    phase = {
        "slug": "reference",
        "title": "Reference",
        "opens": OPENS,
        "closes": CLOSES,
        "metric": "rejection_at_30",
        "metrics": ["auc", "accuracy"],
    }
    toml = {
        "slug": "reference",
        "title": "Top tagging, reference jets",
        "summary": "Tell tops from light jets.",
        "kind": "selection",
        "test_sets": {"main": {"solution": "solution.parquet", "sample": "sample.csv"}},
        "phases": [phase],
    }
    (out / "challenge.toml").write_text(tomli_w.dumps(toml))
    return out


@pytest.fixture
def live(platform: Platform, folder: Path) -> Iterator[LiveServer]:
    load_challenge(platform, folder, report=lambda line: None)
    with TestClient(create_app(platform)) as inside:
        web, worker = Web(platform), Worker(platform)
        try:
            yield LiveServer(Story(platform, inside, folder), web, worker)
        finally:
            worker.end()
            web.stop()


@pytest.fixture
def run(live: LiveServer, tmp_path: Path) -> Run:
    """The installed command as a participant runs it; standard output of one that succeeds."""

    def ran(token: str, *words: str) -> str:
        variables = {"FIVESIGMA_URL": live.url, "FIVESIGMA_TOKEN": token}
        surroundings = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}
        done = subprocess.run(
            [COMMAND, *words],
            cwd=tmp_path,
            env=surroundings | variables,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return ran


def test_published_taggers_have_their_published_order_and_numbers(
    live: LiveServer,
    run: Run,
    jets: dict[str, np.ndarray[Any, Any]],
    published: dict[str, dict[str, float]],
    tmp_path: Path,
    clock: FrozenClock,
) -> None:
    names = {tagger.lower().replace("-", ""): tagger for tagger in ORDER}
    tokens = {name: live.person(name, joined=False).token for name in names}
    for name in reversed(names):  # the worst first, so that the order is not that of arrival
        run(tokens[name], "challenges", "join", "reference", "--accept-rules")
        file = written(prediction(jets, names[name]), tmp_path / ORDER[names[name]])
        answer = run(
            tokens[name],
            "submit",
            "reference",
            "-f",
            str(file),
            "-m",
            names[name],
            "--wait",
            "--json",
        )
        submission = json.loads(answer)
        assert submission["status"] == "scored"
        shown = submission["scores"]["public"]
        for metric, value in published[names[name]].items():
            assert shown[metric]["value"] == round(value, DIGITS[metric]), (name, metric)

    token = tokens["topodnn"]
    board = run(token, "leaderboard", "reference", "--format", "csv")
    ranked = {row["TeamName"]: row for row in csv.DictReader(io.StringIO(board))}
    assert [names[team] for team in ranked] == list(ORDER)
    assert [row["Rank"] for row in ranked.values()] == ["1", "2", "3", "4"]

    clock.time = CLOSES
    live.story.tick()
    opened = run(token, "leaderboard", "reference", "--split", "public", "--format", "json")
    rows = json.loads(opened)["rows"]
    assert [names[row["team"]] for row in rows] == list(ORDER)
    for row in rows:
        for metric, value in published[names[row["team"]]].items():
            found = row["metrics"][metric]["value"] if metric in row["metrics"] else row["score"]
            assert found == pytest.approx(value, abs=1e-9), (row["team"], metric)
            assert row["sigma"] > 0
