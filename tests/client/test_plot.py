"""`score --plot`: figures of one's own events, drawn without a server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from live_server import LiveServer
from shell import Shell

SELECTION = {"confusion", "score_by_class", "ams_scan", "roc", "rejection", "efficiency"}
PNG = b"\x89PNG\r\n\x1a\n"
ROWS = 1500


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """A folder with own events and predictions for them, with a score and without."""
    random = np.random.default_rng(1)
    signal = random.random(ROWS) < 0.3
    score = random.normal(signal.astype(float))
    own = pl.DataFrame({"EventId": np.arange(ROWS), "Score": score}).with_columns(
        Class=pl.Series(np.where(score > 0.8, "s", "b"))
    )
    truth = own.select("EventId").with_columns(
        label=pl.Series(np.where(signal, "s", "b")),
        weight=pl.Series(random.uniform(0.5, 1.5, ROWS)),
    )
    truth.write_parquet(tmp_path / "truth.parquet")
    own.write_csv(tmp_path / "mine.csv")
    own.drop("Score").write_csv(tmp_path / "no-score.csv")
    own.head(40).write_csv(tmp_path / "few.csv")
    truth.head(40).write_parquet(tmp_path / "few-truth.parquet")
    mass = random.uniform(85, 500, ROWS)
    pl.DataFrame({"id": np.arange(ROWS), "m": mass}).write_csv(tmp_path / "masses.csv")
    predicted = pl.DataFrame({"id": np.arange(ROWS), "m": mass + random.normal(0, 20, ROWS)})
    predicted.write_csv(tmp_path / "my-masses.csv")
    return tmp_path


def words(folder: Path, file: str = "mine.csv", truth: str = "truth.parquet") -> list[object]:
    return ["score", "--metric", "ams", "--truth", folder / truth, "-f", folder / file]


def test_a_folder_gets_one_picture_for_each_figure(shell: Shell, events: Path) -> None:
    figures = events / "figures"
    plain = shell(*words(events), "--json")
    ran = shell(*words(events), "--json", "--plot", figures)
    assert ran.code == 0
    assert ran.json == plain.json
    assert {path.name for path in figures.iterdir()} == {f"{name}.png" for name in SELECTION}
    assert all(path.read_bytes().startswith(PNG) for path in figures.iterdir())
    assert ran.err.count("Drawn: ") == len(SELECTION)
    again = shell(*words(events), "-q", "--plot", figures)
    assert (again.code, again.err) == (0, "")


@pytest.mark.parametrize("name", ["sheet.svg", "SHEET.PNG"])
def test_a_file_gets_all_of_them(shell: Shell, events: Path, name: str) -> None:
    ran = shell(*words(events), "--plot", events / name)
    assert ran.code == 0
    assert "ams" in ran.out
    data = (events / name).read_bytes()
    if name.endswith("svg"):
        assert ElementTree.fromstring(data).tag.endswith("svg")
    else:
        assert data.startswith(PNG)


def test_regressions_are_drawn_too(shell: Shell, events: Path) -> None:
    ran = shell(
        *("score", "--metric", "mae", "--truth", events / "masses.csv"),
        *("-f", events / "my-masses.csv", "--plot", events / "figures"),
    )
    assert ran.code == 0
    names = {path.stem for path in (events / "figures").iterdir()}
    assert names == {"residuals", "response", "resolution"}


def test_masks_are_drawn_too(shell: Shell, events: Path) -> None:
    random = np.random.default_rng(2)
    event, pixel = np.repeat(np.arange(80), 30), np.tile(np.arange(30), 80)
    truth = random.integers(1, 3, event.size).astype(np.uint8)
    guess = np.where(random.random(event.size) < 0.8, truth, 3 - truth).astype(np.uint8)
    for name, classes in (("truth", truth), ("mine", guess)):
        columns = {"event": event, "voxel": pixel, "class": classes, "shape": np.array([6, 5])}
        np.savez(events / f"{name}.npz", **columns)
    ran = shell(
        *("score", "--metric", "event_accuracy_mean", "--truth", events / "truth.npz"),
        *("-f", events / "mine.npz", "--plot", events / "figures"),
    )
    assert ran.code == 0
    names = {path.stem for path in (events / "figures").iterdir()}
    assert names == {"confusion", "event_accuracy"}


def test_as_a_challenge_of_the_site_scores(ada: Shell, live: LiveServer, events: Path) -> None:
    file, truth = events / "mine.csv", events / "truth.parquet"
    ran = ada("score", "tiny", "--truth", truth, "-f", file, "--plot", events / "figures")
    assert ran.code == 0
    assert (events / "figures" / "ams_scan.png").is_file()


def test_what_is_missing_is_said(shell: Shell, events: Path) -> None:
    ran = shell(*words(events, "no-score.csv"), "--plot", events / "figures")
    assert ran.code == 0
    assert "column Score" in ran.err
    assert {path.stem for path in (events / "figures").iterdir()} == {"confusion"}
    few = shell(*words(events, "few.csv", "few-truth.parquet"), "--plot", events / "none")
    assert few.code == 0
    assert "at least 50 events" in few.err
    assert not (events / "none").exists()


def test_a_refused_file_is_not_drawn(shell: Shell, events: Path) -> None:
    ran = shell(*words(events, "few.csv"), "--plot", events / "figures")
    assert ran.code == 4
    assert not (events / "figures").exists()


def test_wrong_use(shell: Shell, events: Path) -> None:
    for target in ("figure.pdf", "no-such-folder/roc.png", "mine.csv"):
        ran = shell(*words(events), "--plot", events / target)
        assert (ran.code, ran.out) == (2, "")
        assert "figure.pdf" not in {path.name for path in events.iterdir()}
    ran = shell("score", "--challenge", events, "-f", events / "mine.csv", "--plot", events / "a")
    assert ran.code == 2
    assert "--truth" in ran.err


WITHOUT = """
import sys
sys.modules["matplotlib"] = None
from fivesigma_client.cli import main
main()
"""


def test_without_matplotlib_the_extra_is_named(events: Path) -> None:
    """All other commands, and scoring itself, need none of it."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", WITHOUT, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run(*words(events)).returncode == 0
    ran = run(*words(events), "--plot", events / "roc.png")
    assert ran.returncode == 2
    assert 'pip install "fivesigma[plot]"' in ran.stderr
    assert ran.stdout == ""
