"""Which figures a scored file gets, for whom: end to end through compiled solutions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import PhaseScoring, TestSetSpec, compile_solution
from fivesigma_scoring.binning import Detail
from fivesigma_scoring.exhibits import exhibit_file, figures_job
from fivesigma_scoring.figures import Figure

EVENTS = 2000
MASKS, SHAPE = 240, (8, 9)
BLIND, OPEN, ORGANISER = Detail.PARTICIPANT_BLIND, Detail.PARTICIPANT_OPEN, Detail.ORGANISER


def selection(folder: Path) -> dict[str, Any]:
    random = np.random.default_rng(5)
    signal = random.random(EVENTS) < 0.4
    score = random.random(EVENTS) + 0.4 * signal
    usage = np.where(random.random(EVENTS) < 0.5, "public", "private")
    ids = np.arange(EVENTS)
    pl.DataFrame(
        {"EventId": ids, "label": np.where(signal, "s", "b"), "usage": usage}
    ).write_parquet(folder / "solution.parquet")
    pl.DataFrame(
        {"EventId": ids, "Class": np.where(score > 0.8, "s", "b"), "Score": score}
    ).write_csv(folder / "mine.csv")
    compile_solution(
        folder / "solution.parquet",
        folder / "mine.csv",
        folder / "compiled",
        test_set=TestSetSpec(),
        phases=[PhaseScoring("main", "ams")],
    )
    return {"file": folder / "mine.csv", "filename": "mine.csv"}


def masks(folder: Path) -> dict[str, Any]:
    random = np.random.default_rng(6)
    truth = random.integers(0, 3, (MASKS, *SHAPE)).astype(np.uint8)
    mine = np.where(random.random(truth.shape) < 0.7, truth, 1).astype(np.uint8)
    usage = np.where(np.arange(MASKS) % 2, "public", "private")
    np.savez(folder / "solution.npz", mask=truth, usage=usage)
    np.save(folder / "mine.npy", mine)
    compile_solution(
        folder / "solution.npz",
        folder / "mine.npy",
        folder / "compiled",
        test_set=TestSetSpec(kind="segmentation", classes=("nothing", "shower", "track")),
        phases=[PhaseScoring("main", "event_accuracy_mean")],
    )
    return {"file": folder / "mine.npy", "filename": "mine.npy"}


def names(
    folder: Path, given: Mapping[str, Any], **options: Any
) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for one in exhibit_file(**given, compiled=folder / "compiled", phase="main", **options):
        found.setdefault((one.split, one.detail), set()).add(one.figure.name)
    return found


def test_cuts_are_compared_for_organisers_and_after_unblinding_only(tmp_path: Path) -> None:
    found = names(tmp_path, selection(tmp_path))
    assert set(found) == {
        ("public", BLIND),
        ("public", OPEN),
        ("public", ORGANISER),
        ("private", OPEN),
        ("private", ORGANISER),
    }
    assert found["public", BLIND] == {"score", "confusion"}
    scans = found["public", OPEN] - found["public", BLIND]
    assert scans
    assert (
        scans <= found["private", OPEN] & found["private", ORGANISER] & found["public", ORGANISER]
    )


def test_events_are_displayed_only_where_the_truth_is_public(tmp_path: Path) -> None:
    given = masks(tmp_path)
    blind = ("public", BLIND)
    hidden, shown = names(tmp_path, given), names(tmp_path, given, truth_public=True)
    assert hidden[blind] == {"confusion", "event_accuracy"}
    assert shown[blind] - hidden[blind] == {"event_1", "event_2", "event_3", "event_4"}


def test_a_display_shows_truth_and_prediction_of_its_event(tmp_path: Path) -> None:
    given = masks(tmp_path)
    folder = tmp_path / "compiled"
    exhibits = exhibit_file(**given, compiled=folder, phase="main", truth_public=True)
    truth = np.load(tmp_path / "solution.npz")["mask"]
    mine = np.load(given["file"])
    shown = [one for one in exhibits if one.figure.title.startswith("Event ")]
    assert len(shown) == 4 * len({(one.split, one.detail) for one in exhibits})
    for one in shown:
        if one.split == "private":
            event = int(one.figure.title.removeprefix("Event "))
            scored = truth[event] > 0
            right = (mine[event] == truth[event])[scored].mean()
            assert event % 2 == 0
            assert one.figure.note == f"{100 * right:.1f} % of its pixels are right."


@pytest.mark.parametrize("make", [selection, masks])
def test_the_child_gives_figures_that_can_be_read_back(tmp_path: Path, make: Any) -> None:
    given = {name: str(one) for name, one in make(tmp_path).items()}
    job = {**given, "compiled": str(tmp_path / "compiled"), "phase": "main", "truth_public": True}
    answer = figures_job(job)["figures"]
    figures = [Figure.from_json(one["figure"]) for one in answer]
    assert len(figures) > 5
    assert [one.as_json() for one in figures] == [one["figure"] for one in answer]


def test_a_refused_file_has_no_figures(tmp_path: Path) -> None:
    given = selection(tmp_path)
    given["file"].write_text("EventId,Class,Score\n1,s,nan\n")
    assert names(tmp_path, given) == {}
