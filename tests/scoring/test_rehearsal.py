"""A rehearsal starts no thread, leaves nothing behind, and needs no folder to be granted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import os
from pathlib import Path
import fivesigma_scoring.rehearsal as rehearsal

def names():
    return sorted((task / "comm").read_text() for task in Path("/proc/self/task").iterdir())

before = names()
scored = []
score = rehearsal.score_file
rehearsal.score_file = lambda *arguments: scored.append(score(*arguments)) or scored[-1]
rehearsal.rehearse()
assert names() == before, names()
assert all(outcome.report.ok for outcome in scored)
print(sorted({split["ams"].bootstrap for outcome in scored for split in outcome.scores.values()}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_both_ways_to_a_sigma_are_rehearsed_without_a_thread(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOOK],
        env={"TMPDIR": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0] == "[False, True]"
    assert not list(tmp_path.iterdir())


def test_without_a_folder_nothing_is_rehearsed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from fivesigma_scoring import rehearsal

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rehearsal.tempfile, "TemporaryDirectory", full)
    rehearsal.rehearse()
