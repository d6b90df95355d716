"""Masks and regressions from the command line, with a challenge's folder at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from kind_folders import write_masks_challenge, write_regression_challenge
from shell import Shell


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    return write_masks_challenge(tmp_path / "masks")


def test_a_transposed_mask_is_told_so_offline(shell: Shell, masks: Path, tmp_path: Path) -> None:
    truth = np.load(masks / "truth.npy")
    np.save(tmp_path / "mine.npy", truth.transpose(0, 2, 1).reshape(truth.shape))
    ran = shell("validate", "--challenge", masks, "-f", tmp_path / "mine.npy")
    assert ran.code == 0
    assert "transposed" in " ".join(ran.out.split())


def test_masks_are_scored_offline(shell: Shell, masks: Path) -> None:
    ran = shell("score", "--challenge", masks, "-f", masks / "truth.npy")
    assert ran.code == 0
    assert "event_accuracy_p80" in ran.out


def test_wrong_units_are_told_offline(shell: Shell, tmp_path: Path) -> None:
    folder = write_regression_challenge(tmp_path / "masses")
    test = pl.read_csv(folder / "test.csv")
    test.select("jet", mass=pl.col("tracks") / 1000).write_csv(tmp_path / "mine.csv")
    ran = shell("validate", "--challenge", folder, "-f", tmp_path / "mine.csv")
    assert ran.code == 0
    assert "training file" in " ".join(ran.out.split())
