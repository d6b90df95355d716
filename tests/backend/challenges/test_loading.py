"""Loading, updating and exporting challenges, on both databases."""

from __future__ import annotations

from pathlib import Path

from challenge_folder import write_tiny_challenge
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.core.platform import Platform


def test_a_folder_becomes_a_challenge(platform: Platform, tmp_path: Path) -> None:
    lines: list[str] = []
    folder = write_tiny_challenge(tmp_path / "tiny")
    result = load_challenge(platform, folder, report=lines.append)
    print("\n".join(lines))
    assert result.created
