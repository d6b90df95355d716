"""Real LArTPC images: particles overlaid in pairs, and the mistakes that once gave exactly zero."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fivesigma_scoring import PhaseScoring, TestSetSpec, check_file, compile_solution, score_file

FILE = Path(__file__).parents[4] / "shared/data/lartpc-larcv-images/particles_256_3planes.npz"
ELECTRON = 11
CLASSES = ("nothing", "shower", "track")

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the real LArTPC images are not here")


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """An electron (1) and a proton (2) in each of 30 planes, the larger deposit on top."""
    with np.load(FILE) as file:
        image, pdg = file["image"], np.abs(file["pdg"])
    electrons, protons = (image[pdg == ELECTRON], image[pdg != ELECTRON])
    showers, tracks = (one.reshape(-1, 256, 256) for one in (electrons, protons))
    mask = np.where(tracks > showers, 2, np.where(showers > 0, 1, 0))
    return mask.astype(np.uint8)


@pytest.fixture(scope="module")
def folder(truth: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled challenge; its sample is dense, with a class for every lit pixel."""
    path = tmp_path_factory.mktemp("images")
    usage = np.where(np.arange(len(truth)) % 2, "public", "private")
    np.savez_compressed(path / "solution.npz", mask=truth, usage=usage)
    np.save(path / "sample.npy", (truth > 0).astype(np.uint8))
    compile_solution(
        path / "solution.npz",
        path / "sample.npy",
        path / "compiled",
        test_set=TestSetSpec(kind="segmentation", classes=CLASSES),
        phases=[PhaseScoring("main", "event_accuracy_p80", ["voxel_accuracy"])],
    )
    return path


def test_the_truth_is_perfect_and_raises_no_eyebrow(truth: np.ndarray, folder: Path) -> None:
    np.save(folder / "mine.npy", truth)
    outcome = score_file(folder / "mine.npy", "mine.npy", folder / "compiled", "main")
    assert not outcome.report.findings
    assert {one.value for one in outcome.scores["public"].values()} == {1.0}


ATTEMPTS: dict[str, Callable[[Any], Any]] = {
    "The axes look transposed (Fortran order): read as col, row instead of row, col": (
        lambda mask: mask.transpose(0, 2, 1)
    ),
    "The index of the pixels looks 1-based: with 1 subtracted": (
        lambda mask: np.roll(mask.reshape(len(mask), -1), 1, axis=1).reshape(mask.shape)
    ),
    "The events look shifted by one: with each mask given to the previous event": (
        lambda mask: np.roll(mask, 1, axis=0)
    ),
    "col looks mirrored: counted from the other end": lambda mask: mask[:, :, ::-1],
}


@pytest.mark.parametrize("looks", ATTEMPTS)
def test_attempts_that_miss_are_told_why(truth: np.ndarray, folder: Path, looks: str) -> None:
    np.save(folder / "mine.npy", np.ascontiguousarray(ATTEMPTS[looks](truth)))
    report = check_file(folder / "mine.npy", "mine.npy", folder / "compiled" / "universe")
    [finding] = report.findings
    assert finding.code == "lit_coverage"
    assert f". {looks}, it would be " in finding.message
