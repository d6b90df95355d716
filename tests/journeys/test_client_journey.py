"""The main job with the installed command, in a fresh folder, as a CI job would run it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from challenge_folder import tiny_toml
from fivesigma_backend.core.platform import Platform
from live_server import LiveServer, live_server

COMMAND = Path(sys.executable).with_name("fivesigma")
PHASE = tiny_toml()["phases"][0] | {"limits": {"per_day": 1}}


@pytest.fixture
def live(platform: Platform, tmp_path: Path) -> Iterator[LiveServer]:
    """One submission a day may be handed in."""
    with live_server(platform, tmp_path / "tiny", phases=[PHASE]) as opened:
        yield opened


def test_from_login_to_the_limit(live: LiveServer, tmp_path: Path) -> None:
    token = live.person("ada", joined=False).token
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    inherited = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}

    def run(*words: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [COMMAND, *words],
            cwd=fresh,
            env=inherited | environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert token not in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
        assert "\x1b" not in ran.stdout + ran.stderr
        return ran

    assert run("login", live.url, "--token-stdin", given=token + "\n").returncode == 0
    assert run("challenges", "join", "tiny", "--accept-rules").returncode == 0
    assert run("download", "tiny").returncode == 0
    assert (fresh / "test.csv").read_bytes() == (live.folder / "test.csv").read_bytes()

    # The sample is a valid submission; a broken one is made of it, and found out for free.
    lines = (fresh / "sample_submission.csv").read_text().splitlines()
    lines[2] = lines[2].rsplit(",", 1)[0] + ",maybe"
    lines[7] = lines[6]
    (fresh / "broken.csv").write_text("\n".join(lines))
    broken = run("validate", "tiny", "-f", "broken.csv")
    assert broken.returncode == 4
    found = {line.split()[-2]: line.split()[-1] for line in broken.stdout.splitlines()[1:]}
    assert found["Class"] == "3"
    offline = run("validate", "--sample", "sample_submission.csv", "-f", "broken.csv", "--json")
    assert offline.returncode == 4
    assert json.loads(offline.stdout)["ok"] is False

    words = ("-f", "sample_submission.csv", "-m", "the sample")
    sent = run("submit", "tiny", *words, "--wait", "--json", FIVESIGMA_URL=live.url)
    assert sent.returncode == 0, sent.stderr
    submission = json.loads(sent.stdout)
    assert submission["status"] == "scored"
    assert submission["scores"]["public"]["ams"]["sigma"] > 0

    board = run("leaderboard", "tiny", "--format", "csv")
    assert board.returncode == 0
    (row,) = csv.DictReader(io.StringIO(board.stdout))
    assert (row["Rank"], row["TeamName"], row["SubmissionCount"]) == ("1", "ada", "1")
    assert float(row["Score"]) == submission["scores"]["public"]["ams"]["value"]

    over = run("submit", "tiny", *words)
    assert over.returncode == 3
    assert "1 submissions of the day" in over.stderr
    assert over.stdout == ""

    assert run("logout").returncode == 0
    assert run("submissions", "tiny").returncode == 2
    by_environment = {"FIVESIGMA_URL": live.url, "FIVESIGMA_TOKEN": token}
    listed = run("submissions", "tiny", "--json", **by_environment)
    assert [one["id"] for one in json.loads(listed.stdout)["items"]] == [submission["id"]]
